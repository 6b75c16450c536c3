/** A disk that is full, that lies, or that fails: what the queue says then, and that it works afterwards. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { MessageId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import type { LmdbQueue, LmdbQueueOptions } from '../../src/flow/queue/index.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { createFailingDisk } from '../props/failing-disk.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { all, contentOf, draft, idOf, post, sealOf, text, trace } from '../props/queue-messages.ts';
import { scratchFolder } from '../props/scratch-folder.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { mountSmallDisk } from '../props/small-disk.ts';

const clock = createFakeClock();
const kernels = openKernels();
const open = (own: Partial<LmdbQueueOptions> = {}): Promise<LmdbQueue> =>
  openLmdbQueue({ folder: scratchFolder('queue'), kernels, clock, log: silent, watermarkOctets: 0, ...own });
const claimAll = (store: LmdbQueue, limit = 1000): ReturnType<LmdbQueue['claim']> => store.claim({ now: clock.now(), limit, leaseMs: 60_000 });

/** Every body file there is, drafts too. */
function filesIn(folder: string): string[] {
  return readdirSync(`${folder}/bodies`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}

async function fill(store: LmdbQueue, content: Uint8Array, most: number): Promise<MessageId[]> {
  const ids: MessageId[] = [];
  while (ids.length < most) {
    const committed = await post(store, kernels, clock.now(), content);
    if (committed.kind === 'full') return ids;
    ids.push(idOf(committed));
  }
  throw new Error('the disk is larger than thought');
}

/** Full: nothing acknowledged is lost, what is refused leaves nothing, and room comes back with deletions. */
async function fullAndBack(store: LmdbQueue, content: Uint8Array, most: number): Promise<void> {
  const ids = await fill(store, content, most);
  assert.ok(ids.length > 5);
  assert.equal((await post(store, kernels, clock.now(), content)).kind, 'full');
  assert.deepEqual((await all(store)).map(({ message }) => message.id), ids);
  const claims = await claimAll(store);
  assert.deepEqual(claims.map(({ id }) => id), ids);
  for (const claim of claims) {
    assert.deepEqual(await contentOf(store, claim), Buffer.concat([trace, content]));
    assert.equal(await store.release(claim, 'finished'), 'held');
  }
  await store.order('all', { kind: 'flush', now: clock.now() }); // deletions ride along
  assert.deepEqual(await all(store), []);
  const again = idOf(await post(store, kernels, clock.now(), content));
  assert.deepEqual((await claimAll(store)).map(({ id }) => id), [again]);
}

describe('queue on a full disk', () => {
  it('the index fills the disk', async (test) => {
    const folder = mountSmallDisk(24);
    if (folder === null) return test.skip('nobody lets us mount a small disk');
    const store = await open({ folder });
    await fullAndBack(store, text(30_000), 2000);
    await store.close();
  });

  it('body files fill the disk', async (test) => {
    const folder = mountSmallDisk(24);
    if (folder === null) return test.skip('nobody lets us mount a small disk');
    const store = await open({ folder });
    await fullAndBack(store, text(900_000), 100);
    assert.equal(filesIn(folder).length, 1);
    await store.close();
  });

  it('the index fills its map', async () => {
    const store = await open({ mapSizeOctets: 4 * 1024 * 1024 });
    await fullAndBack(store, text(20_000), 2000);
    await store.close();
  });

  it('room() knows the map and the watermark, and looks at the disk once a second', async () => {
    let free = 10_000_000;
    let asked = 0;
    const store = await open({
      watermarkOctets: 1_000_000,
      freeSpace: () => {
        asked++;
        return free;
      },
    });
    assert.equal(store.room(8_999_999), 'room');
    assert.equal(store.room(9_000_001), 'full');
    free = 999_999;
    const before = asked;
    for (let n = 0; n < 1000; n++) store.room(1);
    assert.equal(asked, before);
    await clock.advance(1000);
    assert.equal(store.room(0), 'full');
    free = 5_000_000;
    await clock.advance(1000);
    assert.equal(store.room(0), 'room');
    await store.close();

    const small = await open({ mapSizeOctets: 4 * 1024 * 1024 });
    assert.equal(small.room(4 * 1024 * 1024), 'full');
    assert.equal(small.room(1024 * 1024), 'room');
    await small.close();
  });
});

describe('queue on a disk that fails', () => {
  const large = text(600_000);

  for (const [step, where] of [
    ['open', 'drafts/'],
    ['write', 'drafts/'],
    ['sync', 'drafts/'],
    ['close', 'drafts/'],
    ['rename', 'bodies/'],
    ['sync', 'bodies/'],
  ] as const) {
    for (const [code, kind] of [
      ['EIO', 'broken'],
      ['ENOSPC', 'full'],
    ] as const) {
      it(`${code} at ${step} under ${where}: ${kind}, nothing acknowledged, nothing left; the next message is fine`, async () => {
        const folder = scratchFolder('queue');
        const disk = createFailingDisk();
        const store = await open({ folder, fileSystem: disk });
        disk.fail = (at, path) => (at === step && path.includes(where) && (where === 'drafts/' || !path.includes('drafts/')) ? code : null);
        const committed = await post(store, kernels, clock.now(), large, { chunkOctets: 50_000 });
        assert.equal(committed.kind, kind);
        disk.fail = () => null;
        await new Promise(setImmediate);
        assert.deepEqual(await all(store), []);
        const id = idOf(await post(store, kernels, clock.now(), large));
        const [claim] = await claimAll(store);
        assert.equal(claim?.id, id);
        assert.deepEqual(await contentOf(store, claim), Buffer.concat([trace, large]));
        await store.close();
        assert.equal(filesIn(folder).length, 1);
      });
    }
  }

  it('a body is synced, renamed and its folder synced before the commit is acknowledged', async () => {
    const disk = createFailingDisk();
    const store = await open({ fileSystem: disk });
    const begun = disk.steps.length;
    const id = idOf(await post(store, kernels, clock.now(), large));
    const steps = disk.steps.slice(begun).map((step) => step.replace(/ .*\/bodies/, ' ').replace(id, 'id'));
    const digit = (kernels.digest(large)[0]! >> 4).toString(16);
    const order = ['write /drafts/id', 'sync /drafts/id', 'close /drafts/id', `rename /${digit}/id`, `sync /${digit}`];
    assert.deepEqual(steps.filter((step) => !step.startsWith('open')), order);
    await store.close();
  });

  it('a write that failed early is told at commit, not by an exception at write', async () => {
    const disk = createFailingDisk();
    const store = await open({ fileSystem: disk });
    disk.fail = (step) => (step === 'write' ? 'EIO' : null);
    const early = draft(store);
    for (let at = 0; at < 10; at++) await early.write(text(200_000));
    assert.equal((await early.commit(sealOf(kernels, text(2_000_000), clock.now()))).kind, 'broken');
    await store.close();
  });

  it('a body file that cannot be removed keeps nobody waiting, and is swept later', async () => {
    const folder = scratchFolder('queue');
    const disk = createFailingDisk();
    const store = await open({ folder, fileSystem: disk });
    await post(store, kernels, clock.now(), large);
    const [claim] = await claimAll(store);
    disk.fail = (step) => (step === 'unlink' ? 'EIO' : null);
    assert.equal(await store.release(claim!, 'finished'), 'held');
    await store.close();
    assert.equal(filesIn(folder).length, 1);
    const again = await open({ folder });
    assert.equal(again.recovery.orphans, 1);
    assert.equal(filesIn(folder).length, 0);
    await again.close();
  });
});

describe('queue on a disk that lies', () => {
  for (const size of [300_000, 2_000_000]) {
    it(`a flipped bit in a body file of ${size} octets is noticed before any of it is handed out`, async () => {
      const folder = scratchFolder('queue');
      const store = await open({ folder });
      await post(store, kernels, clock.now(), text(size));
      const [path] = filesIn(folder);
      const octets = readFileSync(path!);
      octets[size - 1]! ^= 1;
      writeFileSync(path!, octets);
      const [claim] = await claimAll(store);
      assert.deepEqual(await store.content(claim!), { kind: 'corrupt', why: 'body file digest does not match' });
      await store.close();
    });

    it(`a body file of ${size} octets that lost its end, or itself, is corrupt`, async () => {
      const folder = scratchFolder('queue');
      const store = await open({ folder });
      await post(store, kernels, clock.now(), text(size));
      const [path] = filesIn(folder);
      const [claim] = await claimAll(store);
      writeFileSync(path!, readFileSync(path!).subarray(0, size - 10));
      assert.equal((await store.content(claim!)).kind, 'corrupt');
      unlinkSync(path!);
      assert.equal((await store.content(claim!)).kind, 'corrupt');
      await store.close();
    });
  }

  it('a record whose body file is gone is quarantined when the queue is opened, the rest goes on', async () => {
    const folder = scratchFolder('queue');
    const store = await open({ folder });
    const [gone, kept] = [idOf(await post(store, kernels, clock.now(), text(390_000))), idOf(await post(store, kernels, clock.now(), text(380_000)))];
    await store.close();
    unlinkSync(filesIn(folder).find((path) => path.endsWith(gone))!);
    const again = await open({ folder });
    assert.equal(again.recovery.missing, 1);
    assert.deepEqual((await claimAll(again)).map(({ id }) => id), [kept]);
    assert.deepEqual([again.get(gone)?.state, again.get(gone)?.why], ['quarantined', 'body file is missing']);
    await again.close();
  });

  it('a flipped bit in the index is noticed: content is corrupt, a record goes to quarantine, the rest goes on', async () => {
    const folder = scratchFolder('queue');
    const store = await open({ folder });
    const marks = ['content-of-one-', 'content-of-two-', 'content-of-three-'];
    const [one, two, three] = await Promise.all(marks.map(async (mark) => idOf(await post(store, kernels, clock.now(), Buffer.from(mark.repeat(20))))));
    await store.close();

    const path = `${folder}/data.mdb`;
    const octets = readFileSync(path);
    for (let at = octets.indexOf(marks[0]!); at >= 0; at = octets.indexOf(marks[0]!, at + 100)) octets[at]! ^= 1;
    // The record of the second: its id with a length before it is in no other database.
    const needle = Buffer.concat([Buffer.from([22]), Buffer.from(two!)]);
    for (let at = octets.indexOf(needle); at >= 0; at = octets.indexOf(needle, at + 1)) octets[at + 60]! ^= 1;
    writeFileSync(path, octets);

    const again = await open({ folder });
    const claims = await claimAll(again);
    assert.deepEqual(claims.map(({ id }) => id), [one, three]);
    assert.deepEqual(await again.content(claims[0]!), { kind: 'corrupt', why: 'content digest does not match' });
    assert.deepEqual(await contentOf(again, claims[1]!), Buffer.concat([trace, Buffer.from(marks[2]!.repeat(20))]));
    assert.equal(again.get(two!)?.state, 'quarantined');
    assert.match(again.get(two!)?.why ?? '', /checksum/);
    assert.equal((await again.summary()).quarantined, 1);
    await again.close();
  });
});
