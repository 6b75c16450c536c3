import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import type { Transport } from '../../../src/core/transport.ts';
import { createLanes, IDLE_LANES, type Feedback } from '../../../src/flow/schedule/lanes.ts';
import fc from '../../props/fast-check.ts';

const t = (ms: number) => (1_700_000_000_000 + ms) as Instant;

function transport(limits: Partial<Transport['limits']> = {}, name = 'esmtp'): Transport {
  return { name, limits: { recipients: 100, perNexthop: 4, inAll: 40, ...limits }, deliver: () => Promise.reject(new Error('not here')), close: async () => undefined };
}

/** Starts all that may start; gives the jobs. */
function startAll(lanes: ReturnType<typeof createLanes<string>>): string[] {
  const started: string[] = [];
  for (let next = lanes.take(); next !== undefined; next = lanes.take()) started.push(next.job);
  return started;
}

function fill(lanes: ReturnType<typeof createLanes<string>>, to: Transport, nexthop: string, count: number) {
  const lane = lanes.find(to, nexthop);
  for (let n = 0; n < count; n++) lanes.add(lane, `${nexthop}${n}`, t(0));
  return lane;
}

test('a lane starts slowly, widens with each success, and never past its limit', () => {
  const lanes = createLanes<string>();
  const lane = fill(lanes, transport(), 'a', 20);
  const widths: number[] = [];
  for (let round = 0; round < 5; round++) {
    const started = startAll(lanes);
    widths.push(started.length);
    for (const _ of started) lanes.ended(lane, t(round), 'success');
  }
  assert.deepEqual(widths, [2, 4, 4, 4, 4]);
});

test('a cohort of failures closes the lane for its pause; then it tries with one', () => {
  const lanes = createLanes<string>();
  const lane = fill(lanes, transport(), 'a', 9);
  startAll(lanes);
  lanes.ended(lane, t(1), 'trouble', 1000);
  assert.equal(lanes.closedUntil(lane, t(1)), null, 'one failure of two is no cohort');
  lanes.ended(lane, t(2), 'trouble', 1000);
  assert.equal(lanes.closedUntil(lane, t(2)), t(1002));
  assert.equal(lanes.closedUntil(lane, t(1001)), t(1002));
  assert.equal(lanes.closedUntil(lane, t(1002)), null);
  assert.equal(startAll(lanes).length, 1);
  lanes.ended(lane, t(1003), 'trouble', 5000);
  assert.equal(lanes.closedUntil(lane, t(1004)), t(6003), 'one failure is enough now');
  lanes.add(lane, 'later', t(6003));
  assert.equal(startAll(lanes).length, 1);
  lanes.ended(lane, t(6004), 'success');
  assert.equal(startAll(lanes).length, 2, 'and one success widens it');
});

test('successes between failures keep a lane open', () => {
  const lanes = createLanes<string>();
  const lane = fill(lanes, transport(), 'a', 200);
  for (let n = 0; n < 60; n++) {
    startAll(lanes);
    lanes.ended(lane, t(n), n % 2 === 0 ? 'trouble' : 'success', 1000);
    assert.equal(lanes.closedUntil(lane, t(n)), null);
  }
});

test('a clock set back opens what it would have kept closed', () => {
  const lanes = createLanes<string>();
  const lane = fill(lanes, transport({ perNexthop: 1 }), 'a', 2);
  startAll(lanes);
  lanes.ended(lane, t(0), 'trouble', 60_000);
  assert.notEqual(lanes.closedUntil(lane, t(1)), null);
  assert.equal(lanes.closedUntil(lane, t(-1)), null);
});

test('a dead lane harms no other, and a flush opens it', () => {
  const lanes = createLanes<string>();
  const esmtp = transport({ perNexthop: 1 });
  const dead = fill(lanes, esmtp, 'dead', 1);
  const well = fill(lanes, esmtp, 'well', 3);
  startAll(lanes);
  lanes.ended(dead, t(0), 'trouble', 60_000);
  lanes.ended(well, t(0), 'success');
  assert.deepEqual(startAll(lanes), ['well1']);
  assert.notEqual(lanes.closedUntil(dead, t(1)), null);
  lanes.reopen();
  assert.equal(lanes.closedUntil(dead, t(1)), null);
});

