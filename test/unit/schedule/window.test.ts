/** The window on the queue: bounded in memory, whatever waits on the disk; nobody starves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silent } from '../../../src/core/log.ts';
import type { Claim, QueueStore } from '../../../src/core/queue-store.ts';
import { createBell } from '../../../src/flow/queue/bell.ts';
import { createTally } from '../../../src/flow/schedule/tally.ts';
import { openWindow } from '../../../src/flow/schedule/window.ts';
import type { Outcomes } from '../../../src/core/outcome.ts';
import type { Delivery } from '../../../src/core/transport.ts';
import { createHandClock, noChance } from '../../props/hand-clock.ts';
import { all, createBox, delivered, domainRouter, silentMetrics, type Box } from '../../props/runner-box.ts';

const MINUTE = 60_000;

/** A peer that takes so long over each. */
function slow(box: Box, ms: (job: Delivery) => number): void {
  box.script = async (job): Promise<Outcomes> => {
    await box.clock.sleepUntil((box.clock.now() + ms(job)) as never);
    return all(job, delivered);
  };
}

function held(box: Box): number {
  return [...box.disk.rows.values()].filter(row => row.lease !== null).length;
}

test('a thousand messages, ten in memory: never more, and all are delivered in the order in which they were due', async () => {
  const box = createBox();
  slow(box, () => 100);
  for (let n = 0; n < 300; n++) await box.queue([`user${n}@a.example`]);
  let most = 0;
  const runner = box.open({ window: { messages: 10, octets: 1e9, low: 4 } });
  for (let at = box.start; box.disk.rows.size > 0 && at < box.start + 30 * MINUTE; at += 50) {
    await box.clock.runTo(at);
    most = Math.max(most, held(box));
  }
  assert.equal(box.disk.rows.size, 0);
  assert.equal(most, 10);
  const ids = box.attempts.map(({ id }) => Number(id.slice(1)));
  assert.deepEqual(ids.toSorted((a, b) => a - b).length, 300);
  assert.ok(ids.every((id, at) => Math.abs(id - at - 1) < 10), 'nobody overtakes by more than a window');
  await runner.close({ graceMs: 0 });
});

test('low mark: a full window is refilled when it has emptied that far, in one go', async () => {
  const box = createBox({ perNexthop: 1 });
  slow(box, () => 100);
  for (let n = 0; n < 40; n++) await box.queue([`user${n}@a.example`]);
  const claims: number[] = [];
  const claim = box.store.claim.bind(box.store);
  const store = { ...box.store, claim: async (want: Parameters<typeof claim>[0]) => {
    const given = await claim(want);
    if (given.length > 0) claims.push(given.length);
    return given;
  } };
  const runner = box.open({ store, window: { messages: 10, octets: 1e9, low: 2 } });
  await box.clock.runTo(box.start + 950);
  assert.deepEqual(claims, [10, 8], 'ten, and eight more when two were left');
  await box.clock.runTo(box.start + MINUTE);
  assert.equal(box.disk.rows.size, 0);
  await runner.close({ graceMs: 0 });
});

test('a large message goes alone past the octets of the window, and its end makes room', async () => {
  const box = createBox();
  slow(box, () => 100);
  for (let n = 0; n < 6; n++) await box.queue([`user${n}@a.example`]);
  const runner = box.open({ window: { messages: 10, octets: 1, low: 0 } });
  await box.clock.runTo(box.start + MINUTE);
  assert.equal(box.disk.rows.size, 0);
  assert.equal(box.attempts.length, 6);
  await runner.close({ graceMs: 0 });
});

test('queuefill: while slow new mail fills the window, older mail that is due on the disk gets its turn', async () => {
  const box = createBox({ perNexthop: 1, inAll: 8 });
  slow(box, job => (job.nexthop === 'slow.example' ? 3 * MINUTE : 10));
  for (let n = 0; n < 12; n++) await box.queue([`user${n}@slow.example`]);
  const runner = box.open({ window: { messages: 12, octets: 1e9, low: 2, fillMs: 5 * MINUTE } });
  await box.clock.runTo(box.start + MINUTE);
  const old = await box.queue(['old@quick.example']);
  await box.clock.runTo(box.start + 7 * MINUTE);
  assert.ok(box.attempts.some(({ id }) => id === old), 'it was tried although the window was full of others');
  await box.clock.runTo(box.start + 90 * MINUTE);
  assert.equal(box.disk.rows.size, 0, 'and nobody is lost by giving way');
  await runner.close({ graceMs: 0 });
});

test('old mail that comes due is not starved by a stream of new', async () => {
  const box = createBox({ perNexthop: 2, inAll: 2 });
  slow(box, () => 200);
  const runner = box.open({ router: domainRouter, window: { messages: 4, octets: 1e9, low: 2 } });
  const old = await box.queue(['old@old.example']);
  for (let n = 0; n < 200; n++) {
    await box.queue([`user${n}@new.example`]);
    await box.clock.runTo(box.start + n * 50);
    if (box.attempts.some(({ id }) => id === old)) break;
  }
  assert.ok(box.attempts.findIndex(({ id }) => id === old) < 12);
  const closing = runner.close({ graceMs: 0 });
  await box.clock.runTo(box.clock.now() + MINUTE);
  await closing;
});

test('a full window lets mail through that came in just now, a quarter more at most, and never older mail', async () => {
  const clock = createHandClock();
  const rings = createBell();
  const waiting: Claim[] = [];
  const limits: number[] = [];
  let held = 0;
  const claimOf = (n: number) => ({ id: `m${n}`, token: n }) as unknown as Claim;
  const store = {
    claim: ({ limit }: { readonly limit: number }) => Promise.resolve(Array.from({ length: limit }, (_, n) => claimOf(n))),
    claimFresh: ({ limit }: { readonly limit: number }) => {
      limits.push(limit);
      return waiting.splice(0, limit);
    },
    nextDue: () => clock.now(),
    wake: (signal: AbortSignal) => rings.rings(signal, async over => {
      await new Promise<void>(resolve => over.addEventListener('abort', () => resolve()));
    }),
    order: () => Promise.resolve(0),
  } as unknown as QueueStore;
  const window = openWindow({
    store, clock, chance: noChance, leaseMs: 600_000, tally: createTally(silent, silentMetrics), size: { messages: 8, octets: 1e9 },
    held: () => ({ messages: held, octets: 0 }), take: claims => { held += claims.length; }, relieve: () => undefined, giveWay: () => undefined,
  });
  await clock.settle();
  assert.equal(held, 8, 'full of older mail');
  waiting.push(...[1, 2, 3].map(claimOf));
  rings.ring();
  await clock.settle();
  assert.deepEqual([held, waiting.length, limits], [10, 1, [2]]);
  rings.ring();
  await clock.settle();
  assert.deepEqual([held, limits], [10, [2]], 'the reserve is full too');
  held--;
  rings.ring();
  await clock.settle();
  assert.equal(waiting.length, 0);
  await window.close();
});
