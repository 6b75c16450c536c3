/** What operators do and see: orders, listings, sums, and who is woken. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { after } from '../../../src/core/clock.ts';
import type { MessageId } from '../../../src/core/envelope.ts';
import type { QueueStore } from '../../../src/core/queue-store.ts';
import { all, delivered, envelope, first, text } from '../../props/queue-messages.ts';
import { leaseMs, outcomes, type Promised } from './scene.ts';

export function operating(name: string, promise: Promised): void {
  describe(`${name}: orders`, () => {
    promise('flush makes due at once, by id and all', async ({ post, claim, store, now }) => {
      const later = after(now(), 60_000);
      const one = await post(text(1), { due: later });
      await post(text(1), { due: later });
      assert.equal(await store.order({ id: one }, { kind: 'flush', now: now() }), 1);
      assert.deepEqual((await claim()).map(({ id }) => id), [one]);
      assert.equal(await store.order('all', { kind: 'flush', now: now() }), 2);
      assert.equal((await claim()).length, 1);
    });

    promise('hold keeps a message from being claimed, release gives its old time back', async ({ post, claim, store, now, clock }) => {
      const id = await post(text(1), { due: after(now(), 100) });
      assert.equal(await store.order({ id }, { kind: 'hold', now: now() }), 1);
      assert.equal(store.get(id)?.state, 'held');
      await clock.advance(1000);
      assert.deepEqual(await claim(), []);
      assert.equal(await store.order({ state: 'held' }, { kind: 'release', now: now() }), 1);
      assert.equal(store.get(id)?.due, now() - 900);
      assert.equal((await claim()).length, 1);
    });

    promise('flush leaves what is held alone, release what is not', async ({ post, store, now }) => {
      const id = await post();
      assert.equal(await store.order({ id }, { kind: 'release', now: now() }), 0);
      await store.order({ id }, { kind: 'hold', now: now() });
      assert.equal(await store.order('all', { kind: 'flush', now: now() }), 0);
      assert.equal(store.get(id)?.state, 'held');
    });

    promise('cancel makes a message due with its reason, held or not; the first reason stands', async ({ post, claim, store, now }) => {
      const waiting = await post(text(1), { due: after(now(), 1000) });
      const held = await post(text(1), { due: after(now(), 1000) });
      await store.order({ id: held }, { kind: 'hold', now: now() });
      assert.equal(await store.order('all', { kind: 'cancel', now: now(), reason: 'wrong list' }), 2);
      await store.order('all', { kind: 'cancel', now: now(), reason: 'again' });
      const claims = await claim();
      assert.deepEqual(claims.map(({ id }) => id).toSorted(), [waiting, held].toSorted());
      for (const { message } of claims) assert.deepEqual(message.cancelled, { reason: 'wrong list', at: now() });
    });

    promise('a claimed message obeys at its release: cancel', async ({ post, claim, claimOne, store, now }) => {
      const id = await post();
      const claimed = await claimOne();
      assert.equal(await store.order({ id }, { kind: 'cancel', now: now(), reason: 'stop' }), 1);
      assert.equal(await store.record(claimed, { at: now(), outcomes: outcomes([first, delivered]) }), 'held');
      await store.release(claimed, { due: after(now(), 9000) });
      const [again] = await claim();
      assert.equal(again?.message.cancelled?.reason, 'stop');
      assert.deepEqual(again?.message.recipients[0]?.outcome, delivered);
    });

    promise('a claimed message obeys at its release: hold, flush, and a hold taken back', async ({ post, claim, store, now }) => {
      const ids = [await post(text(1)), await post(text(1)), await post(text(1))] as const;
      const claims = await claim();
      await store.order({ id: ids[0] }, { kind: 'hold', now: now() });
      await store.order({ id: ids[1] }, { kind: 'flush', now: now() });
      await store.order({ id: ids[2] }, { kind: 'hold', now: now() });
      await store.order({ id: ids[2] }, { kind: 'release', now: now() });
      assert.deepEqual(ids.map((id) => store.get(id)?.state), ['claimed', 'claimed', 'claimed']);
      for (const one of claims) await store.release(one, { due: after(now(), 9000) });
      assert.deepEqual(ids.map((id) => store.get(id)?.state), ['held', 'waiting', 'waiting']);
      assert.deepEqual(ids.map((id) => store.get(id)!.due - now()), [9000, 0, 9000]);
    });

    promise('an order for a message that ends is forgotten with it', async ({ post, claimOne, store, now }) => {
      const id = await post();
      const claim = await claimOne();
      await store.order({ id }, { kind: 'hold', now: now() });
      assert.equal(await store.release(claim, 'finished'), 'held');
      assert.equal(store.get(id), null);
    });

    promise('restore takes a message out of quarantine, due now; drop removes it for good', async ({ post, claim, store, now }) => {
      const one = await post(text(10), { due: after(now(), 9000) });
      const two = await post(text(20));
      for (const id of [one, two]) await store.quarantine(id, 'looks odd');
      for (const kind of ['flush', 'hold', 'release'] as const) assert.equal(await store.order('all', { kind, now: now() }), 0, kind);
      assert.equal(await store.order({ id: one }, { kind: 'restore', now: now() }), 1);
      assert.deepEqual((await claim()).map(({ id }) => id), [one]);
      assert.equal(await store.order({ id: one }, { kind: 'drop', now: now() }), 0, 'not while it is claimed');
      assert.equal(await store.order({ state: 'quarantined' }, { kind: 'drop', now: now() }), 1);
      assert.equal(store.get(two), null);
      assert.deepEqual((await all(store)).map(({ message }) => message.id), [one]);
      assert.equal((await store.summary()).quarantined, 0);
      assert.equal(await store.order('all', { kind: 'restore', now: now() }), 0);
    });

    promise('what a filter judged is told from what is damaged; damage found later does not undo the judgement', async ({ post, claim, store, now }) => {
      const [judged, damaged] = [await post(text(10), { seal: { aside: 'a virus' } }), await post(text(20))];
      assert.deepEqual((await claim()).map(({ id }) => id), [damaged], 'hungry or not, it is never handed out');
      await store.quarantine(damaged, 'looks odd');
      const said = () => [judged, damaged].map((id) => { const entry = store.get(id); return [entry?.state, entry?.why, entry?.judged]; });
      assert.deepEqual(said(), [['quarantined', 'a virus', true], ['quarantined', 'looks odd', undefined]]);
      await store.quarantine(judged, 'looks odd');
      assert.deepEqual(said()[0], ['quarantined', 'looks odd', true]);
      assert.equal(await store.order('all', { kind: 'restore', now: now() }), 2);
      assert.deepEqual(said(), [['waiting', undefined, undefined], ['waiting', undefined, undefined]]);
    });

    promise('several by name, in one order', async ({ post, store, now }) => {
      const ids = [await post(), await post(), await post()];
      const some = [ids[0]!, ids[2]!, 'FFFFFFFFFFFFF.00000000' as MessageId];
      assert.equal(await store.order({ ids: some }, { kind: 'hold', now: now() }), 2);
      assert.deepEqual(ids.map((id) => store.get(id)?.state), ['held', 'waiting', 'held']);
      assert.deepEqual((await all(store, { ids: some })).map(({ message }) => message.id), some.slice(0, 2));
      assert.equal(await store.order({ ids: some }, { kind: 'drop', now: now() }), 2);
      assert.equal(await store.nextDue(), now());
    });

    promise('by state, and for nothing that is not there', async ({ post, claimOne, store, now }) => {
      await post();
      await claimOne();
      const waiting = await post(text(1), { due: after(now(), 10) });
      assert.equal(await store.order({ state: 'waiting' }, { kind: 'hold', now: now() }), 1);
      assert.equal(store.get(waiting)?.state, 'held');
      assert.equal(await store.order({ id: 'FFFFFFFFFFFFF.00000000' as MessageId }, { kind: 'flush', now: now() }), 0);
    });
  });

  describe(`${name}: looking`, () => {
    promise('lists in order of acceptance, past any step it reads in', async ({ post, store, now }) => {
      const posts = Array.from({ length: 450 }, (_, n) => post(text(1), { due: after(now(), 1000 - n) }));
      const ids = (await Promise.all(posts)).toSorted();
      assert.deepEqual((await all(store)).map(({ message }) => message.id), ids);
      assert.equal(await store.order('all', { kind: 'hold', now: now() }), 450);
      assert.equal((await all(store, { state: 'held' })).length, 450);
    });

    promise('a list goes on behind an id, whether that message is still there or not', async ({ post, claimOne, store, now }) => {
      const [first, second, third] = [await post(text(1), { due: after(now(), -5) }), await post(text(1)), await post(text(1))];
      const behind = async (id: MessageId): Promise<string[]> => {
        const ids: string[] = [];
        for await (const { message } of store.list('all', id)) ids.push(message.id);
        return ids;
      };
      assert.deepEqual(await behind(first), [second, third]);
      await store.release(await claimOne(), 'finished');
      assert.deepEqual(await behind(first), [second, third]);
      assert.deepEqual(await behind(third), []);
    });

    promise('a list may be abandoned, and survives that what it would have shown is gone', async ({ post, claim, store }) => {
      await Promise.all(Array.from({ length: 250 }, () => post(text(1))));
      for await (const _ of store.list('all')) break;
      let seen = 0;
      for await (const _ of store.list('all')) {
        if (seen++ === 0) for (const one of await claim(250)) await store.release(one, 'finished');
      }
      assert.ok(seen >= 1 && seen <= 250);
      assert.deepEqual(await all(store), []);
    });

    promise('lists one message, or those in one state', async ({ post, claimOne, store, now }) => {
      const claimed = await post(text(1), { due: after(now(), -5) });
      const waiting = await post(text(1));
      await claimOne();
      const ids = async (which: Parameters<QueueStore['list']>[0]): Promise<string[]> => (await all(store, which)).map(({ message }) => message.id);
      assert.deepEqual(await ids({ state: 'claimed' }), [claimed]);
      assert.deepEqual(await ids({ state: 'waiting' }), [waiting]);
      assert.deepEqual(await ids({ id: waiting }), [waiting]);
      assert.deepEqual(await ids({ id: 'FFFFFFFFFFFFF.00000000' as MessageId }), []);
    });

    promise('quarantine keeps for the operator, with the reason, and nobody claims it again', async ({ post, claimOne, claim, store, clock, now }) => {
      const claimed = await post();
      const one = await claimOne();
      const waiting = await post(text(1));
      await store.quarantine(claimed, 'content digest does not match');
      await store.quarantine(waiting, 'looks odd');
      assert.equal(await store.release(one, { due: now() }), 'lease-lost');
      await store.order('all', { kind: 'flush', now: now() });
      await clock.advance(leaseMs * 2);
      assert.deepEqual(await claim(), []);
      const entries = await all(store, { state: 'quarantined' });
      assert.deepEqual(entries.map(({ message, why }) => [message.id, why]), [
        [claimed, 'content digest does not match'],
        [waiting, 'looks odd'],
      ]);
      assert.deepEqual(entries[0]?.message.envelope, envelope);
      assert.equal(await store.nextDue(), null);
    });

    promise('the summary counts', async ({ post, claim, store, clock, now }) => {
      const start = now();
      assert.equal((await store.summary()).oldestAcceptedAt, null);
      await post();
      await clock.advance(10);
      await post();
      const bad = await post(text(1), { due: after(now(), 100) });
      await claim(1);
      await store.quarantine(bad, 'why not');
      const { messages, claimed, quarantined, oldestAcceptedAt, freeOctets } = await store.summary();
      assert.deepEqual({ messages, claimed, quarantined, oldestAcceptedAt }, { messages: 3, claimed: 1, quarantined: 1, oldestAcceptedAt: start });
      assert.ok(freeOctets > 0);
    });

    promise('there is room for a message, and none for the world', async ({ store }) => {
      assert.equal(store.room(1000), 'room');
      assert.equal(store.room(2 ** 52), 'full');
    });
  });

  describe(`${name}: waking`, () => {
    /** One step of a wake iterator, with what happens meanwhile. */
    async function woken(store: QueueStore, meanwhile: () => Promise<unknown>): Promise<boolean> {
      const signal = new AbortController();
      const wake = store.wake(signal.signal)[Symbol.asyncIterator]();
      const step = wake.next();
      await meanwhile();
      const { done } = await step;
      signal.abort();
      assert.equal((await wake.next()).done, true);
      return done !== true;
    }

    promise('a commit wakes', async ({ store, post }) => {
      assert.ok(await woken(store, () => post()));
    });
    promise('a release wakes', async ({ store, post, claimOne, now }) => {
      await post();
      const claim = await claimOne();
      assert.ok(await woken(store, () => Promise.resolve(store.release(claim, { due: now() }))));
    });
    promise('an order wakes', async ({ store, post, now }) => {
      await post(text(1), { due: after(now(), 9000) });
      assert.ok(await woken(store, () => store.order('all', { kind: 'flush', now: now() })));
    });
    promise('time wakes', async ({ store, post, clock, now }) => {
      await post(text(1), { due: after(now(), 400) });
      assert.ok(
        await woken(store, async () => {
          await new Promise(setImmediate);
          for (let step = 0; step < 10; step++) await clock.advance(50);
        }),
      );
    });
    promise('what happened between two steps is not missed', async ({ store, post }) => {
      const signal = new AbortController();
      const wake = store.wake(signal.signal)[Symbol.asyncIterator]();
      const step = wake.next();
      await post();
      await step;
      await post();
      await post();
      assert.equal((await wake.next()).done, false);
      signal.abort();
      assert.equal((await wake.next()).done, true);
    });
    promise('waking ends when nobody wants it any more', async ({ store }) => {
      const signal = new AbortController();
      const wake = store.wake(signal.signal)[Symbol.asyncIterator]();
      const step = wake.next();
      signal.abort();
      assert.equal((await step).done, true);
      assert.equal((await store.wake(AbortSignal.abort())[Symbol.asyncIterator]().next()).done, true);
    });
  });
}