test('who waits longest goes next: a long queue does not starve a short one', () => {
  const lanes = createLanes<string>();
  const esmtp = transport({ inAll: 1, perNexthop: 1 });
  const big = fill(lanes, esmtp, 'big', 100);
  const small = fill(lanes, esmtp, 'small', 2);
  const order: string[] = [];
  for (let n = 0; n < 6; n++) {
    const next = lanes.take();
    assert.ok(next !== undefined);
    assert.equal(lanes.take(), undefined, 'one in all');
    order.push(next.job);
    lanes.ended(next.lane === small ? small : big, t(n), 'success');
  }
  assert.deepEqual(order, ['big0', 'small0', 'big1', 'small1', 'big2', 'big3']);
});

test('a transport that is full stops no other transport', () => {
  const lanes = createLanes<string>();
  fill(lanes, transport({ inAll: 1 }, 'fax'), 'a', 5);
  fill(lanes, transport({ inAll: 2, perNexthop: 2 }, 'local'), 'b', 5);
  assert.deepEqual(startAll(lanes).toSorted(), ['a0', 'b0', 'b1']);
});

test('lanes without work are forgotten past a number; those with work never', () => {
  const lanes = createLanes<string>();
  const esmtp = transport({ inAll: 1e6 });
  const working = fill(lanes, esmtp, 'working', 1);
  for (let n = 0; n < IDLE_LANES * 3; n++) {
    const lane = lanes.find(esmtp, `n${n}`);
    lanes.add(lane, 'x', t(n));
    while (lanes.take() !== undefined);
    lanes.ended(lane, t(n), 'success');
  }
  assert.ok(lanes.size <= IDLE_LANES + 1);
  assert.equal(lanes.find(esmtp, 'working'), working);
});

test('a lane is clogged when its backlog is past its share and its horizon, and sends away those who do not fit one after another', () => {
  const lanes = createLanes<string>();
  const lane = fill(lanes, transport(), 'slow', 50);
  startAll(lanes);
  assert.equal(lanes.isClogged(lane, t(10), 10), false, 'it has not stood still yet');
  assert.equal(lanes.isClogged(lane, t(1000), 10), true, 'a second without an end, times 48');
  assert.equal(lanes.isClogged(lane, t(1000), 100), false, 'within its share');
  const times = [1, 2, 3].map(() => lanes.comeAgain(lane, t(1000)) - t(1000));
  assert.deepEqual(times, [1000, 2000, 3000]);
  for (let n = 0; n < 1000; n++) assert.ok(lanes.comeAgain(lane, t(1000)) <= t(1000) + 300_000);
  lanes.ended(lane, t(1010), 'success');
  for (let n = 0; n < 40; n++) {
    startAll(lanes);
    lanes.ended(lane, t(1010 + n), 'success');
  }
  fill(lanes, transport(), 'slow', 0);
  assert.equal(lanes.isClogged(lane, t(1050), 1), false, 'it is fast now');
  assert.equal(lanes.dropNewest(lane), 'slow49');
});

test('a long queue for one next hop is not sent away because the first connection takes its time, and is when it really is slow', () => {
  const lanes = createLanes<string>();
  const lane = fill(lanes, transport(), 'only', 1000);
  startAll(lanes);
  assert.equal(lanes.isClogged(lane, t(400), 250), false, 'connecting');
  for (const [end, times] of [[400, 2], [401, 4], [402, 8], [403, 16]] as const) {
    for (let n = 0; n < times; n++) lanes.ended(lane, t(end), 'success');
    startAll(lanes);
    assert.equal(lanes.isClogged(lane, t(end), 250), false, 'two took long to begin, the others a moment');
  }
  for (let n = 1; n < 20; n++) lanes.ended(lane, t(403 + n * 100), 'success');
  assert.equal(lanes.isClogged(lane, t(2303), 250), true, 'ten a second, and 900 wait');
});

