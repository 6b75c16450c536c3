/** What is delivered: claims and leases, outcomes recorded, messages put back or finished. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import { after } from '../../../src/core/clock.ts';
import type { MessageId } from '../../../src/core/envelope.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import { all, contentOf, deferred, delivered, failed, first, recipients, second, text, trace, unreachable } from '../../props/queue-messages.ts';
import { leaseMs, outcomes, type Promised } from './scene.ts';

export function delivering(name: string, promise: Promised): void {
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
}
