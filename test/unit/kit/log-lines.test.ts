/** A line says what was given, whatever it was; lines come in order; a reader that stalls costs lines, not memory. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openLineSink } from '../../../src/kit/log/line-sink.ts';
import { openLogLines } from '../../../src/kit/log/log-lines.ts';
import { scratchFor } from '../../props/scratch.ts';
import { eventually } from '../../props/within.ts';

function scratchFile(t: TestContext): { readonly descriptor: number; size(): number; read(): string } {
  const path = join(scratchFor(t, 'log-lines'), 'log');
  const descriptor = openSync(path, 'a');
  t.after(() => closeSync(descriptor));
  return { descriptor, size: () => statSync(path).size, read: () => readFileSync(path, 'utf8') };
}

test('a line is one JSON object with level, time, fields and event, in this order', t => {
  const file = scratchFile(t);
  const log = openLogLines({ to: file.descriptor, base: { host: 'mx.example' } });
  log.info('delivery', { addr: 'jö"@\\x.example\n', size: 12, text: undefined, far: Number.NaN, listeners: [1, { a: null }] });
  log.warn('odd');
  log.flush();
  const [first, second] = file.read().trimEnd().split('\n').map(line => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(Object.keys(first ?? {}), ['level', 'time', 'host', 'addr', 'size', 'far', 'listeners', 'event']);
  assert.equal(first?.['addr'], 'jö"@\\x.example\n');
  assert.deepEqual(first?.['listeners'], [1, { a: null }]);
  assert.deepEqual([second?.['level'], second?.['event'], second?.['host']], ['warn', 'odd', 'mx.example']);
});

test('an exception keeps its words and its stack; what JSON cannot say does not lose the line', async t => {
  const file = scratchFile(t);
  const log = openLogLines({ to: file.descriptor });
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  log.error('bug', { cause: new TypeError('no such thing') });
  log.info('odd', { big: 12n, loop });
  log.flush();
  // An error is written off this thread, at once.
  await eventually(10_000, 'two lines', () => file.read().split('\n').length > 2);
  const lines = file.read().trimEnd().split('\n').map(line => JSON.parse(line) as Record<string, Record<string, unknown>>);
  const bug = lines.find(line => line['event'] as unknown === 'bug');
  assert.equal(bug?.['cause']?.['message'], 'no such thing');
  assert.match(String(bug?.['cause']?.['stack']), /log-lines\.test/);
  assert.ok(lines.some(line => line['event'] as unknown === 'odd'));
});

test('100,000 lines of every length arrive whole and in order, the longest longer than a block', async t => {
  const file = scratchFile(t);
  const sink = openLineSink(file.descriptor);
  const expected: string[] = [];
  for (let n = 0; n < 100_000; n++) {
    const line = `${n} ${'ü'.repeat(n % 37)}${n % 20_000 === 7 ? 'x'.repeat(30_000) : ''}\n`;
    expected.push(line);
    sink.write(line);
    if (n % 1000 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  sink.flush();
  const whole = expected.join('');
  const size = Buffer.byteLength(whole);
  await eventually(10_000, 'all of them', () => file.size() >= size);
  assert.equal(file.read(), whole);
  assert.equal(sink.dropped, 0);
});

test('a descriptor that takes nothing costs its lines and counts them; memory stays bounded', async () => {
  // A file opened for reading: each write answers EBADF, as a pipe without a reader answers EPIPE.
  const deaf = openSync('/dev/null', 'r');
  const sink = openLineSink(deaf);
  for (let n = 0; n < 1000; n++) sink.write(`${'x'.repeat(100)}\n`);
  sink.flush();
  await eventually(10_000, 'a thousand dropped', () => sink.dropped === 1000);
  assert.throws(() => writeSync(deaf, 'x'));
  closeSync(deaf);
});
