/** A next hop that takes no more for now: mail waits without losing an attempt, and says why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after, type Instant } from '../../../src/core/clock.ts';
import type { Deferred } from '../../../src/core/outcome.ts';
import { apartMs, earliest, withCount, type Slots } from '../../../src/flow/outgoing/quota.ts';
import { all, busy, createBox, delivered } from '../../props/runner-box.ts';

const MINUTE = 60_000;

test('nobody was asked: no attempt is counted, the reason is kept, and it goes at the moment that was said', async () => {
  const box = createBox();
  const until = after(box.clock.now(), 40 * MINUTE);
  const full: Deferred = { kind: 'deferred', status: '4.4.5', blame: 'nexthop', untried: { apartMs: 1000 }, notBefore: until, said: { type: 'x-gateway', text: 'smtp.example,587 takes 1 messages in 1 hours, and they are used up' } };
  box.script = job => all(job, box.clock.now() < until ? full : delivered);
  const runner = box.open();
  const first = await box.queue(['a@there.example']);
  const second = await box.queue(['b@there.example']);
  await box.clock.runTo(box.start + 39 * MINUTE);
  for (const id of [first, second]) {
    const entry = box.store.get(id);
    assert.equal(entry?.message.attempts, 0);
    const outcome = entry?.message.recipients[0]?.outcome;
    assert.ok(outcome?.kind === 'deferred' && outcome.untried === undefined && outcome.said?.text.includes('used up') === true, 'what mailq --why shows');
    assert.ok((entry?.due ?? 0) >= until && (entry?.due ?? 0) <= until + 1000);
  }
  assert.ok(box.attempts.length <= 2, 'the lane is left alone');
  await box.clock.runTo(box.start + 42 * MINUTE);
  assert.equal(box.disk.rows.size, 0);
  assert.equal(box.reports.length, 0);
  await runner.close({ graceMs: 0 });
});

test('the timetable goes on where it was; mail that is past its time has the attempts that every mail has before it is given up', async () => {
  const box = createBox();
  box.settings = { ...box.settings, queueTimeMs: 60 * MINUTE };
  let full = false;
  box.script = job => all(job, full ? { kind: 'deferred', status: '4.4.5', blame: 'message', untried: { apartMs: 1000 }, notBefore: after(box.clock.now(), 90 * MINUTE) } : busy);
  const runner = box.open();
  const id = await box.queue(['a@there.example']);
  await box.clock.runTo(box.start + MINUTE);
  assert.equal(box.store.get(id)?.message.attempts, 1);
  full = true;
  await box.clock.runTo(box.start + 70 * MINUTE);
  assert.equal(box.store.get(id)?.message.attempts, 1, 'asked of nobody since');
  full = false;
  await box.clock.runTo(box.start + 140 * MINUTE);
  assert.deepEqual(box.attempts.slice(0, 3).map(({ at }) => (at - box.start) / MINUTE), [0, 5, 95]);
  assert.equal(box.disk.rows.size, 0);
  assert.deepEqual(box.reports.map(({ kind, recipients }) => [kind, recipients[0]?.outcome?.status]), [['final', '5.4.7']]);
  await runner.close({ graceMs: 0 });
});

test('a long queue for a narrow next hop: each that waits is written down once', async () => {
  const box = createBox();
  const limit = { count: 10, perMs: MINUTE };
  let slots: Slots = new Map();
  box.script = job => {
    const now = box.clock.now();
    const free = earliest(limit, slots, 1, now);
    if (free > now) return all(job, { kind: 'deferred', status: '4.4.5', blame: 'nexthop', untried: { apartMs: apartMs(limit, 1) }, notBefore: free as Instant });
    slots = withCount(limit, slots, 1, now);
    return all(job, delivered);
  };
  let writes = 0;
  const runner = box.open({ store: { ...box.store, release: (claim, next, news) => { if (next !== 'finished') writes++; return box.store.release(claim, next, news); } } });
  for (let n = 0; n < 200; n++) await box.queue([`a${n}@there.example`]);
  await box.clock.runTo(box.start + 30 * MINUTE);
  assert.equal(box.disk.rows.size, 0, `${box.disk.rows.size} of 200 are left after 30 minutes at 10 a minute`);
  assert.ok(writes < 300, `${writes} times back to the disk`);
  await runner.close({ graceMs: 0 });
});
