/** The journal before the index: what gets into it, what leaves it, and what becomes of mail when it fails. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import { after } from '../../../src/core/clock.ts';
import type { MessageId } from '../../../src/core/envelope.ts';
import type { Log } from '../../../src/core/log.ts';
import { silent } from '../../../src/core/log.ts';
import type { LmdbQueue, LmdbQueueOptions } from '../../../src/flow/queue/index.ts';
import { openLmdbQueue } from '../../../src/flow/queue/index.ts';
import { createJournalFormat, HEADER_OCTETS } from '../../../src/flow/queue/journal/journal-format.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createCrashPoints, layImage, takeImage, type Image } from '../../props/crash-points.ts';
import { createFailingDisk } from '../../props/failing-disk.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { layJournal } from '../../props/journal.ts';
import { all, contentOf, idOf, post, text, trace } from '../../props/queue-messages.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { eventually } from '../../props/within.ts';

const kernels = openKernels();
const SEGMENT_OCTETS = 256 * 1024;

async function scene(own: Partial<LmdbQueueOptions> = {}) {
  const folder = scratchFolder('journal');
  const clock = createFakeClock(Date.now());
  const journalOctets = layJournal(folder, SEGMENT_OCTETS);
  const open = (more: Partial<LmdbQueueOptions> = {}) => openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, mayBeAlive: () => false, ...own, ...more });
  const store = await open({ journalOctets });
  return {
    folder, clock, store, open,
    /** Has everything that was committed to the index, and no journal of its own. */
    onlooker: () => open({ mayBeAlive: () => true }),
    claim: (from = store) => from.claim({ now: clock.now(), limit: 100, leaseMs: 600_000 }),
    send: async (size = 100, due = clock.now()) => idOf(await post(store, kernels, clock.now(), text(size), { due })),
    /** The disk as a power cut would leave it, in another folder; and what became of the journal's octets besides. */
    cut(happened: (octets: Buffer) => void = () => undefined) {
      const image = new Map(takeImage(folder));
      const [path, journal] = [...image].find(([one]) => one.startsWith('journal/'))!;
      const octets = Buffer.from(journal);
      happened(octets);
      const laid = scratchFolder('after');
      layImage(image.set(path, octets), laid);
      return { folder: laid, name: path.slice('journal/'.length), octets };
    },
  };
}

const idsIn = async (store: LmdbQueue): Promise<MessageId[]> => (await all(store)).map(({ message }) => message.id);

/** Last written five minutes ago. */
function rest(path: string): void {
  const then = (Date.now() - 301_000) / 1000;
  utimesSync(path, then, then);
}

function listening(): { readonly log: Log; readonly errors: string[] } {
  const errors: string[] = [];
  return { log: { ...silent, error: (_room, about) => void errors.push(String(about?.['what'])) }, errors };
}

