/** A card that lies: one bit of a stored message is another one now. Noticed, set aside or mended, told, never delivered. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Address, MessageId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import type { Finding, Seal, Verified } from '../../src/core/queue-store.ts';
import type { LmdbQueue, LmdbQueueOptions } from '../../src/flow/queue/index.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { openLmdbIndex } from '../../src/flow/queue/lmdb-index.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { flipInBodies, flipInIndex } from '../props/bit-flips.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { all, contentOf, envelope, idOf, post, text, trace } from '../props/queue-messages.ts';
import { scratchFolder } from '../props/scratch-folder.ts';

const kernels = openKernels();
const clock = createFakeClock();
const open = (folder: string, own: Partial<LmdbQueueOptions> = {}): Promise<LmdbQueue> => openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, ...own });

/** A queue with one message, closed. */
async function stored(content: Uint8Array, from = 'ann@example.org', others = 0, seal: Partial<Seal> = {}): Promise<{ readonly folder: string; readonly id: MessageId }> {
  const folder = scratchFolder('flips');
  const store = await open(folder);
  const id = idOf(await post(store, kernels, clock.now(), content, { seal: { envelope: { ...envelope, reversePath: from as Address }, ...seal } }));
  for (let n = 0; n < others; n++) idOf(await post(store, kernels, clock.now(), text(50 + n)));
  await store.close();
  return { folder, id };
}

async function verified(store: LmdbQueue, how: 'look' | 'repair' = 'look'): Promise<Finding[]> {
  const found: Verified[] = [];
  for await (const one of store.verify(how)) found.push(one);
  assert.ok(found.at(-1)?.kind === 'checked', 'it says how much it read');
  return found.filter((one) => one.kind === 'finding');
}

/** What a flip in the tree itself leaves: entries that LMDB still hands out. */
async function edited(folder: string, edit: (index: ReturnType<typeof openLmdbIndex>) => void): Promise<void> {
  const index = openLmdbIndex(folder, 64 * 1024 * 1024, () => false);
  await index.transaction(() => edit(index));
  await index.close();
}

const claim = (store: LmdbQueue) => store.claim({ now: clock.now(), limit: 10, leaseMs: 60_000 });
const marker = 'MARKER-OF-THIS-CONTENT';

describe('one bit flipped in stored content', () => {
  for (const [where, size, flip] of [['in the index', 3000, flipInIndex], ['in the index, too large to mend', 100_000, flipInIndex], ['in a body file', 400_000, flipInBodies], ['in a body file read in passes', 2_000_000, flipInBodies]] as const) {
    it(`${where}: noticed on reading and by verify, never handed out`, async () => {
      const { folder, id } = await stored(Buffer.from(`${marker}${'x'.repeat(size)}\r\n`));
      assert.ok(flip(folder, marker, 3) > 0);
      const store = await open(folder);
      assert.deepEqual((await verified(store)).map(({ id, part, became }) => [id, part, became]), [[id, 'content', 'left']]);
      const [one] = await claim(store);
      assert.equal(one?.id, id);
      assert.match((await store.content(one) as { why: string }).why, /digest/);
      await store.close();
    });
  }

  it('repair flips it back where the content is small, and the message goes out to the octet', async () => {
    const content = Buffer.from(`${marker}${'x'.repeat(3000)}\r\n`);
    const { folder, id } = await stored(content);
    flipInIndex(folder, marker, 9, 6);
    const store = await open(folder);
    await store.quarantine(id, 'content digest does not match'); // as the runner found it
    assert.deepEqual((await verified(store, 'repair')).map(({ part, became }) => [part, became]), [['content', 'mended']]);
    assert.deepEqual(await verified(store), []);
    const [one] = await claim(store);
    assert.deepEqual(await contentOf(store, one!), Buffer.concat([trace, content]));
    await store.close();
  });

  it('what a filter set aside is nothing that is wrong, and stays aside whatever is repaired around it', async () => {
    const content = Buffer.from(`${marker}${'x'.repeat(3000)}\r\n`);
    const { folder, id } = await stored(content, undefined, 0, { aside: 'a virus' });
    const told: string[] = [];
    let store = await open(folder, { quarantined: (one) => told.push(one) });
    assert.deepEqual([await verified(store), await verified(store, 'repair'), told], [[], [], []]);
    await store.close();
    flipInIndex(folder, marker, 9, 6);
    store = await open(folder);
    assert.deepEqual((await verified(store, 'repair')).map(({ part, became }) => [part, became]), [['content', 'mended']]);
    assert.deepEqual(await verified(store), []);
    assert.deepEqual([store.get(id)?.state, store.get(id)?.why, (await claim(store)).length], ['quarantined', 'a virus', 0]);
    assert.equal(await store.order({ id }, { kind: 'restore', now: clock.now() }), 1);
    const [one] = await claim(store);
    assert.deepEqual(await contentOf(store, one!), Buffer.concat([trace, content]));
    await store.close();
  });

  for (const [where, size, flip] of [['index', 100_000, flipInIndex], ['body file', 400_000, flipInBodies]] as const) {
    it(`what cannot be mended (${where}) is set aside, told, and written out; dropping it leaves nothing`, async () => {
      const { folder, id } = await stored(Buffer.from(`${marker}${'x'.repeat(size)}\r\n`), undefined, 2);
      flip(folder, marker);
      const told: string[] = [];
      const store = await open(folder, { quarantined: (id) => told.push(id) });
      const [found] = await verified(store, 'repair');
      assert.deepEqual([found?.id, found?.became, told], [id, 'set-aside', [id]]);
      const rescued = readFileSync(found!.file!, 'latin1');
      assert.ok(rescued.includes('x'.repeat(size)) && rescued.includes('ARKER-OF-THIS-CONTENT'));
      assert.equal(store.get(id)?.state, 'quarantined');
      assert.equal((await claim(store)).length, 2, 'the others go on');
      assert.equal(await store.order({ id }, { kind: 'restore', now: clock.now() }), 1);
      assert.equal((await claim(store)).length, 1, 'restored: whoever reads it checks it again');
      await store.quarantine(id, 'again');
      assert.equal(await store.order({ id }, { kind: 'drop', now: clock.now() }), 1);
      assert.equal(store.get(id), null);
      assert.deepEqual(flipInBodies(folder, 'ARKER-OF-THIS-CONTENT'), 0);
      await store.close();
    });
  }
});

