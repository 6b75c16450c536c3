/** faxmodems and faxarrivals: good rows, bad rows with what would be right, and any text at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROFILES, profileFor } from '../../../hardware/modem/profiles.ts';
import { parseArrivalRules } from '../../../src/grammar/fax/arrival-rules.ts';
import { modemProfiles, parseModemLines, type ModemLine } from '../../../src/grammar/fax/modem-lines.ts';
import fc from '../../props/fast-check.ts';

const plain: ModemLine = { name: 'ttyS0', device: '/dev/ttyS0', driver: 'native', baud: 38_400, fax: 'auto', flow: 'software', init: [], dial: 'DT', lockFolder: '/var/lock', answerAfterRings: 0 };

test('modems as they are written', () => {
  const rows: readonly (readonly [string, Partial<ModemLine>])[] = [
    ['/dev/ttyS0', {}],
    ['/dev/ttyS0   # a comment is not taken here', {}],
    ['/dev/ttyACM0 name=usb class=2.0 speed=115200 flow=hardware answer=2', { name: 'usb', device: '/dev/ttyACM0', fax: '2.0', baud: 115_200, flow: 'hardware', answerAfterRings: 2 }],
    ['/dev/ttyS0 init="AT&F1 M0" init=L1 profile=usrobotics dial=dt0, locks=/run/lock', { init: ['&F1 M0', 'L1'], profile: 'usrobotics', dial: 'DT0,', lockFolder: '/run/lock' }],
    ['/dev/ttyS0 driver=sendfax class=2', { driver: 'sendfax', fax: '2' }],
  ];
  for (const [line, changes] of rows) {
    const parsed = parseModemLines(`# modems\n\n${line.replace(/\s+# .*/, '')}\n`);
    assert.deepEqual(parsed, { kind: 'read', value: [{ ...plain, ...changes }] }, line);
  }
});

test('what is wrong is named, with what would be right', () => {
  const rows: readonly (readonly [string, RegExp, RegExp])[] = [
    ['ttyS0', /does not begin with the absolute path/, /\/dev\/ttyS0/],
    ['/dev/ttyS0 class=1', /'class=1' is not understood/, /class=2\.0/],
    ['/dev/ttyS0 speed=12', /is not understood/, /38400/],
    ['/dev/ttyS0 anser=2', /no option 'anser=2'/, /answer/],
    ['/dev/ttyS0 answer', /no option 'answer'/, /./],
    ['/dev/ttyS0 dial=DT;H0', /is not understood/, /dial=DT/],
    ['/dev/ttyS0 dial="DT\u0007"', /is not understood/, /dial=DT/],
    ['/dev/ttyS0 profile=frobotics', /is not understood/, /usrobotics/],
    ['/dev/ttyS0 driver=sendfax answer=1', /calls are taken by mgetty/, /driver=native/],
    ['/tmp/tty driver=sendfax', /below \/dev only/, /\/dev\/ttyS0/],
    ['/dev/ttyS0\n/dev/ttyS0 name=b', /a second line for '\/dev\/ttyS0'/, /one line a device/],
    ['/dev/ttyS0\n/dev/b/ttyS0', /a second modem called 'ttyS0'/, /name=ttyS0b/],
  ];
  for (const [text, what, right] of rows) {
    const parsed = parseModemLines(text);
    assert.equal(parsed.kind, 'wrong', text);
    if (parsed.kind === 'wrong') {
      assert.match(parsed.problems[0]!.what, what, text);
      assert.match(parsed.problems[0]!.right, right, text);
      assert.equal(parsed.problems[0]!.line, text.split('\n').length);
    }
  }
});

test('who gets a fax', () => {
  const parsed = parseArrivalRules('# who\ncalled 5551234 sales@example.com\nsender "+49 89*" munich@example.com two@example.com\ncaller 212* ny@example.com\nmodem ttyS1 lab@example.com\nattach tiff pdf\n');
  assert.deepEqual(parsed, {
    kind: 'read',
    value: {
      routes: [
        { by: 'called', match: '5551234', recipients: ['sales@example.com'] },
        { by: 'sender', match: '+49 89*', recipients: ['munich@example.com', 'two@example.com'] },
        { by: 'caller', match: '212*', recipients: ['ny@example.com'] },
        { by: 'modem', match: 'ttyS1', recipients: ['lab@example.com'] },
      ],
      attach: ['pdf', 'tiff'],
    },
  });
  for (const [text, what] of [
    ['from 12 a@example.com', /'from' is not called, caller/], ['called 12', /nobody gets it/], ['called ++ a@example.com', /fits nothing/],
    ['called 12 a@b@c', /'a@b@c' is no address/], ['attach', /cannot be attached/], ['attach gif', /'gif' cannot/], ['attach pdf\nattach png', /a second attach/],
  ] as const) {
    const wrong = parseArrivalRules(text);
    assert.ok(wrong.kind === 'wrong' && what.test(wrong.problems[0]!.what), text);
  }
});

test('no text breaks them', () => {
  const line = fc.oneof(fc.string({ maxLength: 80 }), fc.constantFrom('/dev/ttyS0', 'class=', 'init="', 'sender "', 'attach ', '=', '"'));
  fc.assert(fc.property(fc.array(line, { maxLength: 12 }), words => {
    for (const text of [words.join(' '), words.join('\n')]) {
      assert.match(parseModemLines(text).kind, /^(?:read|wrong)$/);
      assert.match(parseArrivalRules(text).kind, /^(?:read|wrong)$/);
    }
  }));
});

test('each profile has a name that faxmodems knows, and the other way round', () => {
  assert.deepEqual(PROFILES.map(({ name }) => name).toSorted(), [...modemProfiles].toSorted());
});

test('modems known by what they say of themselves', () => {
  for (const [identity, name] of [
    ['U.S. Robotics 56K FAX EXT', 'usrobotics'], ['ROCKWELL AC/K56', 'rockwell'], ['CONEXANT CX93001-EIS_V0.2002', 'rockwell'], ['ZyXEL U-1496E', 'zyxel'],
    ['Multi-Tech MT5634ZBA', 'multitech'], ['Agere SV92PP', 'lucent'], ['Some Other Maker', 'standard'], ['', 'standard'],
  ] as const) assert.equal(profileFor(identity).name, name, identity);
});