describe('a message in the journal', () => {
  it('is finished without ever having been in the index, and a power cut does not bring it back', async () => {
    const { store, clock, claim, send, onlooker, cut, open } = await scene();
    assert.deepEqual(await claim(), []);
    const id = await send();
    const [fresh] = await claim();
    assert.equal(fresh?.id, id);
    const other = await onlooker();
    assert.equal(other.get(id), null);
    assert.equal(store.get(id)?.state, 'claimed');
    const before = await open({ folder: cut().folder });
    assert.equal(before.recovery.journal, 1);
    assert.deepEqual(await idsIn(before), [id]);
    await before.close();

    assert.equal(await store.release(fresh, 'finished'), 'held');
    assert.equal(store.get(id), null);
    await clock.advance(10);
    await eventually(5000, 'the note that it is gone', async () => {
      const later = await open({ folder: cut().folder });
      await later.close();
      return later.recovery.journal === 0;
    });
    await other.close();
    await store.close();
  });

  it('goes into the index when it is not finished soon: claimed, and then as any other', async () => {
    const { store, clock, claim, send, onlooker } = await scene();
    await claim();
    const id = await send();
    const [fresh] = await claim();
    await clock.advance(2100);
    const other = await onlooker();
    await eventually(5000, 'the message in the index', () => other.get(id)?.state === 'claimed');
    assert.equal(await store.release(fresh!, { due: after(clock.now(), 1000) }), 'held');
    const entry = store.get(id);
    assert.deepEqual([entry?.state, entry?.message.attempts], ['waiting', 1]);
    await other.close();
    await store.close();
  });

  it('is due in time, though nobody had claimed it when it came', async () => {
    const { store, clock, claim, send } = await scene();
    const id = await send(100, after(clock.now(), 50));
    assert.equal(store.nextDue(), after(clock.now(), 50));
    await clock.advance(50);
    assert.deepEqual((await claim()).map((one) => one.id), [id]);
    assert.equal(store.nextDue(), null);
    await store.close();
  });

  it('that nobody claims goes into the index with a few others when they come calmly, with many when they come at once', async () => {
    const { store, clock, send, onlooker } = await scene();
    const later = after(clock.now(), 3_600_000);
    const other = await onlooker();
    const calm: MessageId[] = [];
    for (let n = 0; n < 8; n++) {
      calm.push(await send(100, later));
      await clock.advance(2);
    }
    await eventually(5000, 'eight in the index', () => calm.every(id => other.get(id)?.state === 'waiting'));
    const quick: MessageId[] = [];
    for (let n = 0; n < 40; n++) quick.push(await send(100, later));
    assert.ok(quick.every(id => other.get(id) === null), 'they wait for more of them');
    await clock.advance(250);
    await eventually(5000, 'all in the index', () => quick.every(id => other.get(id)?.state === 'waiting'));
    await other.close();
    await store.close();
  });

  it('is in the index when the queue is closed, and the next one begins with an empty journal', async () => {
    const { store, open, send, claim } = await scene();
    await claim();
    const ids = [await send(), await send(3000)];
    await claim();
    await store.close();
    const again = await open();
    assert.equal(again.recovery.journal, 0);
    assert.deepEqual(await idsIn(again), ids);
    assert.deepEqual((await claim(again)).map(({ id }) => id), ids);
    await again.close();
  });

  it('whose entry is damaged is told of, and costs no other', async () => {
    const { log, errors } = listening();
    const { store, send, cut, open } = await scene({ log });
    const ids = [await send(), await send(), await send(), await send()];
    const { folder } = cut((octets) => {
      octets[octets.indexOf(ids[1]!) + 5]! ^= 1;
    });
    await store.close();
    const again = await open({ folder });
    assert.deepEqual(await idsIn(again), [ids[0], ids[2], ids[3]]);
    assert.deepEqual(errors, ['a journal is damaged, and a message in it may be lost']);
    await again.close();
  });

  it('is read back to the octet, and damage is set aside, not delivered', async () => {
    const { store, send, claim, cut, open } = await scene();
    const ids = [await send(3000), await send(4000), await send(10)];
    const { folder } = cut((octets) => {
      octets[octets.indexOf('x'.repeat(3500)) + 10]! ^= 1;
    });
    await store.close();
    const again = await open({ folder });
    assert.equal(again.recovery.journal, 3);
    const claims = await claim(again);
    assert.deepEqual(claims.map(({ id }) => id), ids);
    assert.deepEqual(await contentOf(again, claims[0]!), Buffer.concat([trace, text(3000)]));
    assert.equal((await again.content(claims[1]!)).kind, 'corrupt');
    await again.close();
  });
});

describe('an orderly end', () => {
  it('leaves an empty journal that the next start uses without reading it', async () => {
    const { folder, store, send, claim, open } = await scene();
    await claim();
    await send();
    const [one] = await claim();
    await store.release(one!, 'finished');
    await store.close();
    assert.deepEqual(readdirSync(`${folder}/journal`), ['spare']);
    const disk = createFailingDisk();
    const again = await open({ fileSystem: disk, journalOctets: SEGMENT_OCTETS });
    assert.deepEqual(disk.steps.filter((step) => step.startsWith('read') && step.includes('/journal/')), []);
    const [id] = [idOf(await post(again, kernels, (Date.now() + 1e6) as Instant))];
    assert.equal(again.get(id)?.state, 'waiting');
    assert.ok(readFileSync(`${folder}/journal/${readdirSync(`${folder}/journal`)[0]!}`).includes(id));
    await again.close();
  });

  it('cut short brings nothing back: what one segment holds as gone is forgotten last', async () => {
    const images: Image[] = [];
    let closing = false;
    const folder = scratchFolder('ending');
    const points = createCrashPoints((what) => {
      if (closing && what.endsWith('write through')) images.push(takeImage(folder));
    });
    const clock = createFakeClock(Date.now());
    const open = (own: Partial<LmdbQueueOptions>) => openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, mayBeAlive: () => false, ...own });
    const store = await open({ fileSystem: points.fileSystem, journalOctets: layJournal(folder, 32 * 1024) });
    const claim = () => store.claim({ now: clock.now(), limit: 100, leaseMs: 600_000 });
    await claim();
    for (let n = 0; n < 20; n++) idOf(await post(store, kernels, clock.now(), text(1000))); // more than one segment holds
    const claims = await claim();
    assert.equal(claims.length, 20);
    for (const one of claims) await store.release(one, 'finished');
    closing = true;
    await store.close();
    assert.ok(images.length >= 4, `${images.length} moments`);
    for (const [n, image] of images.entries()) {
      const laid = scratchFolder('ending-after');
      layImage(image, laid);
      const again = await open({ folder: laid });
      // Before the first write, nobody has been told that they are gone.
      if (n > 0) assert.deepEqual([again.recovery.journal, await idsIn(again)], [0, []], `moment ${n}`);
      await again.close();
    }
  });
});

