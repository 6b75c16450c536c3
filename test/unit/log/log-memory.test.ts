/** What an operator can still ask for: where a mail went, and what was logged last. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLogbook } from '../../../src/front/log/index.ts';
import type { LogTarget } from '../../../src/grammar/config/log-targets.ts';
import { createLogMemory, type LogMemory } from '../../../src/kit/log/log-memory.ts';
import { scratchFor } from '../../props/scratch.ts';

const file = (path: string, format: 'json' | 'text' = 'json', level: 'info' | 'error' = 'info'): LogTarget => ({ kind: 'file', path, format, level });
const told = (memory: LogMemory, id?: string) => memory.recent(id).map(({ event, fields }) => `${event} ${String(fields['id'])}`);

for (const [what, targets] of [
  ['as JSON', (folder: string) => [file(join(folder, 'log'))]],
  ['as text only', (folder: string) => [file(join(folder, 'log'), 'text')]],
  ['as JSON, but only errors, and as text', (folder: string) => [file(join(folder, 'errors'), 'json', 'error'), file(join(folder, 'log'), 'text')]],
  ['twice', (folder: string) => [file(join(folder, 'log')), file(join(folder, 'second'))]],
] as const) {
  test(`the log goes somewhere ${what}: each line is remembered once, before it is written`, async t => {
    const memory = createLogMemory();
    const before = Date.now();
    const log = openLogbook({ host: 'mail.example', pid: 1 }, targets(scratchFor(t, 'memory')), memory);
    log.info('newmsg', { id: 'A1', size: 12, relay: undefined });
    log.warn('notice', { what: 'not about "id":"A1" at all' });
    log.info('newmsg', { id: 'B2' });
    log.error('error', { id: 'A1', cause: new TypeError('no ä') });
    assert.deepEqual(told(memory), ['newmsg A1', 'newmsg B2', 'error A1']);
    const [first, last, ...more] = memory.recent('A1');
    assert.deepEqual(more, []);
    assert.deepEqual([first?.level, first?.fields], ['info', { id: 'A1', size: 12 }]);
    assert.ok(first !== undefined && first.at >= before && first.at <= Date.now());
    assert.match(JSON.stringify(last?.fields['cause']), /no ä/);
    assert.deepEqual(memory.lines().map(({ level, event }) => `${level} ${event}`), ['info newmsg', 'warn notice', 'info newmsg', 'error error']);
    assert.equal(memory.recent('A').length, 0, 'another message, though its name begins so');
    await log.close();
  });
}

test('the places change while lines are gathered: none is lost, none is told twice', async t => {
  const folder = scratchFor(t, 'memory');
  const memory = createLogMemory();
  const [one, two, text] = [file(join(folder, 'one')), file(join(folder, 'two')), file(join(folder, 'text'), 'text')];
  const log = openLogbook({ host: 'mail.example', pid: 1 }, [one], memory);
  const wanted: string[] = [];
  for (const [n, targets] of [[text], [two, one], [one, text], [two], [text], [one]].entries()) {
    log.info('newmsg', { id: `M${n}` });
    wanted.push(`newmsg M${n}`);
    log.use('mail.example', targets);
  }
  assert.deepEqual(told(memory), wanted);
  await log.close();
  assert.match(readFileSync(join(folder, 'two'), 'utf8'), /"M2"/);
});

test('what another process wrote is remembered beside our own, in the order of time', () => {
  const memory = createLogMemory();
  memory.keep.info('newmsg', { id: 'C3' });
  memory.add(Buffer.from('{"level":"info","time":"2026-01-01T00:00:00.000Z","id":"D4","event":"newmsg"}\n'));
  assert.deepEqual(told(memory), ['newmsg D4', 'newmsg C3']);
});

test('the oldest go when there is no room, whole; refusals by the thousand push no mail out', () => {
  const memory = createLogMemory({ events: 4000, lines: 1000 });
  const ids = Array.from({ length: 200 }, (_, n) => `Q${1000 + n}`);
  for (const id of ids) {
    memory.keep.info('newmsg', { id, from: 'ä'.repeat(Number(id.slice(1)) % 17) });
    assert.equal(memory.recent().at(-1)?.fields['id'], id);
  }
  const kept = memory.recent().map(({ fields }) => fields['id']);
  assert.deepEqual(kept, ids.slice(-kept.length));
  assert.ok(kept.length > 25 && kept.length < 60, String(kept.length));
  for (let n = 0; n < 1000; n++) memory.keep.info('refused', { reply: 554, n });
  assert.deepEqual(memory.recent().map(({ fields }) => fields['id']), kept);
  const lines = memory.lines();
  assert.ok(lines.length > 8 && lines.every(({ event }) => event === 'refused'));
  assert.equal(lines.at(-1)?.fields['n'], 999);
  memory.add(Buffer.from(`{"id":"${'x'.repeat(5000)}"}\n`));
  assert.deepEqual(memory.recent().map(({ fields }) => fields['id']), kept, 'a line that is longer than all of it is left out');
});
