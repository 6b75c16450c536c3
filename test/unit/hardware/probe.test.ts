/** What people are told about a modem: what it is, and what to do when it is not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { probeModem, stateOfModem } from '../../../hardware/probe.ts';
import { HURRY, never, noSocat, openModemBench } from '../../props/fax-modem.ts';

test('a modem in order', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t, { classes: ['2'], maker: 'ROCKWELL', model: 'RC144', revision: 'V1.3' });
  const { works, found, problems } = await probeModem(bench.settings, bench.clock, never);
  assert.ok(works);
  assert.deepEqual(problems, []);
  assert.deepEqual(found, [
    'identity:   ROCKWELL RC144 V1.3', 'classes:    0, 2; class 2 is used', 'profile:    rockwell', 'speed:      38400 bit/s to the modem, software flow control',
    'can do:     fine and normal resolution, up to 14400 bit/s', 'adaptive:   yes: data calls and faxes are told apart',
  ]);
});

test('what is wrong, in words', { skip: noSocat, timeout: 60_000 }, async t => {
  const bench = await openModemBench(t, { classes: ['2'], at: step => (step.kind === 'command' && /^(?:&K|\+FAA)/.test(step.text) ? { kind: 'says', lines: ['ERROR'] } : undefined) });
  const half = await probeModem({ ...bench.settings, stationId: '' }, bench.clock, never);
  assert.ok(half.works);
  assert.ok(half.found.includes('adaptive:   no: it takes faxes only'));
  assert.match(half.problems.join('\n'), /refuses its flow control command \(&K4\)/);
  assert.match(half.problems.join('\n'), /No STATION_ID is set/);

  const wrongClass = await probeModem({ ...bench.settings, fax: '2.0' }, bench.clock, never);
  assert.equal(wrongClass.works, false);
  assert.match(wrongClass.problems[0]!, /has fax classes 0, 2, not 2\.0/);

  const absent = await probeModem({ ...bench.settings, device: join(bench.folder, 'ttyNone') }, bench.clock, never);
  assert.match(absent.problems[0]!, /There is no modem at .*ttyNone/);

  const other = spawn('sleep', ['30']);
  t.after(() => other.kill());
  writeFileSync(join(bench.folder, 'LCK..ttyF0'), `${String(other.pid).padStart(10)}\n`);
  assert.match((await probeModem(bench.settings, bench.clock, never)).problems[0]!, new RegExp(`Another program has it: locked by process ${other.pid}`));
  assert.deepEqual(await stateOfModem(bench.settings), { name: 'ttyF0', device: bench.modem.path, driver: 'native', state: 'in-use', pid: other.pid });

  const mute = await openModemBench(t, { at: () => ({ kind: 'silence' }) }, { times: HURRY });
  assert.match((await probeModem(mute.settings, mute.clock, never)).problems.join('\n'), /does not answer ATV1Q0[^]*switched on/);
});
