/**
 * The plug pulled in the middle of a write to the journal: any of its sectors may be on the disk, the rest as it was.
 * Whatever was acknowledged before and is not finished is there, once, to the octet; what was not may be there, whole.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after } from '../../src/core/clock.ts';
import type { MessageId } from '../../src/core/envelope.ts';
import type { Log } from '../../src/core/log.ts';
import { silent } from '../../src/core/log.ts';
import type { Claim } from '../../src/core/queue-store.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import type { LmdbQueue } from '../../src/flow/queue/index.ts';
import { createRecordFormat } from '../../src/flow/queue/format/record.ts';
import { createJournalFormat } from '../../src/flow/queue/journal/journal-format.ts';
import type { FileSystem } from '../../src/kit/file/durable-file.ts';
import { nodeFileSystem } from '../../src/kit/file/durable-file.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { layImage, takeImage, type Image } from '../props/crash-points.ts';
import { createFakeClock } from '../props/fake-clock.ts';
import { layJournal } from '../props/journal.ts';
import { createLuck } from '../props/luck.ts';
import { all, contentOf, deferred, envelope, idOf, recipients, sealOf, trace } from '../props/queue-messages.ts';
import { runSeed } from '../props/run-seed.ts';
import { scratchFolder } from '../props/scratch-folder.ts';

const SECTOR = 512;
const SEGMENT_OCTETS = 64 * 1024;
const kernels = openKernels();

interface Cut {
  readonly image: Image;
  readonly now: number;
  /** Acknowledged and not finished, with the content. */
  readonly owed: ReadonlyMap<string, Buffer>;
  readonly finished: ReadonlySet<string>;
  /** Some writes before: that they are gone has been written. */
  readonly longFinished: ReadonlySet<string>;
  /** Begun, and nobody was told yet. */
  readonly begun: ReadonlyMap<string, Buffer>;
}

/** Stands at the writes through to the journal; `cut` is given what may be on the disk. */
function pluggedDisk(folder: string, tear: () => boolean, cut: (image: Image) => void): FileSystem {
  return {
    ...nodeFileSystem,
    async open(path, how) {
      const file = await nodeFileSystem.open(path, how);
      if (how !== 'through') return file;
      return {
        ...file,
        async writeAt(pieces, position) {
          const image = new Map(takeImage(folder));
          const name = path.slice(folder.length + 1);
          const before = image.get(name)!;
          const written = Buffer.concat(pieces);
          const torn = Buffer.from(before);
          for (let at = position; at < position + written.length;) {
            const end = Math.min(at - (at % SECTOR) + SECTOR, position + written.length);
            if (tear()) written.copy(torn, at, at - position, end - position);
            at = end;
          }
          cut(image.set(name, torn));
          await file.writeAt(pieces, position);
        },
      };
    },
  };
}

