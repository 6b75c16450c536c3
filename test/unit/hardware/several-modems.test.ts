/** Several modems: a free one is taken, one in use is waited for, one that is gone is gone until it is back. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFaxLine } from '../../../hardware/fax-line.ts';
import { silent } from '../../../src/core/log.ts';
import { callTo, kernels, lockText, never, noSocat, openModemBench } from '../../props/fax-modem.ts';
import { drawnPage, pageOf } from '../../props/fax-pages.ts';

const pages = [pageOf(drawnPage(100, 1))];

test('two calls at once take two modems, a third waits for one', { skip: noSocat, timeout: 30_000 }, async t => {
  const benches = [await openModemBench(t), await openModemBench(t)];
  const line = openFaxLine('fax', benches.map(({ settings }, index) => ({ ...settings, name: `modem${index}` })), { clock: benches[0]!.clock, kernels, log: silent });
  t.after(() => line.close());
  assert.equal(line.lines, 2);
  const reports = await Promise.all(['1', '2', '3'].map(number => line.send(callTo(number, pages), never)));
  assert.deepEqual(reports.map(({ end }) => end.kind), ['sent', 'sent', 'sent']);
  assert.deepEqual(benches.map(({ modem }) => modem.calls.length).toSorted(), [1, 2]);
});

test('a modem that is not there is passed over for one that is', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t);
  const line = openFaxLine('fax', [{ ...bench.settings, name: 'gone', device: join(bench.folder, 'ttyNone') }, { ...bench.settings, name: 'here' }], { clock: bench.clock, kernels, log: silent });
  t.after(() => line.close());
  const report = await line.send(callTo('1', pages), never);
  assert.deepEqual([report.end.kind, report.modem], ['sent', 'here']);
  assert.equal(line.modems[0]!.trouble?.kind, 'absent');
});

test('no modem at all', async t => {
  const bench = { clock: (await import('../../props/fast-clock.ts')).createFastClock(25) };
  const line = openFaxLine('fax', [], { ...bench, kernels, log: silent });
  t.after(() => line.close());
  assert.deepEqual((await line.send(callTo('1', pages), never)).end, { kind: 'unavailable', why: 'absent' });
});

test('another program has the line: waited for, and told when it takes too long', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t);
  const other = spawn('sleep', ['30']);
  t.after(() => other.kill());
  const lock = join(bench.folder, 'LCK..ttyF0');
  writeFileSync(lock, `${String(other.pid).padStart(10)}\n`);
  const line = bench.openLine();
  assert.deepEqual((await line.send(callTo('1', pages), never)).end, { kind: 'unavailable', why: 'in-use' });
  assert.equal(bench.journal(), '', 'not an octet on a line that is another\'s');
  const later = line.send(callTo('1', pages), never);
  unlinkSync(lock);
  assert.deepEqual((await later).end, { kind: 'sent' });
});

test('waiting for a modem ends when nobody wants it any more', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t);
  const other = spawn('sleep', ['30']);
  t.after(() => other.kill());
  writeFileSync(join(bench.folder, 'LCK..ttyF0'), `${String(other.pid).padStart(10)}\n`);
  const stop = new AbortController();
  const sending = bench.openLine().send(callTo('1', pages), stop.signal);
  stop.abort();
  assert.deepEqual((await sending).end, { kind: 'aborted' });
});

test('pulled out and put back', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t);
  const line = bench.openLine();
  await bench.modem.unplug();
  assert.deepEqual((await line.send(callTo('1', pages), never)).end, { kind: 'unavailable', why: 'absent' });
  await bench.modem.plug();
  assert.deepEqual((await line.send(callTo('1', pages), never)).end, { kind: 'sent' }, bench.journal());
  assert.equal(line.modems[0]!.trouble, null);
});

test('a serial port that cannot be loaded is told, and breaks nothing', { skip: noSocat, timeout: 30_000 }, async t => {
  const bench = await openModemBench(t);
  const line = bench.openLine({}, { openWire: () => Promise.reject(new Error('no native build for this machine')) });
  const report = await line.send(callTo('1', pages), never);
  assert.deepEqual(report.end, { kind: 'unavailable', why: 'refuses' });
  assert.match(report.said, /no native build for this machine/);
  assert.equal(lockText(bench.folder, 'LCK..ttyF0'), null);
});
