import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageId, RecipientId } from '../../src/core/envelope.ts';
import { isFinal, type Outcome } from '../../src/core/outcome.ts';
import type { Claim, News, Order, QueueStore } from '../../src/core/queue-store.ts';
import { courierCalendar } from '../../src/flow/schedule/index.ts';
import fc from '../props/fast-check.ts';
import { createMortal, mortalClock, type Mortal } from '../props/mortal.ts';
import { openPlainStore } from '../props/plain-store.ts';
import { busy, createBox, delivered, domainRouter, down, failed, scripted } from '../props/runner-box.ts';

const MINUTE = 60_000;

type Luck = 'delivered' | 'failed' | 'busy' | 'down' | 'forgotten' | 'threw';
interface Event { readonly afterMinutes: number; readonly what: 'queue' | 'flush' | 'hold' | 'release' | 'cancel' | 'die' | 'jump'; readonly n: number }

const lucks: Readonly<Record<Exclude<Luck, 'forgotten' | 'threw'>, Outcome>> = { delivered, failed, busy, down };
const luck = fc.constantFrom<Luck[]>('delivered', 'delivered', 'failed', 'busy', 'busy', 'down', 'forgotten', 'threw');
const event = fc.record<Event>({
  afterMinutes: fc.integer({ min: 0, max: 30 }), n: fc.nat(1000),
  what: fc.constantFrom<Event['what'][]>('queue', 'queue', 'queue', 'queue', 'flush', 'hold', 'release', 'cancel', 'die', 'die', 'jump'),
});

/** Lives through the events; gives what is wrong at the end. */
async function live(events: readonly Event[], lucksInOrder: readonly Luck[]): Promise<string[]> {
  const box = createBox({ perNexthop: 2, recipients: 2 });
  box.settings = { ...courierCalendar, queueTimeMs: 120 * MINUTE, warnTimeMs: 20 * MINUTE };
  const wrong: string[] = [];
  const expected = new Map<MessageId, number>();
  const finals = new Map<string, string>();
  const told = new Map<string, Set<string>>();
  let turn = 0;

  box.script = job => {
    const outcomes = new Map<RecipientId, Outcome>();
    for (const { id, address } of job.recipients) {
      if (finals.has(`${job.id} ${id}`)) wrong.push(`${job.id} ${address} was tried after it was final`);
      const next = lucksInOrder[turn++ % lucksInOrder.length] as Luck;
      if (next === 'threw') throw new Error('luck');
      if (next !== 'forgotten') outcomes.set(id, lucks[next]);
    }
    return outcomes;
  };
  box.reporter = async news => {
    for (const { id, outcome } of news.recipients) {
      const key = `${news.message.id} ${id}`;
      if (news.kind === 'delay') continue;
      if (outcome?.kind !== finals.get(key)) wrong.push(`${key} was reported as ${outcome?.kind} and recorded as ${finals.get(key)}`);
      if (outcome?.kind === 'failed') told.set(key, (told.get(key) ?? new Set()).add(news.recipients.map(one => one.id).join(',')));
    }
    return 'settled';
  };

  function openProcess(mortal: Mortal) {
    const plain = openPlainStore(box.disk, mortalClock(box.clock, mortal));
    const note = (claim: Claim, news?: News) => {
      for (const [id, outcome] of news?.outcomes ?? []) if (isFinal(outcome) && !finals.has(`${claim.id} ${id}`)) finals.set(`${claim.id} ${id}`, outcome.kind);
    };
    const noted: QueueStore = {
      ...plain,
      record: async (claim, news) => { const held = await plain.record(claim, news); if (held === 'held') note(claim, news); return held; },
      release: async (claim, next, news) => { const held = await plain.release(claim, next, news); if (held === 'held') note(claim, news); return held; },
    };
    return box.open({
      clock: mortalClock(box.clock, mortal),
      store: { ...mortal.wrap('store', noted, ['claim', 'nextDue', 'record', 'release', 'content', 'quarantine']) },
      router: domainRouter,
      transports: new Map([['esmtp', mortal.wrap('transport', scripted(box, { perNexthop: 2, recipients: 2 }), ['deliver'])]]),
      window: { messages: 6, octets: 1e6 },
    });
  }

  const deaths: Mortal[] = [];
  const begin = (moment: number) => {
    const mortal = createMortal(moment);
    deaths.push(mortal);
    return openProcess(mortal);
  };
  let runner = begin(Number.POSITIVE_INFINITY);
  const order = async (kind: Order['kind'], n: number) => {
    const ids = [...box.disk.rows.keys()];
    const id = ids[n % Math.max(1, ids.length)];
    if (id === undefined) return;
    await box.store.order({ id }, kind === 'cancel' ? { kind, now: box.clock.now(), reason: 'luck' } : { kind, now: box.clock.now() });
  };
  for (const { afterMinutes, what, n } of events) {
    await box.clock.runTo(box.clock.now() + afterMinutes * MINUTE);
    if (deaths.at(-1)?.dead === true) runner = begin(Number.POSITIVE_INFINITY);
    if (what === 'queue') {
      const count = 1 + (n % 5);
      expected.set(await box.queue(Array.from({ length: count }, (_, r) => `r${r}@d${(n + r) % 3}.example`)), count);
    } else if (what === 'die') {
      await runner.close({ graceMs: 0 });
      runner = begin(n % 30);
    } else if (what === 'jump') box.clock.jump(box.clock.now() + (n - 500) * MINUTE);
    else await order(what, n);
  }
  await box.clock.settle();
  if (deaths.at(-1)?.dead === true) runner = begin(Number.POSITIVE_INFINITY);
  for (const id of box.disk.rows.keys()) await box.store.order({ id }, { kind: 'release', now: box.clock.now() });
  for (let hours = 0; hours < 40 && box.disk.rows.size > 0; hours++) {
    await box.clock.runTo(box.clock.now() + 60 * MINUTE);
    if (deaths.at(-1)?.dead === true) runner = begin(Number.POSITIVE_INFINITY);
  }
  await runner.close({ graceMs: 0 });

  if (box.disk.rows.size > 0) wrong.push(`${box.disk.rows.size} messages are still queued`);
  for (const [id, count] of expected) for (let r = 0; r < count; r++) {
    const key = `${id} ${r}`;
    if (!finals.has(key)) wrong.push(`${key} has no final outcome`);
    const reports = told.get(key)?.size ?? 0;
    if (reports !== (finals.get(key) === 'failed' ? 1 : 0)) wrong.push(`${key}, ${finals.get(key)}, was in ${reports} different reports`);
  }
  return wrong;
}

test('whatever luck brings, every recipient has one fate, and the sender hears of each failure in one report', async () => {
  await fc.assert(fc.asyncProperty(fc.array(event, { minLength: 3, maxLength: 25 }), fc.array(luck, { minLength: 3, maxLength: 40 }), async (events, order) => {
    assert.deepEqual(await live(events, order), []);
  }), { numRuns: 300 });
});
