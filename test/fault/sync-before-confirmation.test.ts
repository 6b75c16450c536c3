/**
 * A fax page is on disk before its sender hears that it is good: in the system calls of a running gateway, the sync of the
 * page's file and of its folder return before the AT+FDR that confirms it is written to the modem.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFaxSimulator } from '../../hardware/fax-simulator/simulator.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { boxFor } from '../props/box.ts';
import { noSocat } from '../props/fax-modem.ts';
import { drawnPage } from '../props/fax-pages.ts';
import { scratchFor } from '../props/scratch.ts';
import { attachStrace, straceAbsent } from '../props/strace.ts';
import { within } from '../props/within.ts';
import { readTrace, syncs, writes } from './system-calls.ts';

const traced = 'fdatasync,fsync,write,writev,pwrite64,rename,renameat,renameat2';

test('each page is synced, and its folder, before it is confirmed', { skip: noSocat !== false ? noSocat : straceAbsent(), timeout: 120_000 }, async t => {
  const folder = scratchFor(t, 'fax-sync');
  const modem = await openFaxSimulator({ path: join(folder, 'ttyF0'), clock: createSystemClock(), script: { classes: ['2'] } });
  t.after(() => modem.close());
  const box = await boxFor(t, { folder, files: { faxmodems: `${modem.path} answer=1 locks=${folder}\n` } });
  await box.start();
  const file = join(folder, 'trace');
  const tracer = await attachStrace(t, box.pid, ['-y', '-s', '64', '-e', `trace=${traced}`, '-o', file]);
  const result = await within(60_000, 'the call', modem.ring({ pages: [drawnPage(300, 1), drawnPage(200, 2)], rings: 9 }));
  assert.deepEqual(result.verdicts, [1, 1]);
  await box.logged('the fax', line => line.event === 'fax-in');
  await tracer.detach();
  assert.equal(await box.stop(60_000), 0);

  const calls = readTrace(readFileSync(file, 'latin1'));
  const asked = calls.filter(call => writes.has(call.name) && call.text.includes('AT+FDR'));
  assert.equal(asked.length, 3, 'AT+FDR for each page, and once more for the last confirmation');
  for (const [page, name] of ['001-', '002-'].entries()) {
    const confirmation = asked[page + 1]!;
    const written = calls.findLast(call => writes.has(call.name) && call.path.includes(`/.${name}`));
    assert.ok(written !== undefined && written.began > asked[page]!.returned, `page ${page + 1} is written after it was asked for`);
    const synced = calls.find(call => syncs.has(call.name) && call.path === written.path && call.began > written.returned && call.text.endsWith(' = 0'));
    assert.ok(synced !== undefined && synced.returned < confirmation.began, `page ${page + 1} is confirmed without a sync of its octets`);
    const renamed = calls.find(call => call.name.startsWith('rename') && call.text.includes(`/.${name}`));
    assert.ok(renamed !== undefined && renamed.began > synced.returned);
    const folderSynced = calls.find(call => syncs.has(call.name) && call.path.endsWith('.part') && call.began > renamed.returned && call.text.endsWith(' = 0'));
    assert.ok(folderSynced !== undefined && folderSynced.returned < confirmation.began, `page ${page + 1} is confirmed without a sync of its folder`);
  }
});
