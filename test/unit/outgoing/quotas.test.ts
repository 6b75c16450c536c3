/** What providers take in an hour or a day: never more in any window, wherever it begins; the counters outlive the process. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { silent } from '../../../src/core/log.ts';
import { openQuotas } from '../../../src/flow/outgoing/index.ts';
import { earliest, slotMs, withCount, type Slots } from '../../../src/flow/outgoing/quota.ts';
import { nodeFileSystem, type FileSystem } from '../../../src/kit/file/durable-file.ts';
import fc from '../../props/fast-check.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { eventually } from '../../props/within.ts';

const HOUR = 3_600_000;

test('no window ever holds more than the limit, and whoever waits until the moment that was said gets through', () => {
  fc.assert(fc.property(
    fc.record({ count: fc.integer({ min: 1, max: 50 }), perMs: fc.constantFrom(1000, 60_000, 86_400_000, 61_001) }),
    fc.array(fc.tuple(fc.double({ min: 0, max: 0.7, noNaN: true }), fc.integer({ min: 1, max: 60 })), { maxLength: 60 }),
    (limit, asked) => {
      let slots: Slots = new Map();
      let now = 1_700_000_000_123;
      const gone: { readonly at: number; readonly count: number }[] = [];
      for (const [pause, wanted] of asked) {
        now += Math.floor(pause * limit.perMs);
        const free = earliest(limit, slots, wanted, now);
        assert.ok(free >= now && free <= now + limit.perMs + slotMs(limit), 'nobody waits for longer than a window and a slot');
        if (free > now && pause > 0.3) {
          assert.equal(earliest(limit, slots, wanted, free), free, 'then there is room');
          now = free;
        } else if (free > now) continue;
        slots = withCount(limit, slots, wanted, now);
        gone.push({ at: now, count: Math.min(wanted, limit.count) });
      }
      for (const { at } of gone) {
        const held = gone.filter(one => one.at >= at && one.at < at + limit.perMs).reduce((sum, { count }) => sum + count, 0);
        assert.ok(held <= limit.count, `${held} in a window of ${limit.count}`);
      }
      assert.ok(slots.size <= 62);
    },
  ), { numRuns: 300 });
});

test('messages and recipients are counted apart; the longer wait is said, with its reason; what did not go is given back', () => {
  const clock = createHandClock();
  const quotas = openQuotas({ folder: scratchFolder('quotas'), clock, log: silent });
  const quota = quotas.of('smtp.example,587', { messages: [{ count: 2, perMs: HOUR }], recipients: [{ count: 10, perMs: 24 * HOUR }] });
  const first = quota.take({ messages: 1, recipients: 4 });
  assert.equal(first.kind, 'taken');
  assert.equal(quota.take({ messages: 1, recipients: 6 }).kind, 'taken');
  const third = quota.take({ messages: 1, recipients: 1 });
  assert.ok(third.kind === 'full' && third.until > clock.now() + 24 * HOUR && third.until < clock.now() + 25 * HOUR);
  assert.match(third.why, /^smtp\.example,587 takes 10 recipients in 1 days, and they are used up$/);
  if (first.kind === 'taken') first.giveBack();
  assert.equal(quota.take({ messages: 1, recipients: 4 }).kind, 'taken');
  assert.equal(quotas.of('other.example,587', { messages: [{ count: 2, perMs: HOUR }], recipients: [] }).take({ messages: 1, recipients: 1 }).kind, 'taken', 'each relay has its own');
});

test('a message that is larger than the limit goes when nothing else went', () => {
  const quotas = openQuotas({ folder: scratchFolder('quotas'), clock: createHandClock(), log: silent });
  const quota = quotas.of('r', { messages: [], recipients: [{ count: 10, perMs: HOUR }] });
  assert.equal(quota.take({ messages: 1, recipients: 500 }).kind, 'taken');
  assert.equal(quota.take({ messages: 1, recipients: 1 }).kind, 'full');
});

test('a restart forgets nothing; a damaged file begins anew', async () => {
  const folder = scratchFolder('quotas');
  const clock = createHandClock();
  const limits = { messages: [{ count: 3, perMs: HOUR }], recipients: [] };
  const before = openQuotas({ folder, clock, log: silent });
  for (let n = 0; n < 3; n++) assert.equal(before.of('r', limits).take({ messages: 1, recipients: 1 }).kind, 'taken');
  await before.close();
  const after = openQuotas({ folder, clock, log: silent });
  assert.equal(after.of('r', limits).take({ messages: 1, recipients: 1 }).kind, 'full');
  clock.jump(clock.now() + 2 * HOUR);
  assert.equal(after.of('r', limits).take({ messages: 1, recipients: 1 }).kind, 'taken');
  await after.close();
  for (const text of ['', '{', '[]', 'null', '{"version":1,"counters":{"r messages 3600000":[["x",1],3]}}', '{"version":9,"counters":{}}']) {
    writeFileSync(`${folder}/smarthost-counters.json`, text);
    const mended = openQuotas({ folder, clock, log: silent });
    assert.equal(mended.of('r', limits).take({ messages: 1, recipients: 1 }).kind, 'taken', text);
    await mended.close();
  }
});

test('the counters are written while the gateway runs, not only at its end', async () => {
  const folder = scratchFolder('quotas');
  const clock = createHandClock();
  const running = openQuotas({ folder, clock, log: silent });
  running.of('r', { messages: [{ count: 1, perMs: HOUR }], recipients: [] }).take({ messages: 1, recipients: 1 });
  await clock.runTo(clock.now() + 3000);
  await eventually(10_000, 'the counters on disk', () => openQuotas({ folder, clock, log: silent }).of('r', { messages: [{ count: 1, perMs: HOUR }], recipients: [] }).take({ messages: 1, recipients: 1 }).kind === 'full');
});

test('a disk that is slower than the counters change has one write at a time, and the last word is on it at the end', async () => {
  const folder = scratchFolder('quotas');
  const clock = createHandClock();
  let open = 0;
  let most = 0;
  let go: () => void = () => undefined;
  const held = new Promise<void>(resolve => { go = resolve; });
  const files: FileSystem = {
    ...nodeFileSystem,
    async open(path, how) {
      if (how === 'new') {
        most = Math.max(most, ++open);
        await held;
      }
      return nodeFileSystem.open(path, how);
    },
    async rename(from, to) {
      await nodeFileSystem.rename(from, to);
      open = 0;
    },
  };
  const slow = openQuotas({ folder, clock, log: silent, files });
  const rule = { messages: [{ count: 3, perMs: HOUR }], recipients: [] };
  for (let n = 0; n < 3; n++) {
    slow.of('r', rule).take({ messages: 1, recipients: 1 });
    await clock.runTo(clock.now() + 5000);
    await eventually(10_000, 'a write', () => most > 0);
  }
  assert.equal(most, 1);
  const closed = slow.close();
  go();
  await closed;
  assert.equal(openQuotas({ folder, clock, log: silent }).of('r', rule).take({ messages: 1, recipients: 1 }).kind, 'full');
});