test('what was slow once and has little to do now is believed to be quick again', () => {
  const lanes = createLanes<string>();
  const lane = fill(lanes, transport(), 'moody', 2);
  startAll(lanes);
  for (const end of [5000, 10_000]) lanes.ended(lane, t(end), 'success');
  for (let n = 0; n < 40; n++) {
    lanes.add(lane, 'one', t(20_000 + n));
    startAll(lanes);
    lanes.ended(lane, t(20_001 + n), 'success');
  }
  fill(lanes, transport(), 'moody', 500);
  assert.equal(lanes.isClogged(lane, t(20_100), 250), false);
});

interface Step { readonly what: 'add' | 'end' | 'drop' | 'drain'; readonly lane: number; readonly feedback: Feedback; readonly ms: number }
const steps = fc.array(fc.record<Step>({
  what: fc.constantFrom<Step['what']>('add', 'add', 'add', 'end', 'end', 'drop', 'drain'), lane: fc.nat(7),
  feedback: fc.constantFrom<Feedback>('success', 'trouble', 'neutral'), ms: fc.integer({ min: -1000, max: 1000 }),
}), { maxLength: 300 });

test('limits are never exceeded, no job is lost or started twice, and nobody waits while there is room', () => {
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }), (list, perNexthop, inAll) => {
    const lanes = createLanes<string>();
    const ways = [transport({ perNexthop, inAll }, 'one'), transport({ perNexthop, inAll }, 'two')];
    const running = new Map<string, { transport: string; lane: ReturnType<typeof lanes.find> }>();
    const known = new Set<string>();
    let now = 0;
    let serial = 0;
    for (const { what, lane: n, feedback, ms } of list) {
      now += ms;
      const way = ways[n % 2] as Transport;
      const lane = lanes.find(way, `nexthop${n >> 1}`);
      if (what === 'add') {
        const job = `job${serial++}`;
        known.add(job);
        lanes.add(lane, job, t(now));
      } else if (what === 'end') {
        const [job, where] = [...running][n % Math.max(1, running.size)] ?? [];
        if (job === undefined || where === undefined) continue;
        running.delete(job);
        known.delete(job);
        lanes.ended(where.lane, t(now), feedback, 100);
      } else if (what === 'drop') {
        const job = lanes.dropNewest(lane);
        if (job !== undefined) assert.ok(known.delete(job));
      } else for (const job of lanes.drain(lane)) assert.ok(known.delete(job));

      for (let next = lanes.take(); next !== undefined; next = lanes.take()) {
        assert.ok(known.has(next.job) && !running.has(next.job));
        running.set(next.job, { transport: next.lane.transport, lane: next.lane });
      }
      assert.equal(lanes.active, running.size);
      assert.equal(lanes.waiting + lanes.active, known.size);
      for (const one of ways) {
        const mine = [...running.values()].filter(each => each.transport === one.name);
        assert.ok(mine.length <= inAll);
        for (const each of mine) assert.ok(each.lane.active <= perNexthop);
        if (mine.length < inAll) for (const each of lanes.busy()) if (each.transport === one.name) assert.ok(each.waiting === 0 || each.active >= each.width, 'room, and somebody waits');
      }
    }
    // Everything that is left can be finished.
    for (let rounds = 0; known.size > 0 && rounds < 10_000; rounds++) {
      for (const [job, { lane }] of running) {
        running.delete(job);
        known.delete(job);
        lanes.ended(lane, t(now), 'success');
      }
      for (let next = lanes.take(); next !== undefined; next = lanes.take()) running.set(next.job, { transport: next.lane.transport, lane: next.lane });
    }
    assert.equal(known.size, 0);
  }), { numRuns: 300 });
});
