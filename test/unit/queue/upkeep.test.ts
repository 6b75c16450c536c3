/** Compaction, and what a queue that stays open needs now and then. */
import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { silent } from '../../../src/core/log.ts';
import { openHousekeeping } from '../../../src/gateway/housekeeping.ts';
import type { LmdbQueue, LmdbQueueOptions } from '../../../src/flow/queue/index.ts';
import { openLmdbQueue } from '../../../src/flow/queue/index.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { all, contentOf, idOf, post, text, trace } from '../../props/queue-messages.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const kernels = openKernels();
const clock = createFakeClock();
const MIB = 1024 * 1024;
const open = (folder: string, own: Partial<LmdbQueueOptions> = {}): Promise<LmdbQueue> => openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, ...own });
const sizeOf = (folder: string): number => statSync(`${folder}/data.mdb`).size;

/** A queue after a burst: a large file, two messages left, one of them claimed by nobody who lives. */
async function afterBurst(): Promise<{ readonly folder: string; readonly ids: readonly string[] }> {
  const folder = scratchFolder('burst');
  const store = await open(folder);
  const many = await Promise.all(Array.from({ length: 100 }, () => post(store, kernels, clock.now(), text(100_000))));
  const kept = [idOf(await post(store, kernels, clock.now(), text(5000), { key: `${idOf(many[0]!)}:k` })), idOf(await post(store, kernels, clock.now(), text(400_000)))];
  await store.order({ ids: many.map(idOf) }, { kind: 'drop', now: clock.now() });
  await store.close();
  return { folder, ids: kept };
}

describe('compaction', () => {
  it('at the next start the file is small again, and everything that was left is there to the octet', async () => {
    const { folder, ids } = await afterBurst();
    assert.ok(sizeOf(folder) > 10 * MIB);
    const plain = await open(folder);
    assert.ok(sizeOf(folder) > 10 * MIB, 'only who asks for it');
    await plain.close();
    const store = await open(folder, { compactFrom: MIB });
    assert.ok(sizeOf(folder) < 6 * MIB, `${sizeOf(folder)} octets`);
    assert.ok(!existsSync(`${folder}/compact`));
    const claims = await store.claim({ now: clock.now(), limit: 9, leaseMs: 1000 });
    assert.deepEqual(claims.map(({ id }) => id as string), ids);
    assert.deepEqual(await contentOf(store, claims[0]!), Buffer.concat([trace, text(5000)]));
    assert.deepEqual(await contentOf(store, claims[1]!), Buffer.concat([trace, text(400_000)]));
    for await (const one of store.verify('look')) assert.equal(one.kind, 'checked');
    assert.equal(await store.release(claims[0]!, 'finished'), 'held');
    idOf(await post(store, kernels, clock.now(), text(70)));
    await store.close();
    const again = await open(folder, { compactFrom: MIB });
    assert.equal((await all(again)).length, 2, 'and it goes on in the new file');
    await again.close();
  });

  it('in a quiet hour the file becomes small while the queue stays open, and nothing is lost on the way', async () => {
    const folder = scratchFolder('quiet');
    const store = await open(folder, { compactFrom: MIB });
    const many = await Promise.all(Array.from({ length: 100 }, () => post(store, kernels, clock.now(), text(100_000))));
    const kept = idOf(await post(store, kernels, clock.now(), text(5000)));
    await store.order({ ids: many.map(idOf) }, { kind: 'drop', now: clock.now() });
    const [claim] = await store.claim({ now: clock.now(), limit: 1, leaseMs: 1e9 });
    assert.ok(sizeOf(folder) > 10 * MIB);
    // Mail that comes while the copy is written: the copy is not it, and is thrown away.
    const tidied = store.tidy();
    await new Promise(setImmediate);
    const late = idOf(await post(store, kernels, clock.now(), text(10)));
    await tidied;
    const before = sizeOf(folder);
    await store.tidy();
    assert.ok(sizeOf(folder) < 6 * MIB, `${before} octets, then ${sizeOf(folder)}`);
    assert.ok(!existsSync(`${folder}/compact`));
    assert.deepEqual(await contentOf(store, claim!), Buffer.concat([trace, text(5000)]));
    assert.equal(await store.release(claim!, 'finished'), 'held', 'a lease holds across the exchange');
    const behind = idOf(await post(store, kernels, clock.now(), text(200_000)));
    assert.deepEqual((await all(store)).map(({ message: { id } }) => id as string), [late, behind]);
    for await (const one of store.verify('look')) assert.equal(one.kind, 'checked');
    // What another process finds, and what is there after this one is gone.
    const other = await open(folder);
    assert.equal((await other.summary()).messages, 2);
    idOf(await post(other, kernels, clock.now(), text(10)));
    await other.close();
    assert.equal((await all(store)).length, 3);
    await store.close();
    const after = await open(folder);
    assert.equal(((await all(after)).map(({ message: { id } }) => id as string)).includes(kept), false);
    assert.equal((await after.summary()).messages, 3);
    await after.close();
  });

  it('never while somebody else has it open: what he writes is there', async () => {
    const { folder } = await afterBurst();
    const other = await open(folder);
    const store = await open(folder, { compactFrom: MIB });
    assert.ok(sizeOf(folder) > 10 * MIB);
    idOf(await post(other, kernels, clock.now(), text(10)));
    await other.close();
    await store.close();
    const after = await open(folder);
    assert.equal((await all(after)).length, 3);
    await after.close();
  });

  it('several at once: each writes into the file that stays', async () => {
    const { folder } = await afterBurst();
    const stores = await Promise.all(Array.from({ length: 4 }, () => open(folder, { compactFrom: MIB })));
    for (const store of stores) idOf(await post(store, kernels, clock.now(), text(10)));
    for (const store of stores) await store.close();
    const after = await open(folder);
    assert.equal((await all(after)).length, 6);
    await after.close();
  });

  it('no room for the copy: nothing happens', async () => {
    const { folder } = await afterBurst();
    const store = await open(folder, { compactFrom: MIB, freeSpace: () => 1000 });
    assert.ok(sizeOf(folder) > 10 * MIB);
    assert.equal((await all(store)).length, 2);
    await store.close();
  });
});

