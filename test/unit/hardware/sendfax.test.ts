/** sendfax's end, read for what it is. What it prints was taken from mgetty 1.2.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { understand } from '../../../hardware/modem/sendfax.ts';
import type { FaxCallEnd } from '../../../src/core/fax.ts';
import type { Ran } from '../../../src/kit/run-program.ts';

const files = ['/t/0001.g3', '/t/0002.g3'];
const dialled = "Trying fax device '/dev/ttyS0'... OK.\nDialing 5551234... OK.\n";
const sending = (...pages: readonly number[]) => pages.map(page => `sending '/t/000${page}.g3'...\r\n`).join('');
const exited = (code: number, stdout: string, stderr = ''): Ran => ({ kind: 'exited', code, stdout, stderr });
const failed = (code: number) => `/usr/sbin/sendfax: FAILED to transmit '/t/0002.g3'.\nTransmission error: +FHNG:${code} (why)\n`;

const rows: readonly (readonly [string, Ran, done: number, FaxCallEnd, confirmed: number, uncertain: boolean])[] = [
  ['all sent', exited(0, dialled + sending(1, 2)), 2, { kind: 'sent' }, 2, false],
  ['RTN once, then good', exited(0, dialled + sending(1, 1, 2), 'ERROR: RTN: page bad - retrain requested'), 2, { kind: 'sent' }, 2, false],
  ['RTN three times counts as sent with sendfax only', exited(0, dialled + sending(1, 2, 2, 2), 'WARNING: maximum number of retries reached, going on'), 2, { kind: 'hangup', code: 50 }, 1, false],
  ['usage', exited(1, ''), 0, { kind: 'unavailable', why: 'refuses' }, 0, false],
  ['no device', exited(2, "Trying fax device 'ttyS0'... locked"), 0, { kind: 'unavailable', why: 'in-use' }, 0, false],
  ['no class', exited(3, '', '/usr/sbin/sendfax: not a class 2/2.0 fax modem'), 0, { kind: 'unavailable', why: 'refuses' }, 0, false],
  ['no modem', exited(3, 'Trying fax device'), 0, { kind: 'unavailable', why: 'silent' }, 0, false],
  ['busy', exited(4, 'Dialing 5551234... dial failed (BUSY/NO ANSWER)'), 0, { kind: 'busy' }, 0, false],
  ['no dial tone', exited(5, ''), 0, { kind: 'no-dialtone' }, 0, false],
  ['dialling failed', exited(10, '', 'dial 5551234 failed (ERROR / NO CARRIER)'), 0, { kind: 'no-carrier' }, 0, false],
  ['no XON', exited(11, dialled), 0, { kind: 'lost', why: 'silence' }, 0, false],
  ['training failed at the second page', exited(12, dialled + sending(1, 2), failed(27)), 1, { kind: 'hangup', code: 27 }, 1, false],
  ['no answer after the second page', exited(12, dialled + sending(1, 2), failed(52)), 1, { kind: 'hangup', code: 52 }, 1, true],
  ['what sendfax did not listen to', exited(12, dialled + sending(1, 2), failed(-6)), 1, { kind: 'lost', why: 'silence' }, 1, true],
  ['stuck', exited(15, dialled + sending(1)), 0, { kind: 'lost', why: 'silence' }, 0, true],
  ['a status nobody wrote down', exited(77, dialled + sending(1)), 0, { kind: 'lost', why: 'garbage' }, 0, true],
  ['killed', { kind: 'killed', why: 'killed by SIGKILL' }, 1, { kind: 'lost', why: 'silence' }, 1, false],
  ['not installed', { kind: 'absent', why: 'ENOENT' }, 0, { kind: 'unavailable', why: 'absent' }, 0, false],
];

for (const [what, ran, done, end, confirmed, uncertain] of rows) {
  test(what, () => {
    const found = understand(ran, { files, done: new Set(files.slice(0, done)), aborted: false, device: 'in-use' });
    assert.deepEqual([found.end, found.confirmed, found.uncertain], [end, confirmed, uncertain]);
    assert.ok(found.said.length > 0 && found.said.length <= 600);
  });
}
