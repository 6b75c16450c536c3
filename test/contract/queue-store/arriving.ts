/** What arrives: drafts and commits, and the key that makes a second commit the first. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import { all, draft, envelope, idOf, octetsOf, post, recipient, recipients, sealOf, text, trace } from '../../props/queue-messages.ts';
import type { Promised } from './scene.ts';

export function arriving(name: string, promise: Promised): void {
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
}
