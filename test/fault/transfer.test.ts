/** A queue on its way to another box: whole, in part, twice, damaged, onto a full disk. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { after } from '../../src/core/clock.ts';
import { silent } from '../../src/core/log.ts';
import type { LmdbQueue, LmdbQueueOptions } from '../../src/flow/queue/index.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { all, contentOf, deferred, first, idOf, post, text, trace } from '../props/queue-messages.ts';
import { scratchFolder } from '../props/scratch-folder.ts';

const kernels = openKernels();
const clock = createFakeClock();
const open = (own: Partial<LmdbQueueOptions> = {}): Promise<LmdbQueue> => openLmdbQueue({ folder: scratchFolder('transfer'), kernels, clock, log: silent, watermarkOctets: 0, ...own });
const claim = (store: LmdbQueue, limit = 10) => store.claim({ now: clock.now(), limit, leaseMs: 60_000 });

async function exported(store: LmdbQueue, how: 'move' | 'copy' = 'move'): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.exportMessages('all', how)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

async function* stream(octets: Uint8Array, step = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < octets.length; at += step) yield octets.subarray(at, at + step);
  await Promise.resolve();
}

/** One of each kind: tried and waiting, on hold, damaged, large, due later. */
async function full(): Promise<{ readonly store: LmdbQueue; readonly ids: readonly string[] }> {
  const folder = scratchFolder('transfer-full');
  const store = await open({ folder });
  const tried = idOf(await post(store, kernels, clock.now(), text(300)));
  const [one] = await claim(store);
  await store.release(one!, { due: after(clock.now(), 77_000) }, { at: clock.now(), outcomes: new Map([[first, deferred]]) });
  const held = idOf(await post(store, kernels, clock.now(), text(400)));
  await store.order({ id: held }, { kind: 'hold', now: clock.now() });
  const damaged = idOf(await post(store, kernels, clock.now(), text(500)));
  await store.quarantine(damaged, 'looks odd');
  const large = idOf(await post(store, kernels, clock.now(), text(600_000)));
  // Opened anew: nothing is claimed, however hungry somebody was.
  await store.close();
  return { store: await open({ folder }), ids: [tried, held, damaged, large] };
}

describe('queue export and import', () => {
  it('everything arrives as it was: ids, envelopes, history, due times, hold, quarantine, content to the octet', async () => {
    const { store, ids } = await full();
    const before = await all(store);
    const octets = await exported(store);
    assert.deepEqual((await all(store)).map(({ state }) => state), ['held', 'held', 'quarantined', 'held'], 'two boxes do not both deliver');
    const other = await open({ inlineLimitOctets: 350 });
    assert.deepEqual(await other.importMessages(stream(octets)), { imported: 4, known: 0, damaged: 0, complete: true });
    assert.deepEqual(await all(other), before);
    for await (const one of other.verify('look')) if (one.kind === 'finding') assert.equal(one.id, ids[2], 'the one in quarantine is sound');
    clock.advance(77_000).catch(() => undefined);
    const claims = await claim(other);
    assert.deepEqual(claims.map(({ id }) => id as string).toSorted(), [ids[0], ids[3]]);
    for (const one of claims) assert.deepEqual(await contentOf(other, one), Buffer.concat([trace, text(one.id === ids[3] ? 600_000 : 300)]));
    await store.close();
    await other.close();
  });

  it('what a filter set aside is told from damage on the other box, too', async () => {
    const store = await open();
    idOf(await post(store, kernels, clock.now(), text(100), { seal: { aside: 'a virus' } }));
    const other = await open();
    await other.importMessages(stream(await exported(store)));
    for await (const one of other.verify('repair')) assert.equal(one.kind, 'checked', JSON.stringify(one));
    assert.deepEqual((await all(other)).map(({ state, why, judged }) => [state, why, judged]), [['quarantined', 'a virus', true]]);
    await store.close();
    await other.close();
  });

  it('a copy leaves the queue as it is', async () => {
    const { store } = await full();
    const before = await all(store);
    await exported(store, 'copy');
    assert.deepEqual(await all(store), before);
    await store.close();
  });

  it('a second time nothing comes, delivered or not, also after the store was opened anew; after 90 days the file is forgotten', async () => {
    const { store } = await full();
    const octets = await exported(store);
    const folder = scratchFolder('transfer-again');
    let other = await open({ folder });
    await other.importMessages(stream(octets));
    for (const one of await claim(other)) await other.release(one, 'finished');
    await other.close();
    other = await open({ folder });
    assert.deepEqual(await other.importMessages(stream(octets)), { imported: 0, known: 4, damaged: 0, complete: true });
    await clock.advance(91 * 86_400_000);
    await other.tidy();
    assert.ok((await other.importMessages(stream(octets))).imported > 0);
    await other.close();
    await store.close();
  });

  it('cut short anywhere: what came is whole, the rest comes with the whole file', async () => {
    const { store } = await full();
    const octets = await exported(store);
    for (const share of [0.0001, 0.001, 0.002, 0.01, 0.5, 0.9999]) {
      const other = await open();
      const answer = await other.importMessages(stream(octets.subarray(0, Math.max(60, Math.floor(octets.length * share)))))
        .catch(() => ({ complete: false, imported: 0, known: 0, damaged: 0 }));
      assert.equal(answer.complete, false);
      for await (const one of other.verify('look')) assert.ok(one.kind === 'checked' || one.why.includes('but sound'), JSON.stringify(one));
      const again = await other.importMessages(stream(octets));
      assert.deepEqual([again.complete, again.imported + again.known, again.known], [true, 4, answer.imported]);
      await other.close();
    }
    await store.close();
  });

  it('flipped on the way: into quarantine, not into anybody’s mailbox', async () => {
    const store = await open();
    const id = idOf(await post(store, kernels, clock.now(), Buffer.from(`MARKER${'x'.repeat(400_000)}`)));
    const small = idOf(await post(store, kernels, clock.now(), Buffer.from('ANOTHER MARK')));
    const octets = await exported(store);
    octets[octets.indexOf('MARKERxxx') + 2]! ^= 1;
    octets[octets.indexOf('ANOTHER MARK') + 2]! ^= 1;
    const other = await open();
    assert.deepEqual(await other.importMessages(stream(octets, 70_000)), { imported: 2, known: 0, damaged: 2, complete: true });
    assert.deepEqual((await all(other)).map(({ message, state }) => [message.id, state]), [[id, 'quarantined'], [small, 'quarantined']]);
    assert.deepEqual(await claim(other), []);
    await store.close();
    await other.close();
  });

  it('what is being delivered stays out, and is counted', async () => {
    const { store } = await full();
    await clock.advance(80_000);
    const claims = await claim(store);
    assert.ok(claims.length > 0);
    const octets = await exported(store);
    assert.match(octets.toString('latin1').trimEnd().split('\n').at(-1)!, new RegExp(`"claimed":${claims.length}`));
    await store.close();
  });
});
