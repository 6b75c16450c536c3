/** faxrc, faxout, faxcover and faxblocked in a folder: what they decide, and what is wrong with them, line by line. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { folderOf } from '../config/folder-props.ts';

test('without faxrc no fax is sent; with it, the rest has values that work', (t) => {
  assert.equal(folderOf(t, {}).read().fax.enabled, false);
  const { fax, settings } = folderOf(t, { faxrc: 'accept^ . local\n' }).read();
  assert.deepEqual([fax.enabled, fax.rules.length, fax.paper, fax.resolution, fax.paidTries, fax.together, fax.limits.pages, fax.ghostscript], [true, 1, 'a4', 'fine', 3, null, 100, 'gs']);
  assert.deepEqual(fax.busyDelaysMs, [60_000, 180_000, 300_000, 600_000, 900_000]);
  assert.ok(settings.some(({ name, value }) => name === 'faxout: PARTTIME' && value === '120s'));
});

test('every setting is taken', (t) => {
  const font = join(scratchFolder('font'), 'x.ttc');
  writeFileSync(font, '');
  const { fax } = folderOf(t, {
    faxrc: 'accept^ . local\n', faxblocked: '^1900\n', faxcover: '= %NAME%\n%TEXT%\n', 'module.fax': 'MAXDELS=1\nMAXHOST=1\nMAXRCPT=1\n',
    faxout: `STATION_ID="+1 212 555"\nSTATION_NAME="A & B"\nPAPER=Letter\nRESOLUTION=normal\nFONTS=${font}#Name\nOFFICE="/usr/bin/conv {file} {folder}"\nMAXPAGES=7\nMAXPIXELS=20000\nPARTTIME=5s\nPARTMEMORY=64M\nBUSYRETRY="2m, 5m"\nPAIDRETRY=1h\nPAIDTRIES=2\nDAYCALLS=9\nDAYCALLSPERNUMBER=3\nONECALL=1\nONECALLPAGES=12\n`,
  }).read();
  assert.deepEqual(
    [fax.stationId, fax.stationName, fax.paper, fax.resolution, fax.fonts, fax.office, fax.limits, fax.busyDelaysMs, fax.paidDelaysMs, fax.paidTries, fax.callsADay, fax.callsADayPerNumber, fax.together],
    ['+1 212 555', 'A & B', 'letter', 'normal', [`${font}#Name`], ['/usr/bin/conv', '{file}', '{folder}'], { pages: 7, pixels: 20_000, timeMs: 5000, memoryOctets: 67_108_864 }, [120_000, 300_000], [3_600_000], 2, 9, 3, { pages: 12 }],
  );
  assert.equal(fax.blocked.length, 1);
});

test('what is wrong is told with its file and line', (t) => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['faxrc', 'accept^ . local\nallow 1 local\n', /faxrc:2: 'allow' is not rw, accept or reject/],
    ['faxblocked', '\n1;2\n', /faxblocked:2: /],
    ['faxcover', '= FAX\n%FORM%\n', /faxcover:2: there is no '%FORM%'; right would be: %FROM%/],
    ['faxout', 'PAPER=a5\n', /faxout:1: PAPER: 'a5' is not a4 or letter/],
    ['faxout', '\nSTATION_ID="my number"\n', /faxout:2: STATION_ID: /],
    ['faxout', 'OFFICE="soffice {file} {folder}"\n', /faxout:1: OFFICE: .*absolute/],
    ['faxout', 'OFFICE="/usr/bin/soffice {file}"\n', /faxout:1: OFFICE: .*both/],
    ['faxout', 'GHOSTSCRIPT="/usr/bin/gs -dNOSAFER"\n', /faxout:1: GHOSTSCRIPT: /],
    ['faxout', 'FONTS=/nonexistent/x.ttf\n', /faxout:1: FONTS: there is no font/],
    ['faxout', 'BUSYRETRY=""\n', /faxout:1: BUSYRETRY: no time/],
    ['faxout', 'PARTMEMORY=1K\n', /faxout:1: PARTMEMORY: that is too little/],
    ['faxout', 'PAPRE=a4\n', /faxout:1: unknown variable PAPRE; right would be: PAPER=a4/],
  ];
  for (const [file, text, expected] of rows) {
    const problems = folderOf(t, { faxrc: 'accept^ . local\n', [file]: text }).problems();
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', expected);
  }
});