describe('one bit flipped in an envelope record', () => {
  it('noticed when it is claimed, listed and verified; its neighbours go on', async () => {
    const { folder, id } = await stored(text(100), 'marker-of-this-sender@example.org', 3);
    assert.ok(flipInIndex(folder, 'marker-of-this-sender', 2) > 0);
    const told: string[] = [];
    const store = await open(folder, { quarantined: (id, why) => told.push(`${id} ${why}`) });
    assert.deepEqual((await verified(store)).map(({ id, part }) => [id, part]), [[id, 'record']]);
    assert.equal(store.get(id)?.state, 'quarantined');
    assert.equal((await claim(store)).length, 3);
    assert.deepEqual(told, [`${id} record checksum does not match`]);
    assert.deepEqual(await claim(store), []);
    assert.equal((await store.summary()).quarantined, 1);
    await store.close();
  });

  it('repair flips it back, and it is due with the envelope it had', async () => {
    const { folder, id } = await stored(text(100), 'marker-of-this-sender@example.org');
    flipInIndex(folder, 'marker-of-this-sender', 2, 4);
    const store = await open(folder);
    assert.deepEqual(await claim(store), []); // found, and set aside
    assert.equal(store.get(id)?.state, 'quarantined');
    assert.deepEqual((await verified(store, 'repair')).map(({ part, became }) => [part, became]), [['record', 'mended']]);
    assert.deepEqual(await verified(store), []);
    const [one] = await claim(store);
    assert.equal(one?.message.envelope.reversePath, 'marker-of-this-sender@example.org');
    await store.close();
  });

  it('more than one bit: set aside with its content and its record written out, nothing thrown away', async () => {
    const { folder, id } = await stored(Buffer.from(`Subject: precious\r\n\r\n${marker}\r\n`), 'marker-of-this-sender@example.org');
    flipInIndex(folder, 'marker-of-this-sender', 2, 4);
    flipInIndex(folder, '-of-this-sender', 5, 1);
    const store = await open(folder);
    const [found] = await verified(store, 'repair');
    assert.deepEqual([found?.id, found?.part, found?.became], [id, 'record', 'set-aside']);
    assert.match(readFileSync(found!.file!, 'latin1'), /precious/);
    assert.match(readFileSync(`${folder}/rescued/${id}.record`, 'latin1'), /user0@example\.net/);
    assert.deepEqual((await all(store)).map(({ state }) => state), ['quarantined']);
    assert.deepEqual(await claim(store), []);
    await store.close();
  });
});