describe('a journal that cannot go on', () => {
  it('a write that fails: the message goes into the index, with all that came before; nothing comes twice', async () => {
    const disk = createFailingDisk();
    const { log, errors } = listening();
    const { folder, store, send, claim, open } = await scene({ fileSystem: disk, log });
    await claim();
    const ids = [await send(), await send()];
    disk.fail = (step, path) => (step === 'write' && path.includes('/journal/') ? 'EIO' : null);
    ids.push(await send(), await send());
    assert.deepEqual(errors, ['goes on without a journal']);
    const claims = await claim();
    assert.deepEqual(claims.map(({ id }) => id), ids);
    for (const one of claims) assert.equal(await store.release(one, 'finished'), 'held');
    await eventually(5000, 'the journal removed', () => readdirSync(`${folder}/journal`).length === 0);
    await store.close();
    const again = await open();
    assert.deepEqual([again.recovery.journal, await idsIn(again)], [0, []]);
    await again.close();
  });

  it('a disk without room for it: everything goes by the index', async () => {
    const { log, errors } = listening();
    const folder = scratchFolder('small');
    const clock = createFakeClock();
    let free = 1e9;
    const store = await openLmdbQueue({ folder, kernels, clock, log, watermarkOctets: 1000, freeSpace: () => free, journalOctets: SEGMENT_OCTETS });
    free = 2 * SEGMENT_OCTETS + 999;
    for (let n = 0; n < 3; n++) idOf(await post(store, kernels, clock.now()));
    await eventually(5000, 'the refusal', () => errors.length > 0);
    idOf(await post(store, kernels, clock.now()));
    assert.deepEqual(errors, ['goes on without a journal']);
    assert.equal((await all(store)).length, 4);
    await store.close();
  });

  it('one that another process took while we slept: the next message goes by the index', async () => {
    const { log, errors } = listening();
    const { folder, clock, store, send, open } = await scene({ log });
    const before = await send(100, after(clock.now(), 1e6));
    await clock.advance(61_000);
    const [name] = readdirSync(`${folder}/journal`);
    renameSync(`${folder}/journal/${name!}`, `${folder}/journal/0000000A`);
    const behind = await send(100, after(clock.now(), 1e6));
    assert.deepEqual(errors, ['goes on without a journal']);
    assert.deepEqual(await idsIn(store), [before, behind]);
    await store.close();
    const again = await open();
    assert.deepEqual(await idsIn(again), [before, behind]);
    await again.close();
  });
});

describe('the journal of somebody else', () => {
  it('of a later version, or with a header that nobody can read, is kept as it is', async () => {
    const { log, errors } = listening();
    const { store, send, cut, open } = await scene({ log });
    await send();
    const { folder, name, octets } = cut((journal) => {
      for (const copy of [0, 4096]) journal[copy + 9] = 0x32; // PHJOURNAL2
    });
    await store.close();
    const again = await open({ folder, journalOctets: SEGMENT_OCTETS });
    assert.equal(again.recovery.journal, 0);
    assert.deepEqual(errors, ['a journal cannot be read, and mail in it waits for somebody who can']);
    assert.deepEqual(readFileSync(`${folder}/journal/unreadable-${name}`), octets);
    await again.close();
  });

  it('of whom nobody knows whether it lives is taken when it has rested, and never twice', async () => {
    const { store, send, claim, cut, open } = await scene();
    await claim();
    const id = await send();
    const { folder, name } = cut();
    const asMaybe = () => open({ folder, mayBeAlive: () => true });
    const early = await asMaybe();
    assert.deepEqual([early.recovery.journal, await idsIn(early)], [0, []]);
    rest(`${folder}/journal/${name}`);
    assert.equal((await early.tidy()).journal, 1);
    const [taken] = await claim(early);
    assert.equal(taken?.id, id);
    await early.release(taken, 'finished');
    assert.equal((await early.tidy()).journal, 0);
    await early.close();
    const late = await asMaybe();
    assert.deepEqual([late.recovery.journal, await idsIn(late)], [0, []]);
    await late.close();
    await store.close();
  });

  it('of whom nobody knows is looked at again without being asked', async () => {
    const { clock, store, send, claim, cut, open } = await scene();
    await claim();
    const id = await send();
    const { folder, name } = cut();
    const later = await open({ folder, mayBeAlive: () => true, journalOctets: SEGMENT_OCTETS });
    assert.deepEqual(await idsIn(later), []);
    rest(`${folder}/journal/${name}`);
    await clock.advance(300_000);
    await eventually(5000, 'the message', async () => (await idsIn(later)).includes(id));
    await later.close();
    await store.close();
  });

  it('of one that was believed dead and was not: the message is in one place, and whoever took it delivers it', async () => {
    const { clock, store, send, claim, open } = await scene();
    await claim();
    const id = await send();
    const [mine] = await claim();
    const thief = await open();
    assert.equal(thief.recovery.journal, 1);
    await clock.advance(2100); // it would go into the index now, with our lease
    await store.summary();
    await thief.order('all', { kind: 'release', now: clock.now() }); // nothing was held; behind it, a reader sees what is committed
    assert.equal(thief.get(id)?.state, 'waiting');
    assert.deepEqual((await claim(thief)).map((one) => one.id), [id]);
    assert.equal(await store.release(mine!, { due: clock.now() }), 'lease-lost');
    await store.close();
    await thief.close();
  });
});