test('the plug pulled in each write to the journal, with any of its sectors on the disk', { timeout: 300_000 }, async (t) => {
  const luck = createLuck(runSeed);
  const folder = scratchFolder('cut');
  const clock = createFakeClock(Date.now());
  const owed = new Map<string, Buffer>();
  const begun = new Map<string, Buffer>();
  const finished = new Set<string>();
  const cuts: Cut[] = [];
  /** What was finished, and in no transaction of the index any more, after so many writes. */
  const noted: { readonly writes: number; readonly finished: ReadonlySet<string> }[] = [];
  let share = 0;
  const files = pluggedDisk(folder, () => luck.next() < share, (image) => {
    share = [0, 0.2, 0.5, 0.8, 1][luck.between(0, 4)]!;
    if (cuts.length < 150) cuts.push({ image, now: clock.now(), owed: new Map(owed), finished: new Set(finished), longFinished: noted.findLast(({ writes }) => writes <= cuts.length - 4)?.finished ?? new Set(), begun: new Map(begun) });
  });
  const errors: string[] = [];
  const log: Log = { ...silent, error: (_room, about) => void errors.push(String(about?.['what'])) };
  const store = await openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, fileSystem: files, journalOctets: layJournal(folder, SEGMENT_OCTETS) });

  async function send(): Promise<void> {
    const content = Buffer.from(`Subject: ${luck.between(0, 1e9)}\r\n\r\n${'x'.repeat(luck.between(0, 5000))}`);
    const open = store.begin(envelope, recipients);
    begun.set(open.id, content);
    await open.write(content);
    const committed = await open.commit(sealOf(kernels, content, after(clock.now(), luck.between(0, 3) === 0 ? 60_000 : 0)));
    owed.set(idOf(committed), content);
    begun.delete(open.id);
  }

  async function end(claim: Claim): Promise<void> {
    if (luck.between(0, 5) === 0) {
      await store.release(claim, { due: after(clock.now(), 90_000) }, { at: clock.now(), outcomes: new Map([[recipients[0]!.id, deferred]]) });
      return;
    }
    finished.add(claim.id);
    owed.delete(claim.id);
    await store.release(claim, 'finished');
  }

  const claims: Claim[] = [];
  for (let turn = 0; turn < 80; turn++) {
    claims.push(...(await store.claim({ now: clock.now(), limit: 100, leaseMs: 600_000 })));
    await Promise.all([
      ...Array.from({ length: luck.between(1, 4) }, send),
      ...claims.splice(0, luck.between(0, claims.length)).map(end),
    ]);
    await store.quarantine('none' as MessageId, ''); // behind all that was on its way into the index
    noted.push({ writes: cuts.length, finished: new Set(finished) });
    if (luck.between(0, 4) === 0) await clock.advance(luck.between(1, 400));
  }
  await store.close();
  assert.ok(cuts.length > 60, `${cuts.length} writes`);
  const journaled = cuts.filter(({ image, owed }) => [...image].some(([name, octets]) => name.startsWith('journal/') && [...owed.keys()].some((id) => octets.includes(id))));
  assert.ok(journaled.length > 30, 'the journal held mail');
  t.diagnostic(`${cuts.length} cuts`);

  for (const [n, cut] of cuts.entries()) {
    const where = `cut ${n} of ${cuts.length}, seed ${runSeed}`;
    const laid = scratchFolder('cut-after');
    layImage(cut.image, laid);
    const found = await openLmdbQueue({ folder: laid, kernels, clock: createFakeClock(cut.now), log, watermarkOctets: 0, mayBeAlive: () => false, ...(n % 2 === 0 ? { journalOctets: SEGMENT_OCTETS } : {}) });
    await holds(found, cut, where);
    for (const id of leftIn(cut.image)) assert.ok(!cut.longFinished.has(id), `${where}: ${id} would come again`);
    await found.close();
    // Once more: what was brought in is not brought in again.
    const again = await openLmdbQueue({ folder: laid, kernels, clock: createFakeClock(cut.now), log: silent, watermarkOctets: 0, mayBeAlive: () => false });
    assert.equal(again.recovery.journal, 0, where);
    await holds(again, cut, `${where}, the second start`);
    await again.close();
  }
  assert.deepEqual(errors, [], 'a write that was cut short is no damage');
});

/** Messages that the journal would bring back. */
function leftIn(image: Image): string[] {
  const [, file] = [...image].find(([name]) => name.startsWith('journal/'))!;
  const segments = [file.subarray(0, SEGMENT_OCTETS), file.subarray(SEGMENT_OCTETS)].map((octets) => createJournalFormat(kernels).read(octets));
  const gone = new Set<string>(segments.flatMap((segment) => segment.gone));
  return segments.flatMap(({ messages }) => messages.map(({ record }) => createRecordFormat(kernels).idIn(record)!)).filter((id) => !gone.has(id));
}

async function holds(store: LmdbQueue, { owed, finished, begun }: Cut, where: string): Promise<void> {
  for await (const one of store.verify('look')) assert.equal(one.kind, 'checked', `${where}: ${JSON.stringify(one)}`);
  const entries = await all(store);
  const ids = entries.map(({ message }) => message.id as string);
  assert.equal(new Set(ids).size, ids.length, where);
  for (const id of owed.keys()) assert.ok(ids.includes(id), `${where}: ${id} is lost`);
  for (const { message } of entries) {
    const sent = owed.get(message.id) ?? begun.get(message.id);
    if (sent === undefined) {
      assert.ok(finished.has(message.id), `${where}: ${message.id} comes from nowhere`);
      continue;
    }
    assert.deepEqual(await contentOf(store, { id: message.id, message, token: 0 }), Buffer.concat([trace, sent]), where);
  }
}