describe('one bit flipped in the index around the records', () => {
  it('a message that stands nowhere is found, and due now after repair', async () => {
    const { folder, id } = await stored(text(100));
    await edited(folder, (index) => [...index.due.getKeys()].forEach((key) => void index.due.remove(key)));
    const store = await open(folder);
    assert.deepEqual(await claim(store), []);
    assert.deepEqual((await verified(store)).map(({ id, part }) => [id, part]), [[id, 'place']]);
    assert.deepEqual((await verified(store, 'repair')).map(({ became }) => became), ['mended']);
    assert.equal((await claim(store)).length, 1);
    await store.close();
  });

  it('a due time that was flipped into the next century is put right', async () => {
    const { folder, id } = await stored(text(100));
    await edited(folder, (index) => {
      const [key] = [...index.due.getKeys()];
      void index.due.remove(key!);
      void index.due.put(`f${key!.slice(1)}`, Buffer.alloc(0));
    });
    const store = await open(folder);
    assert.deepEqual(await claim(store), []);
    assert.deepEqual((await verified(store)).map(({ id, part }) => [id, part]), [[id, 'place'], [id, 'place']]);
    await verified(store, 'repair');
    assert.deepEqual(await verified(store), []);
    assert.equal((await claim(store)).length, 1);
    await store.close();
  });

  it('a record filed under a flipped name gets its own again', async () => {
    const { folder, id } = await stored(text(100));
    const other = `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`;
    await edited(folder, (index) => {
      const octets = index.messages.getBinary(id)!;
      void index.messages.remove(id);
      void index.messages.put(other, octets);
    });
    const store = await open(folder);
    assert.deepEqual((await verified(store)).map(({ id, part }) => [id, part]).slice(0, 1), [[id, 'record']]);
    await verified(store, 'repair');
    assert.deepEqual(await verified(store), []);
    const [one] = await claim(store);
    assert.equal(one?.id, id);
    assert.deepEqual(await contentOf(store, one), Buffer.concat([trace, text(100)]));
    await store.close();
  });

  it('content of no message is written out before it goes', async () => {
    const { folder, id } = await stored(Buffer.from(`${marker}\r\n`));
    await edited(folder, (index) => {
      void index.messages.remove(id);
      for (const key of index.due.getKeys()) void index.due.remove(key);
    });
    const store = await open(folder);
    assert.deepEqual((await verified(store)).map(({ part }) => part), ['leftover']);
    const [found] = await verified(store, 'repair');
    assert.equal(readFileSync(found!.file!, 'latin1'), `${marker}\r\n`);
    assert.deepEqual(await verified(store), []);
    await store.close();
  });

  it('a lease that would never run out ends', async () => {
    const { folder } = await stored(text(100));
    const store = await open(folder);
    const [one] = await claim(store);
    const second = await open(folder, { mayBeAlive: () => true });
    await edited(folder, (index) => void index.leases.put(one!.id, Buffer.concat([Buffer.from('7fe0000000000000', 'hex'), Buffer.from('DEADBEEF')]), 12_345));
    assert.deepEqual((await verified(second)).map(({ part }) => part), ['place']);
    await verified(second, 'repair');
    assert.equal((await claim(second)).length, 1);
    await second.close();
    await store.close();
  });

  it('a pending order that was damaged is as if it had not been given', async () => {
    const { folder, id } = await stored(text(100));
    const store = await open(folder);
    const [one] = await claim(store);
    await store.order({ id }, { kind: 'cancel', now: clock.now(), reason: 'because' });
    await edited(folder, (index) => void index.orders.put(id, Buffer.from([4, 1])));
    assert.equal(await store.release(one!, { due: clock.now() }), 'held');
    assert.equal(store.get(id)?.state, 'waiting');
    await store.close();
  });
});

describe('a sound queue at work', () => {
  it('is verified and repaired while messages come, are tried, held and end: nothing is found, nothing is touched', async () => {
    const folder = scratchFolder('flips-busy');
    const store = await open(folder);
    const over = new AbortController();
    const done = { ended: 0 };
    const posting = (async () => {
      for (let n = 0; !over.signal.aborted; n++) idOf(await post(store, kernels, clock.now(), text(n % 7 === 0 ? 300_000 : 100 + n)));
    })();
    const working = (async () => {
      for (let n = 0; !over.signal.aborted; n++) {
        const claims = await store.claim({ now: clock.now(), limit: 5, leaseMs: 60_000 });
        for (const [at, one] of claims.entries()) {
          await store.record(one, { at: clock.now() });
          if (at % 3 === 0) await store.order({ id: one.id }, { kind: 'hold', now: clock.now() });
          await store.release(one, at % 2 === 0 ? { due: clock.now() } : 'finished');
          done.ended++;
        }
        if (n % 5 === 0) await store.order({ state: 'held' }, { kind: 'release', now: clock.now() });
        await new Promise(setImmediate);
      }
    })();
    for (let round = 0; round < 6 || done.ended < 150; round++) {
      assert.deepEqual(await verified(store, 'repair'), [], `round ${round}`);
      await new Promise(setImmediate);
    }
    over.abort();
    await Promise.all([posting, working]);
    assert.equal((await store.summary()).quarantined, 0);
    await store.close();
  });
});