describe('journal format', () => {
  const format = createJournalFormat(kernels);
  const [mine, earlier] = [Buffer.alloc(8, 1), Buffer.alloc(8, 2)];
  const id = '0123456789ABC.01234567' as MessageId;

  function segment(...entries: readonly (readonly [head: Buffer, content?: Buffer])[]): { readonly octets: Buffer; readonly starts: number[] } {
    const octets = Buffer.alloc(32 * 1024);
    format.header(mine).copy(octets);
    const starts: number[] = [];
    let at = HEADER_OCTETS;
    for (const [head, content = Buffer.alloc(0)] of entries) {
      starts.push(at);
      Buffer.concat([head, content]).copy(octets, at);
      at += Math.ceil((head.length + content.length) / 64) * 64;
    }
    return { octets, starts };
  }

  const message = (name: string, batch: number, content: Buffer, number = mine) => [format.message(number, batch, Buffer.from(name), content.length), content] as const;
  const names = (octets: Buffer) => format.read(octets).messages.map(({ record }) => record.toString());

  it('gives back what was written, and what is gone', () => {
    const { octets } = segment(message('one', 1, Buffer.from('content')), message('two', 2, Buffer.alloc(0)), [format.gone(mine, 3, [id, id])]);
    const read = format.read(octets);
    assert.deepEqual(read.messages.map(({ record, content, batch }) => [record.toString(), content.toString(), batch]), [['one', 'content', 1], ['two', '', 2]]);
    assert.deepEqual([read.gone, read.lastBatch, read.behindHoles], [[id, id], 3, []]);
  });

  it('what an earlier use left is not read, nor what content pretends to be', () => {
    const forged = Buffer.concat(message('forged', 9, Buffer.from('x'), earlier));
    const { octets, starts } = segment(message('one', 1, Buffer.concat([Buffer.alloc(64 - 43), forged, forged])), message('stale', 7, Buffer.alloc(0), earlier));
    assert.deepEqual(names(octets), ['one']);
    octets.fill(0, starts[0], starts[0]! + 40); // its own head is lost, so what it holds is looked at
    assert.deepEqual(names(octets), []);
  });

  it('behind damage the next entry is found, and the hole is counted', () => {
    const { octets, starts } = segment(message('one', 1, Buffer.alloc(700)), message('two', 1, Buffer.alloc(700)), message('three', 2, Buffer.alloc(700)));
    octets[starts[1]! + 20]! ^= 0x40;
    const read = format.read(octets);
    assert.deepEqual(read.messages.map(({ record }) => record.toString()), ['one', 'three']);
    assert.deepEqual(read.behindHoles, [2]);
  });

  it('either copy of the header will do; without both there is nothing', () => {
    const { octets } = segment(message('one', 1, Buffer.alloc(0)));
    octets.fill(0xff, 0, 512);
    assert.deepEqual(names(octets), ['one']);
    octets.fill(0xff, 4096, 4608);
    assert.equal(format.read(octets).number, 'unreadable');
    assert.deepEqual(names(octets), []);
    assert.equal(format.read(Buffer.alloc(32 * 1024)).number, null);
  });

  it('any file is read to its end without complaint', () => {
    const { octets } = segment(message('one', 1, Buffer.alloc(3000)), [format.gone(mine, 2, [id])]);
    for (let cut = 0; cut < octets.length; cut += 61) format.read(octets.subarray(0, cut));
    const file = `${scratchFolder('odd')}/journal`;
    writeFileSync(file, octets);
    assert.deepEqual(names(readFileSync(file)), ['one']);
  });
});
