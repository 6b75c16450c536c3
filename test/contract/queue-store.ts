/** What core/queue-store.ts promises, asked of any store. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../../src/core/clock.ts';
import { after } from '../../src/core/clock.ts';
import type { MessageId, RecipientId } from '../../src/core/envelope.ts';
import type { Kernels } from '../../src/core/kernels.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Claim, QueueStore } from '../../src/core/queue-store.ts';
import type { FakeClock } from '../props/fake-clock.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import type { Posting } from '../props/queue-messages.ts';
import { all, contentOf, deferred, delivered, draft, envelope, failed, first, idOf, octetsOf, post, recipient, recipients, sealOf, second, text, trace, unreachable } from '../props/queue-messages.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';

export interface Surroundings {
  readonly clock: FakeClock;
  readonly kernels: Kernels;
}

interface Scene extends Surroundings {
  readonly store: QueueStore;
  readonly now: () => Instant;
  post(content?: Uint8Array, how?: Posting): Promise<MessageId>;
  claim(limit?: number): Promise<readonly Claim[]>;
  claimOne(): Promise<Claim>;
}

const leaseMs = 60_000;
const outcomes = (...rows: readonly (readonly [RecipientId, Outcome])[]): ReadonlyMap<RecipientId, Outcome> => new Map(rows);

export function queueStoreContract(name: string, open: (surroundings: Surroundings) => Promise<QueueStore>): void {
  async function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
    const clock = createFakeClock();
    const kernels = openKernels();
    const store = await open({ clock, kernels });
    const claim = (limit = 10): Promise<readonly Claim[]> => store.claim({ now: clock.now(), limit, leaseMs });
    try {
      await play({
        store,
        clock,
        kernels,
        now: () => clock.now(),
        post: async (content, how) => idOf(await post(store, kernels, clock.now(), content, how)),
        claim,
        async claimOne() {
          const [one] = await claim(1);
          assert.ok(one, 'something is due');
          return one;
        },
      });
    } finally {
      await store.close();
    }
  }

  const promise = (what: string, play: (scene: Scene) => Promise<void>): void => void it(what, () => scene(play));

  describe(`${name}: drafts`, () => {
    promise('a draft has its queue id at once, and nothing is stored yet', async ({ store }) => {
      const open = draft(store);
      assert.match(open.id, /^[0-9A-F]{13}\.[0-9A-F]{8}$/);
      await open.write(text(10));
      assert.equal(store.get(open.id), null);
      open.discard();
    });

    promise('ids sort in the order they were given, also when the clock jumps back', async ({ store, clock }) => {
      const ids: string[] = [];
      for (const jump of [0, 0, 5, -60_000, 1, 0]) {
        await clock.set(clock.now() + jump);
        const open = draft(store);
        ids.push(open.id);
        open.discard();
      }
      assert.deepEqual(ids.toSorted(), ids);
      assert.equal(new Set(ids).size, ids.length);
    });

    promise('a discarded draft leaves nothing, whatever its size', async ({ store }) => {
      for (const size of [10, 700_000]) {
        const open = draft(store);
        await open.write(text(size));
        open.discard();
      }
      assert.deepEqual(await all(store), []);
      assert.equal((await store.summary()).messages, 0);
    });

    promise('what was committed comes back as it was', async ({ store, post, now }) => {
      const id = await post(text(500));
      const entry = store.get(id);
      assert.ok(entry);
      assert.deepEqual(entry.message.envelope, envelope);
      assert.deepEqual(entry.message.recipients, recipients);
      assert.deepEqual(Buffer.from(entry.message.trace), trace);
      assert.equal(entry.message.facts.sizeOctets, 500);
      assert.equal(entry.message.acceptedAt, now());
      assert.equal(entry.message.attempts, 0);
      assert.equal(entry.due, now());
      assert.equal(entry.state, 'waiting');
    });

    promise('the seal replaces envelope and recipients', async ({ store, post }) => {
      const others = { envelope: { ...envelope, reversePath: null }, recipients: [recipient(1, 'only@example.net')] };
      const entry = store.get(await post(text(10), { seal: others }));
      assert.equal(entry?.message.envelope.reversePath, null);
      assert.deepEqual(entry?.message.recipients, others.recipients);
    });

    for (const size of [0, 1, 100, 262_144, 262_145, 2_500_000]) {
      promise(`content of ${size} octets comes back to the octet, trace fields first, as often as asked`, async ({ store, post, claimOne }) => {
        const content = size === 0 ? Buffer.alloc(0) : text(size);
        await post(content, { chunkOctets: 60_000 });
        const claim = await claimOne();
        for (let time = 0; time < 2; time++) {
          const read = await store.content(claim);
          assert.ok(read.kind === 'content');
          assert.equal(read.sizeOctets, size + trace.length);
          assert.deepEqual(await octetsOf(read), Buffer.concat([trace, content]));
          assert.deepEqual(await octetsOf(read), Buffer.concat([trace, content]));
        }
      });
    }

    promise('a seal that does not fit what was written is our fault, and nothing is kept', async ({ store, kernels, now }) => {
      const open = draft(store);
      await open.write(text(10));
      const committed = await open.commit(sealOf(kernels, text(11), now()));
      assert.equal(committed.kind, 'broken');
      assert.deepEqual(await all(store), []);
    });

    promise('many drafts at once are each stored once', async ({ store, post }) => {
      const ids = await Promise.all(Array.from({ length: 50 }, (_, n) => post(text(100 + n))));
      const listed = await all(store);
      assert.deepEqual(listed.map(({ message }) => message.id).toSorted(), ids.toSorted());
    });
  });

  describe(`${name}: idempotency`, () => {
    promise('a second commit under the same key stores nothing and answers the first id', async ({ store, kernels, now, post: posted }) => {
      const parent = await posted();
      const one = await post(store, kernels, now(), text(50), { key: `${parent}:1` });
      const two = await post(store, kernels, now(), text(60), { key: `${parent}:1` });
      assert.ok(one.kind === 'committed' && two.kind === 'committed');
      assert.equal(two.id, one.id);
      assert.equal(two.repeated, true);
      assert.equal(one.repeated, undefined);
      assert.equal((await all(store)).length, 2);
    });

    promise('two commits under one key at the same time store one message', async ({ store, kernels, now, post: posted }) => {
      const parent = await posted();
      const both = await Promise.all([1, 2].map((n) => post(store, kernels, now(), text(50 + n), { key: `${parent}:x` })));
      assert.equal(new Set(both.map(idOf)).size, 1);
      assert.equal((await all(store)).length, 2);
    });

    promise('large content under a used key leaves nothing behind', async ({ store, post: posted }) => {
      const parent = await posted();
      const one = await posted(text(100_000), { key: `${parent}:1` });
      assert.equal(await posted(text(100_000, 'y'), { key: `${parent}:1` }), one);
      assert.equal((await all(store)).length, 2);
    });

    promise('another key is another message', async ({ post: posted, store }) => {
      const parent = await posted();
      assert.notEqual(await posted(text(5), { key: `${parent}:1` }), await posted(text(5), { key: `${parent}:2` }));
      assert.equal((await all(store)).length, 3);
    });

    promise('a key of something outside outlasts its message, until it is forgotten', async ({ store, post: posted, claimOne }) => {
      const first = await posted(text(5), { key: 'pickup:1' });
      await posted(text(5), { key: 'pickup:12' });
      await posted(text(5), { key: 'pickup:1:final' });
      await store.release(await claimOne(), 'finished');
      await store.order('all', { kind: 'flush', now: 0 as Instant });
      assert.equal(await posted(text(5), { key: 'pickup:1' }), first);
      assert.equal((await all(store)).length, 2, 'nothing new');
      assert.deepEqual([store.queuedUnder('pickup:1'), store.queuedUnder('pickup')], [first, null]);
      await store.forgetKeys(['pickup:1', 'pickup:never']);
      assert.notEqual(await posted(text(5), { key: 'pickup:1' }), first);
      await posted(text(5), { key: 'pickup:1:final' });
      assert.equal((await all(store)).length, 4, 'it, and what belongs to it');
      await posted(text(5), { key: 'pickup:12' });
      assert.equal((await all(store)).length, 4, 'another one stands');
    });

    for (const when of ['before', 'after'] as const) {
      promise(`keys end with their parent (used ${when} it was claimed)`, async ({ store, post: posted, claimOne }) => {
        const parent = await posted();
        const key = `${parent}:1`;
        let child = when === 'before' ? await posted(text(5), { key }) : null;
        const claim = await claimOne();
        assert.equal(claim.id, parent);
        child ??= await posted(text(5), { key });
        assert.equal(await store.release(claim, 'finished'), 'held');
        await store.order('all', { kind: 'flush', now: 0 as Instant }); // any write: deletions ride along
        assert.notEqual(await posted(text(5), { key }), child);
      });
    }
  });

  describe(`${name}: claims`, () => {
    promise('earliest first, no more than the limit, nothing that is not due', async ({ post, claim, now }) => {
      const late = await post(text(1), { due: after(now(), -10) });
      const early = await post(text(1), { due: after(now(), -1000) });
      const middle = await post(text(1), { due: after(now(), -100) });
      await post(text(1), { due: after(now(), 1) });
      assert.deepEqual((await claim(2)).map(({ id }) => id), [early, middle]);
      assert.deepEqual((await claim(2)).map(({ id }) => id), [late]);
      assert.deepEqual(await claim(2), []);
    });

    promise('what is due at this very millisecond is due', async ({ post, claim, clock, now }) => {
      const id = await post(text(1), { due: after(now(), 500) });
      await clock.advance(499);
      assert.deepEqual(await claim(), []);
      await clock.advance(1);
      assert.deepEqual((await claim()).map((claim) => claim.id), [id]);
    });

    promise('nobody claims what is claimed', async ({ post, claim, store }) => {
      const id = await post();
      assert.equal((await claim()).length, 1);
      assert.deepEqual(await claim(), []);
      assert.equal(store.get(id)?.state, 'claimed');
    });

    promise('two claims at the same time share out what is due', async ({ post, claim }) => {
      for (let n = 0; n < 20; n++) await post(text(1));
      const both = await Promise.all([claim(15), claim(15)]);
      const ids = both.flat().map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length);
      assert.equal(ids.length + (await claim(15)).length, 20);
    });

    promise('a message handed out fresh carries what was received, and is nobody else’s', async ({ post, claim, store }) => {
      assert.deepEqual(await claim(5), []); // hungry now
      const small = await post(text(200));
      const large = await post(text(200_000));
      const claims = await claim(5);
      assert.deepEqual(claims.map(({ id }) => id), [small, large]);
      assert.deepEqual(await contentOf(store, claims[0]!), Buffer.concat([trace, text(200)]));
      assert.deepEqual(await contentOf(store, claims[1]!), Buffer.concat([trace, text(200_000)]));
      assert.deepEqual(await claim(5), []);
      for (const one of claims) assert.equal(await store.release(one, 'finished'), 'held');
      assert.deepEqual(await all(store), []);
    });

    promise('hunger does not make a message due before its time', async ({ post, claim, clock, now }) => {
      await claim(5);
      const id = await post(text(1), { due: after(now(), 1000) });
      assert.deepEqual(await claim(5), []);
      await clock.advance(1000);
      assert.deepEqual((await claim(5)).map((claim) => claim.id), [id]);
    });

    promise('claimFresh, where there is one, gives what came in just now and never what waits', async ({ post, claim, now, store }) => {
      if (store.claimFresh === undefined) return;
      const ask = () => store.claimFresh?.({ now: now(), limit: 4, leaseMs }) ?? [];
      const old = await post();
      assert.deepEqual(ask(), []);
      assert.deepEqual((await claim(4)).map(({ id }) => id), [old]); // hungry: what comes now may be born claimed
      const fresh = await post();
      const found = ask();
      assert.ok(found.every(({ id, content }) => id === fresh && content !== undefined));
      for (const one of found) assert.equal(await store.release(one, 'finished'), 'held');
      assert.deepEqual((await claim(4)).map(({ id }) => id), found.length === 0 ? [fresh] : [], 'handed out once');
    });

    promise('a steady stream of fresh mail does not starve what waits', async ({ post, claim, now, clock }) => {
      const old = await post(text(1), { due: after(now(), 1000) });
      assert.deepEqual(await claim(4), []); // hungry: what comes now may be born claimed
      for (let n = 0; n < 8; n++) await post();
      await clock.advance(1000);
      for (let n = 0; n < 8; n++) await post();
      const taken = [...(await claim(4)), ...(await claim(4)), ...(await claim(4))];
      assert.equal(taken.length, 12);
      assert.ok(taken.some(({ id }) => id === old));
    });

    promise('a lease that ran out is claimed again, and its holder finds it lost', async ({ post, claim, claimOne, clock, store }) => {
      const id = await post();
      const old = await claimOne();
      await clock.advance(leaseMs - 1);
      assert.deepEqual(await claim(), []);
      await clock.advance(1);
      const [fresh] = await claim();
      assert.equal(fresh?.id, id);
      assert.notEqual(fresh?.token, old.token);
      assert.equal(await store.record(old, { at: clock.now(), outcomes: outcomes([first, delivered]) }), 'lease-lost');
      assert.equal(await store.release(old, 'finished'), 'lease-lost');
      assert.equal(await store.release(old, { due: clock.now() }), 'lease-lost');
      assert.equal(store.get(id)?.message.recipients[0]?.outcome, undefined);
      assert.equal(await store.release(fresh, 'finished'), 'held');
    });

    promise('recording renews the lease, and an empty record is a heartbeat', async ({ post, claim, claimOne, clock, store }) => {
      await post();
      const claimed = await claimOne();
      for (let beat = 0; beat < 4; beat++) {
        await clock.advance(leaseMs - 1000);
        assert.equal(await store.record(claimed, { at: clock.now() }), 'held');
        assert.deepEqual(await claim(), []);
      }
      await clock.advance(leaseMs);
      assert.equal((await claim()).length, 1);
    });

    promise('an attempt that crashed is not counted', async ({ post, claimOne, clock }) => {
      await post();
      await claimOne();
      await clock.advance(leaseMs);
      assert.equal((await claimOne()).message.attempts, 0);
    });
  });

  describe(`${name}: recording and releasing`, () => {
    promise('outcomes and their time are seen by the next claim', async ({ post, claimOne, clock, store, now }) => {
      const id = await post();
      const claim = await claimOne();
      const at = now();
      assert.equal(await store.record(claim, { at, outcomes: outcomes([first, delivered], [second, deferred]), reported: [first] }), 'held');
      assert.equal(await store.release(claim, { due: after(at, 5000) }), 'held');
      await clock.advance(5000);
      const again = await claimOne();
      assert.equal(again.id, id);
      assert.equal(again.message.attempts, 1);
      assert.equal(again.message.lastAttemptAt, at);
      assert.deepEqual(again.message.recipients, [
        { ...recipients[0]!, outcome: delivered, outcomeAt: at, reported: true },
        { ...recipients[1]!, outcome: deferred, outcomeAt: at },
      ]);
    });

    promise('given back untried, no attempt is counted', async ({ post, claimOne, store, now }) => {
      await post();
      assert.equal(await store.release(await claimOne(), { due: now(), untried: true }), 'held');
      const { attempts, lastAttemptAt } = (await claimOne()).message;
      assert.deepEqual([attempts, lastAttemptAt], [0, undefined]);
    });

    promise('a final outcome is never overwritten', async ({ post, claimOne, store, now }) => {
      const id = await post();
      const claim = await claimOne();
      await store.record(claim, { at: now(), outcomes: outcomes([first, delivered], [second, failed]) });
      await store.record(claim, { at: after(now(), 9), outcomes: outcomes([first, failed], [second, deferred]) });
      await store.release(claim, { due: now() }, { at: after(now(), 10), outcomes: outcomes([first, deferred]) });
      const [one, two] = store.get(id)!.message.recipients;
      assert.deepEqual([one?.outcome, one?.outcomeAt], [delivered, now()]);
      assert.deepEqual([two?.outcome, two?.outcomeAt], [failed, now()]);
    });

    promise('a deferral is overwritten; the last words of a peer stay until a peer speaks again', async ({ post, claimOne, store, now }) => {
      const id = await post();
      const claim = await claimOne();
      const recorded = async (outcome: Outcome): Promise<readonly [Outcome | undefined, Outcome | undefined]> => {
        await store.record(claim, { at: now(), outcomes: outcomes([first, outcome]) });
        const found = store.get(id)?.message.recipients[0];
        return [found?.outcome, found?.reached];
      };
      assert.deepEqual(await recorded(unreachable), [unreachable, undefined]);
      assert.deepEqual(await recorded(deferred), [deferred, undefined]);
      assert.deepEqual(await recorded(unreachable), [unreachable, deferred]);
      assert.deepEqual(await recorded(unreachable), [unreachable, deferred]);
      const expired: Outcome = { kind: 'failed', status: '5.4.7' };
      assert.deepEqual(await recorded(expired), [expired, deferred]);
    });

    promise('a peer that speaks replaces what was said before', async ({ post, claimOne, store, now }) => {
      const id = await post();
      const claim = await claimOne();
      for (const outcome of [deferred, unreachable, failed]) await store.record(claim, { at: now(), outcomes: outcomes([first, outcome]) });
      const found = store.get(id)?.message.recipients[0];
      assert.deepEqual([found?.outcome, found?.reached], [failed, undefined]);
    });

    promise('different answers are kept as history, the same ones are counted', async ({ post, claimOne, store, now }) => {
      const id = await post();
      const claim = await claimOne();
      for (const [at, outcome] of [deferred, deferred, deferred, unreachable, deferred, delivered].entries()) {
        await store.record(claim, { at: after(now(), at), outcomes: outcomes([first, outcome]) });
      }
      const past = store.get(id)?.message.recipients[0]?.past?.map(({ outcome, firstAt, lastAt, times }) => [outcome.status, firstAt - now(), lastAt - now(), times]);
      assert.deepEqual(past, [['4.2.2', 0, 2, 3], ['4.4.1', 3, 3, 1], ['4.2.2', 4, 4, 1]]);
    });

    promise('news rides along with a release', async ({ post, claimOne, store, now }) => {
      const id = await post();
      const claim = await claimOne();
      await store.release(claim, { due: after(now(), 77) }, { at: now(), outcomes: outcomes([second, deferred]), warned: true });
      const entry = store.get(id)!;
      assert.equal(entry.due, now() + 77);
      assert.equal(entry.state, 'waiting');
      assert.equal(entry.message.warnedAt, now());
      assert.deepEqual(entry.message.recipients[1]?.outcome, deferred);
    });

    promise('finished: message, content and place in every list are gone at once', async ({ post, claimOne, claim, store }) => {
      for (const size of [10, 100_000]) {
        const id = await post(text(size));
        const claimed = await claimOne();
        assert.equal(await store.release(claimed, 'finished'), 'held');
        assert.equal(store.get(id), null);
      }
      assert.deepEqual(await all(store), []);
      assert.deepEqual(await claim(), []);
      const { messages, claimed } = await store.summary();
      assert.deepEqual({ messages, claimed }, { messages: 0, claimed: 0 });
    });

    promise('a claim ends once', async ({ post, claimOne, store, now }) => {
      await post();
      const claim = await claimOne();
      assert.equal(await store.release(claim, { due: now() }), 'held');
      assert.equal(await store.release(claim, 'finished'), 'lease-lost');
      assert.equal(await store.record(claim, { at: now() }), 'lease-lost');
      assert.equal((await all(store)).length, 1);
    });

    promise('a finished message does not come back as content', async ({ post, claimOne, store }) => {
      await post();
      const claim = await claimOne();
      await store.release(claim, 'finished');
      await store.order('all', { kind: 'flush', now: 0 as Instant });
      assert.equal((await store.content({ id: 'FFFFFFFFFFFFF.00000000' as MessageId, message: claim.message })).kind, 'corrupt');
    });

    promise('the next due time is that of what waits, not of what is leased or held', async ({ post, claimOne, store, now }) => {
      assert.equal(await store.nextDue(), null);
      await post(text(1));
      await post(text(1), { due: after(now(), 50) });
      const held = await post(text(1), { due: after(now(), 20) });
      assert.equal(await store.nextDue(), now());
      await claimOne();
      assert.equal(await store.nextDue(), now() + 20);
      await store.order({ id: held }, { kind: 'hold', now: now() });
      assert.equal(await store.nextDue(), now() + 50);
    });
  });

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
      assert.ok(await woken(store, () => store.release(claim, { due: now() })));
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