describe('housekeeping', () => {
  it('a draft and a lease of a process that died meanwhile are put right without a restart', async () => {
    const folder = scratchFolder('tidy');
    const store = await open(folder, { mayBeAlive: () => false });
    idOf(await post(store, kernels, clock.now(), text(10)));
    const dead = await open(folder, { mayBeAlive: () => true });
    assert.equal((await dead.claim({ now: clock.now(), limit: 1, leaseMs: 1e9 })).length, 1);
    const draft = `${folder}/bodies/drafts/06400000AAAAA.DEADBEEF`;
    writeFileSync(draft, 'half a mess');
    assert.deepEqual(await store.tidy(), { journal: 0, leases: 1, orphans: 1, missing: 0, keys: 0 });
    assert.ok(!existsSync(draft));
    assert.equal((await store.claim({ now: clock.now(), limit: 1, leaseMs: 1000 })).length, 1);
    assert.deepEqual(await store.tidy(), { journal: 0, leases: 0, orphans: 0, missing: 0, keys: 0 }, 'our own is left alone');
    await dead.close();
    await store.close();
  });

  it('once an hour when the queue is quiet, once a day in any case', async () => {
    const hand = createHandClock();
    const start = hand.now();
    let claimed = 0;
    let times = 0;
    const store = { summary: async () => ({ messages: 1, claimed, quarantined: 0, oldestAcceptedAt: null, freeOctets: 1 }), tidy: async () => ({ journal: 0, leases: 0, orphans: 0, missing: 0, keys: times++ }) };
    const housekeeping = openHousekeeping({ store, clock: hand, log: silent });
    await hand.runTo(start + 2.5 * 3_600_000);
    assert.equal(times, 2);
    claimed = 5;
    await hand.runTo(start + 25 * 3_600_000);
    assert.equal(times, 2);
    await hand.runTo(start + 27 * 3_600_000);
    assert.equal(times, 3);
    await housekeeping.close();
  });
});
