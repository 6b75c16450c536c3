/** What the runner does with its queue: next hops in trouble, the window, leases, stopping, and clocks that are wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import { all, busy, createBox, delivered, down, failed } from '../../props/runner-box.ts';

const MINUTE = 60_000;

test('a next hop in trouble is left alone, and its messages deferred in its words; others go on', async () => {
  const box = createBox();
  box.script = job => all(job, job.nexthop === 'dead.example' ? down : delivered);
  const runner = box.open();
  for (let n = 0; n < 20; n++) await box.queue([`r${n}@dead.example`]);
  for (let n = 0; n < 20; n++) await box.queue([`r${n}@well.example`]);
  await box.clock.settle();
  assert.equal(box.attempts.filter(({ nexthop }) => nexthop === 'dead.example').length, 2, 'one for each of the first two deliveries');
  assert.equal(box.attempts.filter(({ nexthop }) => nexthop === 'well.example').length, 20);
  assert.equal(box.disk.rows.size, 20);
  for (const { message } of box.disk.rows.values()) assert.deepEqual([message.attempts, message.recipients[0]?.outcome?.status, message.recipients[0]?.outcome?.said?.text], [1, '4.4.1', 'Connection refused']);
  await box.clock.runTo(box.start + 5 * MINUTE);
  assert.equal(box.attempts.filter(({ nexthop }) => nexthop === 'dead.example').length, 3, 'one probe after the pause');
  box.script = job => all(job, delivered);
  await runner.flush();
  await box.clock.settle();
  assert.equal(box.disk.rows.size, 0, 'a flush forgets the trouble');
  await runner.close({ graceMs: 0 });
});

test('a slow next hop cannot fill the window', async () => {
  const box = createBox({ perNexthop: 2 });
  box.script = (job, signal) => (job.nexthop === 'slow.example' ? new Promise(resolve => { signal.addEventListener('abort', () => resolve(all(job, down))); }) : all(job, delivered));
  const runner = box.open({ window: { messages: 40, octets: 1e9 } });
  for (let n = 0; n < 200; n++) await box.queue([`r${n}@slow.example`]);
  await box.clock.settle();
  await box.queue(['a@well.example']);
  await box.clock.runTo(box.start + MINUTE);
  for (let n = 0; n < 10; n++) await box.clock.settle();
  assert.ok(box.attempts.some(({ nexthop }) => nexthop === 'well.example'), 'the one behind 200 got through');
  assert.equal(box.attempts.length, 3);
  assert.ok([...box.disk.rows.values()].every(({ message }) => message.attempts === 0), 'what was given back was not tried, and not counted');
  await runner.close({ graceMs: 0 });
});

test('no more is claimed than the window has room for, and one message larger than it still goes', async () => {
  const box = createBox({ inAll: 1000, perNexthop: 1000 });
  let most = 0;
  const open: (() => void)[] = [];
  box.script = job => new Promise(resolve => { open.push(() => resolve(all(job, delivered))); });
  const runner = box.open({ window: { messages: 5, octets: 1 } });
  for (let n = 0; n < 30; n++) await box.queue([`r@d${n}.example`]);
  for (let n = 0; box.disk.rows.size > 0 && n < 200; n++) {
    await box.clock.settle();
    most = Math.max(most, [...box.disk.rows.values()].filter(({ lease }) => lease !== null).length);
    open.shift()?.();
  }
  assert.equal(box.disk.rows.size, 0);
  assert.ok(most <= 5, `${most} were claimed at once`);
  await runner.close({ graceMs: 0 });
});

test('a long delivery keeps its lease, and nobody else gets the message', async () => {
  const box = createBox();
  let finish: () => void = () => undefined;
  box.script = job => new Promise(resolve => { finish = () => resolve(all(job, delivered)); });
  const runner = box.open({ leaseMs: 60_000 });
  const other = box.open({ leaseMs: 60_000 });
  await box.queue(['a@a.example']);
  await box.clock.runTo(box.start + 60 * MINUTE);
  assert.equal(box.attempts.length, 1);
  finish();
  await box.clock.settle();
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
  await other.close({ graceMs: 0 });
});

test('who lost the lease stops, writes nothing and says nothing', async () => {
  const box = createBox();
  let stopped = false;
  box.script = (job, signal) => new Promise(resolve => { signal.addEventListener('abort', () => { stopped = true; resolve(all(job, failed)); }); });
  const runner = box.open({ leaseMs: 60_000 });
  const id = await box.queue(['a@a.example']);
  await box.clock.settle();
  const row = box.disk.rows.get(id);
  assert.ok(row !== undefined);
  row.lease = { token: 999, until: box.start + 1000 * MINUTE };
  await box.clock.runTo(box.start + 2 * MINUTE);
  assert.equal(stopped, true);
  assert.equal(box.store.get(id)?.message.recipients[0]?.outcome, undefined);
  assert.equal(box.reports.length, 0);
  assert.deepEqual(box.lines.filter(({ event }) => event !== 'newmsg').map(({ event }) => event), []);
  await runner.close({ graceMs: 0 });
});

test('a transport that never ends is told to stop, and given up', async () => {
  const box = createBox();
  box.script = () => new Promise(() => undefined);
  const runner = box.open({ longestDeliveryMs: 30 * MINUTE, leaseMs: 60_000 });
  const id = await box.queue(['a@a.example']);
  await box.clock.runTo(box.start + 33 * MINUTE);
  const outcome = box.store.get(id)?.message.recipients[0]?.outcome;
  assert.deepEqual([outcome?.kind, outcome?.status, outcome?.kind === 'deferred' && outcome.uncertain], ['deferred', '4.3.0', true]);
  await runner.close({ graceMs: 0 });
});

test('at the end what is on the wire is finished, and the rest given back as it was', async () => {
  const box = createBox({ perNexthop: 1 });
  const finish: (() => void)[] = [];
  box.script = job => new Promise(resolve => { finish.push(() => resolve(all(job, delivered))); });
  const runner = box.open();
  const first = await box.queue(['a@a.example']);
  const second = await box.queue(['b@a.example']);
  await box.clock.settle();
  const closing = runner.close({ graceMs: 30_000 });
  await box.clock.settle();
  finish.forEach(each => each());
  await closing;
  assert.equal(box.store.get(first), null);
  const entry = box.store.get(second);
  assert.deepEqual([entry?.state, entry?.message.attempts, (entry?.due ?? 0) <= box.clock.now()], ['waiting', 0, true]);
  assert.equal(box.clock.sleepers, 0);
});

test('at the end of the grace a delivery is told to stop, and what it says is recorded', async () => {
  const box = createBox();
  box.script = (job, signal) => new Promise(resolve => { signal.addEventListener('abort', () => resolve(all(job, { ...down, uncertain: true }))); });
  const runner = box.open();
  const id = await box.queue(['a@a.example']);
  await box.clock.settle();
  const closing = runner.close({ graceMs: 30_000 });
  await box.clock.runTo(box.start + 30_000);
  await closing;
  const outcome = box.store.get(id)?.message.recipients[0]?.outcome;
  assert.equal(outcome?.kind === 'deferred' && outcome.uncertain, true);
});

test('a held message is left alone, a flushed one is tried at once', async () => {
  const box = createBox();
  box.script = job => all(job, busy);
  const runner = box.open();
  const id = await box.queue(['a@a.example']);
  await box.clock.settle();
  await box.store.order({ id }, { kind: 'hold', now: box.clock.now() });
  await box.clock.runTo(box.start + 60 * MINUTE);
  assert.equal(box.attempts.length, 1);
  await box.store.order({ id }, { kind: 'release', now: box.clock.now() });
  await box.clock.settle();
  assert.equal(box.attempts.length, 2);
  assert.equal(await runner.flush({ id }), 1);
  await box.clock.settle();
  assert.equal(box.attempts.length, 3);
  await runner.close({ graceMs: 0 });
});

test('who was asked to wait longer waits, unless somebody flushes', async () => {
  const box = createBox();
  box.script = job => new Map(job.recipients.map(({ id, address }) => [id, address.startsWith('slow') ? { ...busy, notBefore: (box.clock.now() + 60 * MINUTE) as Instant } : busy]));
  const runner = box.open();
  await box.queue(['slow@a.example', 'quick@a.example']);
  await box.clock.runTo(box.start + 20 * MINUTE);
  assert.deepEqual(box.attempts.map(({ at, to }) => [(at - box.start) / MINUTE, to.length]), [[0, 2], [5, 1], [10, 1], [15, 1]]);
  await runner.close({ graceMs: 0 });

  const alone = createBox();
  alone.script = job => all(job, { ...busy, notBefore: (alone.clock.now() + 60 * MINUTE) as Instant });
  const other = alone.open();
  await alone.queue(['slow@a.example']);
  await alone.clock.runTo(alone.start + 20 * MINUTE);
  assert.equal(alone.attempts.length, 1);
  await other.flush();
  await alone.clock.settle();
  assert.equal(alone.attempts.length, 2);
  await other.close({ graceMs: 0 });
});

test('an idle runner asks the queue once a lease, and no more', async () => {
  const box = createBox();
  let claims = 0;
  const runner = box.open({ leaseMs: 60_000, store: { ...box.store, claim: want => { claims++; return box.store.claim(want); } } });
  await box.clock.runTo(box.start + 60 * MINUTE);
  assert.ok(claims <= 62, `${claims} claims in an hour`);
  await runner.close({ graceMs: 0 });
  assert.equal(box.clock.sleepers, 0);
});

test('a queue that cannot be read is asked again, less and less often, and loses nothing', async () => {
  const box = createBox();
  let claims = 0;
  let broken = true;
  const runner = box.open({ store: { ...box.store, claim: async want => { claims++; if (broken) throw new Error('EIO'); return await box.store.claim(want); } } });
  await box.queue(['a@a.example']);
  await box.clock.runTo(box.start + 10 * MINUTE);
  assert.ok(claims > 3 && claims < 20, `${claims} claims in ten minutes`);
  broken = false;
  await box.clock.runTo(box.start + 12 * MINUTE);
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
});

test('a clock that jumps loses nothing, reports nothing twice and does not spin', async () => {
  const DAY = 1440 * MINUTE;
  for (const jump of [-DAY, -MINUTE, MINUTE, DAY, 10 * 365 * DAY]) {
    const box = createBox();
    let finish: () => void = () => undefined;
    box.script = job => (job.recipients[0]?.address === 'long@a.example' ? new Promise(resolve => { finish = () => resolve(all(job, delivered)); }) : all(job, busy));
    let claims = 0;
    const runner = box.open({ leaseMs: 60_000, store: { ...box.store, claim: want => { claims++; return box.store.claim(want); } } });
    const late = await box.queue(['late@a.example']);
    await box.queue(['long@a.example']);
    await box.clock.settle();
    box.clock.jump(box.start + jump);
    await box.clock.runTo(box.start + jump + 3 * MINUTE);
    assert.equal(box.attempts.filter(({ to }) => to[0] === 'long@a.example').length, 1, `${jump}: what is on the wire is not delivered twice`);
    finish();
    await box.clock.settle();
    assert.equal(box.disk.rows.size, 1, `${jump}: the long one is gone, the late one waits`);
    assert.equal(box.store.get(late)?.message.recipients[0]?.outcome?.kind, 'deferred', `${jump}: no expiry for a jump alone`);
    box.script = job => all(job, delivered);
    await box.clock.runTo(Math.max(box.clock.now(), box.start) + 10 * MINUTE);
    assert.equal(box.disk.rows.size, 0, `${jump}`);
    assert.ok(claims < 2000, `${jump}: ${claims} claims`);
    assert.equal(box.reports.filter(({ kind }) => kind === 'final').length, 0);
    await runner.close({ graceMs: 0 });
  }
});

test('a due time that was reckoned by a wrong clock does not keep a message for years', async () => {
  const YEARS = 10 * 365 * 1440 * MINUTE;
  const box = createBox();
  box.script = job => all(job, busy);
  const runner = box.open();
  await box.queue(['a@a.example']);
  await box.clock.settle();
  box.clock.jump(box.start + YEARS);
  await box.clock.runTo(box.start + YEARS + 10 * MINUTE);
  const before = box.attempts.length;
  assert.ok(before > 1);
  box.clock.jump(box.start + 20 * MINUTE);
  await box.clock.runTo(box.start + 21 * MINUTE);
  assert.equal(box.attempts.length, before + 1);
  assert.equal(box.reports.filter(({ kind }) => kind === 'final').length, 0);
  await runner.close({ graceMs: 0 });
});

test('a message given back due at once and handed out again is not put away with its old attempt', async () => {
  const box = createBox();
  box.settings = { ...box.settings, retryAlphaMs: 0 };
  let tries = 0;
  box.script = job => all(job, ++tries < 3 ? busy : delivered);
  // The release's answer comes late: by then the message has been claimed again.
  const runner = box.open({
    store: {
      ...box.store,
      async release(claim, next, news) {
        const held = await box.store.release(claim, next === 'finished' ? next : { due: box.clock.now() }, news);
        for (let n = 0; n < 3; n++) await new Promise(resolve => { setImmediate(resolve); });
        return held;
      },
    },
  });
  await box.queue(['a@a.example']);
  for (let n = 0; n < 5; n++) await box.clock.settle();
  assert.equal(tries, 3);
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
});
