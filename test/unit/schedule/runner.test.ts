import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, busy, createBox, delivered, down, failed } from '../../props/runner-box.ts';

const MINUTE = 60_000;

test('a message goes out, and is gone', async () => {
  const box = createBox();
  const runner = box.open();
  const id = await box.queue(['a@there.example']);
  await box.clock.settle();
  assert.deepEqual(box.attempts.map(({ to, nexthop }) => ({ to, nexthop })), [{ to: ['a@there.example'], nexthop: 'there.example' }]);
  assert.equal(box.disk.rows.size, 0);
  assert.equal(box.reports.length, 0);
  assert.deepEqual(box.lines.map(({ event, fields }) => [event, fields['id'], fields['status']]), [['delivery', id, 'success'], ['completed', id, undefined]]);
  await runner.close({ graceMs: 1000 });
  assert.equal(box.clock.sleepers, 0, 'nothing is left running');
});

test('a deferred message is tried at exactly the documented instants for seven days, warned about once, then reported as expired', async () => {
  const box = createBox();
  box.script = job => all(job, box.clock.now() === box.start ? busy : down);
  const runner = box.open();
  await box.queue(['a@there.example']);
  await box.clock.runTo(box.start + 8 * 24 * 60 * MINUTE);
  const pauses = [5, 5, 5, 15, 5, 5, 30, 5, 5, 60, 5, 5];
  const expected = [0];
  for (let n = 0, at = 0; at < 7 * 24 * 60; n++) expected.push(at += pauses[n] ?? ([120, 5, 5][(n - pauses.length) % 3] ?? 0));
  assert.deepEqual(box.attempts.map(({ at }) => (at - box.start) / MINUTE), expected);
  assert.equal(box.disk.rows.size, 0);

  const [warning, final, ...more] = box.reports;
  assert.equal(more.length, 0);
  assert.equal(warning?.kind, 'delay');
  const afterFourHours = expected.find(at => at >= 240);
  assert.equal(((warning?.at ?? 0) - box.start) / MINUTE, afterFourHours);
  assert.equal(warning?.kind === 'delay' ? warning.retryUntil : 0, box.start + 7 * 24 * 60 * MINUTE);
  assert.equal(final?.kind, 'final');
  const outcome = final?.recipients[0]?.outcome;
  assert.equal(outcome?.kind, 'failed');
  assert.equal(outcome?.status, '5.4.7');
  assert.equal(outcome?.said?.text, '450 4.2.0 busy', 'the last words that a peer spoke');
  await runner.close({ graceMs: 0 });
});

test('each recipient has its own fate, and none is tried again after it', async () => {
  const box = createBox();
  const fates: Record<string, typeof delivered | typeof failed | typeof busy> = { 'ok@a.example': delivered, 'no@a.example': failed, 'later@b.example': busy };
  box.script = job => new Map(job.recipients.map(({ id, address }) => [id, fates[address] ?? delivered]));
  const runner = box.open();
  const id = await box.queue(Object.keys(fates));
  await box.clock.settle();
  assert.deepEqual(box.reports.map(({ kind, recipients }) => [kind, recipients.map(one => one.address)]), [['final', ['ok@a.example', 'no@a.example']]]);
  const state = box.store.get(id)?.message;
  assert.deepEqual(state?.recipients.map(one => [one.outcome?.kind, one.reported]), [['relayed', true], ['failed', true], ['deferred', undefined]]);
  fates['later@b.example'] = delivered;
  await box.clock.runTo(box.start + 5 * MINUTE);
  assert.deepEqual(box.attempts.map(({ to }) => to), [['ok@a.example', 'no@a.example'], ['later@b.example'], ['later@b.example']]);
  assert.equal(box.disk.rows.size, 0);
  assert.equal(box.reports.length, 1);
  await runner.close({ graceMs: 0 });
});
