/** What becomes of a message: deliveries, outcomes, reports. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, RecipientId } from '../../../src/core/envelope.ts';
import type { Outcome, Outcomes } from '../../../src/core/outcome.ts';
import type { Router } from '../../../src/core/transport.ts';
import { all, busy, createBox, delivered, down, failed, type Script } from '../../props/runner-box.ts';

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
  assert.equal(box.lines.find(({ event }) => event === 'completed')?.fields['ms'], (expected.at(-1) ?? 0) * MINUTE, 'since it was accepted');
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

test('a success is reported only when it may be wanted, and a plain one costs one write', async () => {
  const box = createBox();
  const writes: string[] = [];
  const store = { ...box.store };
  store.record = async (claim, news) => { writes.push('record'); return await box.store.record(claim, news); };
  store.release = async (claim, next, news) => { writes.push(next === 'finished' ? 'finished' : 'release'); return await box.store.release(claim, next, news); };
  const runner = box.open({ store });
  await box.queue(['a@a.example', { address: 'b@b.example' as Address, notify: ['failure', 'delay'] }, { address: 'c@c.example' as Address, notify: 'never' }]);
  await box.clock.settle();
  assert.deepEqual([writes, box.reports.length], [['finished'], 0]);
  await box.queue([{ address: 'd@d.example' as Address, notify: ['success'] }]);
  await box.clock.settle();
  assert.deepEqual(writes, ['finished', 'record', 'finished']);
  assert.deepEqual(box.reports.map(({ kind, recipients }) => [kind, recipients[0]?.outcome?.kind]), [['final', 'relayed']]);
  await runner.close({ graceMs: 0 });
});

test('a store that throws where it might have refused loses its own message\'s end, and holds nobody else up', async () => {
  const box = createBox();
  const store = { ...box.store };
  let broken = true;
  store.release = (claim, next, news) => {
    if (!broken) return box.store.release(claim, next, news);
    broken = false;
    throw new Error('a bug');
  };
  const runner = box.open({ store });
  const first = await box.queue(['a@a.example']);
  await box.clock.settle();
  const second = await box.queue(['b@b.example']);
  await box.clock.settle();
  assert.deepEqual([box.store.get(first) === null, box.store.get(second) === null], [false, true]);
  assert.deepEqual(box.lines.filter(({ event }) => event === 'error').map(({ fields }) => [fields['what'], fields['id']]), [['a finished message cannot be removed', first]]);
  await runner.close({ graceMs: 0 });
});

test('a report that cannot be queued now keeps the message, is asked for again, and tries nobody twice', async () => {
  const box = createBox();
  box.script = job => all(job, failed);
  let open = false;
  box.reporter = async () => { if (!open) throw new Error('disk full'); return 'settled'; };
  const runner = box.open();
  await box.queue(['a@a.example']);
  await box.clock.runTo(box.start + 12 * MINUTE);
  assert.equal(box.disk.rows.size, 1);
  assert.equal(box.reports.length, 3);
  open = true;
  await box.clock.runTo(box.start + 20 * MINUTE);
  assert.equal(box.disk.rows.size, 0);
  assert.equal(box.attempts.length, 1);
  assert.equal(box.counts.get('posthorn_runner_bugs_total reporter'), 3);
  await runner.close({ graceMs: 0 });
});

const bugs: readonly (readonly [string, Script, string])[] = [
  ['throws', () => { throw new Error('bug'); }, 'delivery threw'],
  ['rejects', () => Promise.reject(new Error('bug')), 'delivery threw'],
  ['forgets a recipient', job => new Map([...all(job, delivered)].slice(1)), 'forgot recipient 0'],
  ['answers for a stranger', job => new Map([...all(job, busy), [99 as RecipientId, delivered]]), 'answered for recipient 99, who was not in this delivery'],
  ['fails with a temporary status', job => all(job, { kind: 'failed', status: '4.0.0' } as unknown as Outcome), 'answered nonsense for recipient 0'],
  ['answers nothing at all', () => undefined as unknown as Outcomes, 'delivery threw'],
];

test('a bug of ours never becomes a failure, and is counted', async () => {
  for (const [name, script, what] of bugs) {
    const box = createBox();
    box.script = script;
    const runner = box.open();
    const id = await box.queue(['a@a.example', 'b@a.example']);
    await box.clock.settle();
    const first = box.store.get(id)?.message.recipients[0]?.outcome;
    assert.equal(first?.kind, 'deferred', name);
    if (name !== 'answers for a stranger') assert.equal(first?.status, '4.3.0', name);
    assert.equal(box.lines.find(({ event }) => event === 'error')?.fields['what'], what, name);
    assert.ok((box.counts.get('posthorn_runner_bugs_total transport') ?? 0) >= 1, name);
    box.script = job => all(job, delivered);
    await box.clock.runTo(box.start + 5 * MINUTE);
    assert.equal(box.disk.rows.size, 0, `${name}: the next attempt delivers`);
    await runner.close({ graceMs: 0 });
  }
});

test('routes that are not there, routers that throw, and what a router settles itself', async () => {
  const box = createBox();
  const rows: readonly (readonly [Router['route'], string])[] = [
    [() => { throw new Error('bug'); }, '4.3.0'],
    [() => Promise.reject(new Error('bug')), '4.3.0'],
    [() => ({ kind: 'route', transport: 'pigeon', nexthop: 'x' }), '4.3.5'],
    [() => Promise.resolve({ kind: 'settled', outcome: { kind: 'deferred', status: '4.4.3', blame: 'recipient' } }), '4.4.3'],
  ];
  for (const [route, status] of rows) {
    const runner = box.open({ router: { route } });
    const one = await box.queue(['a@a.example']);
    const two = await box.queue(['a@a.example', 'b@a.example']);
    await box.clock.settle();
    for (const id of [one, two]) for (const { outcome } of box.store.get(id)?.message.recipients ?? []) assert.deepEqual([outcome?.kind, outcome?.status], ['deferred', status]);
    await runner.close({ graceMs: 0 });
    box.disk.rows.clear();
  }
  const runner = box.open({ router: { route: () => ({ kind: 'settled', outcome: { kind: 'failed', status: '5.1.10' } }) } });
  await box.queue(['a@a.example']);
  await box.clock.settle();
  assert.equal(box.disk.rows.size, 0);
  assert.equal(box.reports.at(-1)?.recipients[0]?.outcome?.status, '5.1.10');
  assert.equal(box.attempts.length, 0);
  await runner.close({ graceMs: 0 });
});

test('recipients of one next hop go together, as many as the transport takes', async () => {
  const box = createBox({ recipients: 3 });
  const runner = box.open();
  await box.queue([...Array.from({ length: 7 }, (_, n) => `r${n}@a.example`), 'x@b.example']);
  await box.clock.settle();
  assert.deepEqual(box.attempts.map(({ nexthop, to }) => `${nexthop} ${to.length}`).toSorted((a, b) => a.localeCompare(b)), ['a.example 1', 'a.example 3', 'a.example 3', 'b.example 1']);
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
});

test('a cancelled message fails for those who still waited, in the operator\'s words', async () => {
  const box = createBox();
  box.script = job => new Map(job.recipients.map(({ id, address }) => [id, address.startsWith('ok') ? delivered : busy]));
  const runner = box.open();
  const id = await box.queue(['ok@a.example', 'late@a.example']);
  await box.clock.settle();
  await box.store.order({ id }, { kind: 'cancel', now: box.clock.now(), reason: 'Sent by mistake.' });
  await box.clock.settle();
  assert.equal(box.disk.rows.size, 0);
  assert.equal(box.attempts.length, 1);
  const [report, ...more] = box.reports;
  assert.equal(more.length, 0);
  const last = report?.recipients.find(({ address }) => address === 'late@a.example')?.outcome;
  assert.deepEqual(last, { kind: 'failed', status: '5.7.0', said: { type: 'x-unix', text: 'Sent by mistake.' } });
  await runner.close({ graceMs: 0 });
});

test('corrupt content is set aside and never delivered', async () => {
  const box = createBox();
  const id = await box.queue(['a@a.example', 'b@b.example']);
  box.disk.corrupt.add(id);
  const runner = box.open();
  await box.clock.runTo(box.start + 60 * MINUTE);
  assert.equal(box.attempts.length, 0);
  const entry = box.store.get(id);
  assert.equal(entry?.state, 'quarantined');
  assert.deepEqual(entry?.message.recipients.map(({ outcome }) => [outcome?.kind, outcome?.status]), [['deferred', '4.3.0'], ['deferred', '4.3.0']]);
  assert.equal(box.lines.filter(({ event }) => event === 'error').length, 1);
  assert.equal(box.reports.length, 0);
  await runner.close({ graceMs: 0 });
});

test('content that cannot be read now is deferred, not set aside', async () => {
  const box = createBox();
  let broken = true;
  const runner = box.open({ store: { ...box.store, content: claim => (broken ? Promise.reject(new Error('EIO')) : box.store.content(claim)) } });
  const id = await box.queue(['a@a.example']);
  await box.clock.settle();
  assert.equal(box.store.get(id)?.state, 'waiting');
  broken = false;
  await box.clock.runTo(box.start + 5 * MINUTE);
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
});

test('a message that breaks us takes no other with it', async () => {
  const box = createBox();
  const runner = box.open();
  const poisoned = await box.queue(['a@a.example']);
  const row = box.disk.rows.get(poisoned);
  assert.ok(row !== undefined);
  row.message = { ...row.message, recipients: null as unknown as [] };
  await box.queue(['b@a.example']);
  await box.clock.settle();
  assert.deepEqual(box.attempts.map(({ to }) => to), [['b@a.example']]);
  assert.ok(box.disk.rows.has(poisoned));
  assert.equal(box.counts.get('posthorn_runner_bugs_total runner'), 1);
  await runner.close({ graceMs: 0 });
});
