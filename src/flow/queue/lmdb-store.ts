/**
 * The durable queue: an LMDB environment for everything small, body files beside it (lmdb-index.ts has the map of it).
 * This file puts the parts together; drafts.ts, claims.ts, finished-messages.ts and orders.ts are the life of a message.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { Clock, Instant, Interruption } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { AddressTrack } from '../../core/address-track.ts';
import type { Notes } from '../../core/notes.ts';
import type { EventOutbox } from '../../core/event-outbox.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Committed, CorruptContent, QueueStore, QueueUpkeep, StoredContent, StoredMessage } from '../../core/queue-store.ts';
import type { FileSystem } from '../../kit/file/durable-file.ts';
import { keepFile, nodeFileSystem, openFolderSync } from '../../kit/file/durable-file.ts';
import { createBell } from './bell.ts';
import type { BodyFiles } from './body-files.ts';
import { openBodyFiles, same } from './body-files.ts';
import { createClaims } from './claims.ts';
import { compact } from './upkeep/compaction.ts';
import { createJournalFormat } from './journal/journal-format.ts';
import type { Journal } from './journal/journal.ts';
import { openJournal } from './journal/journal.ts';
import type { Replayed } from './journal/replay.ts';
import { IDLE_MS, replay } from './journal/replay.ts';
import { openYoungMessages } from './journal/young-messages.ts';
import type { DraftRooms } from './drafts.ts';
import { StoredDraft } from './drafts.ts';
import { createLmdbOutbox } from './lmdb-outbox.ts';
import { createLmdbNotes } from './lmdb-notes.ts';
import { createLmdbTrack } from './lmdb-track.ts';
import { createListing, oldestAcceptedAt } from './listing.ts';
import { createFirstDue } from './first-due.ts';
import { createFinishedMessages } from './finished-messages.ts';
import { createFreeSpace, diskFree } from './upkeep/free-space.ts';
import { openGround } from './upkeep/ground.ts';
import type { Liveness } from './upkeep/holders.ts';
import { mayBeAlive } from './upkeep/holders.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { entryCount, lastKey, openLmdbIndex } from './lmdb-index.ts';
import { forgetKeys } from './outside-keys.ts';
import { createMessageIds } from './message-id.ts';
import { hasOthers, openRegistered } from './upkeep/opening.ts';
import { createOrders } from './orders.ts';
import { createRecordFormat } from './format/record.ts';
import type { Recovery } from './upkeep/recovery.ts';
import { holdersOf, recover } from './upkeep/recovery.ts';
import { contentInFile, contentInMemory } from './stored-content.ts';
import { createTransfer, forgetImports } from './upkeep/transfer.ts';
import { createTransitions } from './transitions.ts';
import { createVerification } from './upkeep/verification.ts';

const GIB = 1024 ** 3;
/** Address space, not memory: the file grows as it is used. */
const MAP_OCTETS = process.arch === 'arm' || process.arch === 'ia32' ? GIB / 2 : 64 * GIB;
/** Measured: a file of its own costs two syncs, a place in LMDB none beyond the group commit. 100 KB mail is relayed five times as fast. */
const INLINE_OCTETS = 256 * 1024;
/** Deletions wait for company this long when nothing else is written: what a crash would repeat, against a sync. */
const LINGER_MS = 10;
/** With less on the disk, a write that failed failed for want of room. */
const LEAST_FREE_OCTETS = 64 * 1024;
/** Other processes' commits are noticed at least this often. */
const POLL_MS = 500;
/** Who begins to wait is told soon of what is due already. */
const LEAST_PAUSE_MS = 10;

export interface LmdbQueueOptions {
  readonly folder: string;
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics;
  readonly mapSizeOctets?: number;
  /** Larger content is a file. */
  readonly inlineLimitOctets?: number;
  /** Free space below which room() says full. */
  readonly watermarkOctets: number;
  readonly freeSpace?: () => number;
  readonly fileSystem?: FileSystem;
  /** As the file system, so that a test can stand at every commit. */
  readonly openIndex?: typeof openLmdbIndex;
  /** When so many octets of the index are free, and more than half of it, it is made small first; absent: never. */
  readonly compactFrom?: number;
  /** Size of one of the journal's two segments, for who receives and delivers in one process; absent: there is none. */
  readonly journalOctets?: number;
  /** How long a deletion may wait for company. */
  readonly lingerMs?: number;
  /** Messages and octets that may wait in memory to be claimed fresh. */
  readonly freshMessages?: number;
  readonly freshOctets?: number;
  /** Told of each message that was set aside as damaged; must not throw. */
  readonly quarantined?: (id: MessageId, why: string) => void;
  /** Whether a holder of leases may still run; asked when the queue is opened. */
  readonly mayBeAlive?: Liveness;
}

export interface LmdbQueue extends QueueStore, QueueUpkeep {
  /** Another process changed something: wakes those who wait for work here. */
  poke(): void;
  /** What opening the queue had to put right. */
  readonly recovery: Recovery;
  /** The same for what other processes left behind since; and what nobody will ask for any more goes. For quiet times. */
  tidy(): Promise<Recovery>;
  readonly outbox: EventOutbox;
  readonly track: AddressTrack;
  readonly notes: Notes;
}

export async function openLmdbQueue(options: LmdbQueueOptions): Promise<LmdbQueue> {
  const { folder, kernels, clock, log, watermarkOctets } = options;
  const tag = randomBytes(4).toString('hex').toUpperCase();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const mapSizeOctets = options.mapSizeOctets ?? MAP_OCTETS;
  const onDisk = options.freeSpace ?? diskFree(folder);
  const alive = options.mayBeAlive ?? mayBeAlive;
  const index = await openRegistered({
    folder, tag,
    open: () => (options.openIndex ?? openLmdbIndex)(folder, mapSizeOctets, () => onDisk() < Math.max(watermarkOctets, LEAST_FREE_OCTETS)),
  });
  const makeSmall = (leastFreeOctets: number) => compact(index, { folder, leastFreeOctets, freeOnDisk: onDisk(), shared: () => hasOthers(index, tag, alive), log });
  if (options.compactFrom !== undefined) await makeSmall(options.compactFrom);
  const ground = await openGround(`${folder}/data.mdb`, index, mapSizeOctets, (octets) => onDisk() - octets >= watermarkOctets);
  const space = createFreeSpace(clock, watermarkOctets, onDisk, () => ground.leftOctets());
  const files = options.fileSystem ?? nodeFileSystem;
  const bodies = await openBodyFiles(`${folder}/bodies`, files, kernels);
  const format = createRecordFormat(kernels);
  const steps = createTransitions(index, format, log, options.quarantined ?? (() => undefined));
  const journals = `${folder}/journal`;
  await files.mkdir(journals);
  const journalFormat = createJournalFormat(kernels);
  let taken = 0;
  const bringBack = () => replay({
    index, ground, files, folder: journals, format, journalFormat, kernels, tag, name: () => `${tag}.${taken++}`, log, now: clock.now(),
    alive: () => index.transaction(() => holdersOf(index, tag, alive).alive),
  });
  const putRight = (journal: number) => recover({ index, bodies, steps, log, tag, now: clock.now(), mayBeAlive: alive, journal });
  const replayed = await bringBack();
  const recovery = await putRight(replayed.messages);
  const journalOctets = options.journalOctets ?? 0;
  const journalFolder = openFolderSync(files);
  const closing = new AbortController();

  const stayInJournal = (cause: unknown): void => log.error('queue', { what: 'messages stay in the journal', cause });
  /** For those who look: what cannot be shown for a broken disk hides nothing else. */
  const allInIndex = () => young.settleAll().catch(stayInJournal);

  const bell = createBell();
  const finished = createFinishedMessages({
    index,
    bodies,
    clock,
    lingerMs: options.lingerMs ?? LINGER_MS,
    most: 256,
    failed: (cause) => log.error('queue', { what: 'finished messages could not be deleted yet', cause }),
  });
  const young = await openYoungMessages({
    index,
    ground,
    format,
    clock,
    openJournal: (news) => journalOctets === 0 ? Promise.resolve(noJournal) : openJournal({
      ...news, folder: journals, tag, files, folders: journalFolder, format: journalFormat, clock,
      segmentOctets: journalOctets, lingerMs: options.lingerMs ?? LINGER_MS, mayGrow: (octets) => onDisk() - octets >= watermarkOctets,
    }),
    journalFailed: (cause) => log.error('queue', { what: 'goes on without a journal', cause }),
    failed: stayInJournal,
  });
  const firstDue = createFirstDue(index, clock);
  const claims = createClaims({
    young,
    firstDue,
    index,
    format,
    steps,
    finished,
    bell,
    clock,
    log,
    tag,
    freshMessages: options.freshMessages ?? 256,
    freshOctets: options.freshOctets ?? 8 * 1024 * 1024,
  });
  const drafting: DraftRooms = {
    young,
    index,
    bodies,
    ground,
    format,
    claims,
    finished,
    bell,
    clock,
    log,
    inlineLimitOctets: options.inlineLimitOctets ?? INLINE_OCTETS,
    committed: options.metrics === undefined ? () => undefined : counting(options.metrics),
  };
  const nextId = createMessageIds(clock, tag, lastKey(index.messages) as MessageId | null);
  const give = createOrders(index, bodies, format, steps);
  const listing = createListing(index, format, (id) => finished.has(id));
  const verification = createVerification({
    index, bodies, format, steps, kernels, clock,
    rescued: (name, octets) => keepFile(files, `${folder}/rescued`, name, octets),
    hidden: (id) => finished.has(id),
    content: (id, message) => contentOf(index, bodies, kernels, id, message),
  });
  const track = createLmdbTrack(index, clock, log);
  const notes = createLmdbNotes(index, clock, log);
  const transfer = createTransfer({ index, bodies, ground, format, kernels, clock, listing, inlineLimitOctets: options.inlineLimitOctets ?? INLINE_OCTETS });

  function nextDue(): Instant | null {
    const stored = firstDue();
    const fresh = young.firstDue();
    return stored === null || (fresh !== null && fresh < stored) ? fresh : stored;
  }

  /** In a container started again, nobody can say whether the holder before us is dead: only that it writes no more. */
  function lookAgain({ left }: Replayed): void {
    if (left === 0 || journalOctets === 0) return;
    void clock.sleepUntil(after(clock.now(), IDLE_MS), closing.signal).then(async () => {
      if (closing.signal.aborted) return;
      const found = await bringBack();
      if (found.messages > 0) log.warn('queue', { what: 'recovered', journal: found.messages });
      bell.ring();
      lookAgain(found);
    }).catch((cause: unknown) => log.error('queue', { what: 'journals could not be looked at', cause }));
  }
  lookAgain(replayed);

  /** Until something may be claimed that nobody was told of. What is told and not claimed is told again, but slowly. */
  async function pause(signal: Interruption, told: boolean): Promise<void> {
    for (let wait = told ? POLL_MS : LEAST_PAUSE_MS; !signal.aborted; wait = POLL_MS) {
      const now = clock.now();
      const due = nextDue();
      const poll = after(now, wait);
      await clock.sleepUntil(due !== null && due > now && due < poll ? due : poll, signal);
      if (claims.ready(clock.now())) return;
    }
  }

  return {
    recovery,
    track,
    notes,
    outbox: createLmdbOutbox({ index, clock, log, tag, room: (octets) => space.room(octets) === 'room' }),
    begin: (envelope, recipients, own) => new StoredDraft(drafting, { id: nextId(), envelope, recipients, idempotencyKey: own?.idempotencyKey }),
    queuedUnder: (key) => (index.keys.getBinary(key)?.toString('latin1') ?? null) as MessageId | null,
    forgetKeys: (parents) => forgetKeys(index, parents),
    room: (sizeOctets) => space.room(sizeOctets),
    claim: (want) => claims.claim(want),
    claimFresh: (want) => claims.claimFresh(want),
    nextDue,
    record: (claim, news) => claims.record(claim, news),
    release: (claim, next, news) => claims.release(claim, next, news),
    content: ({ id, message }) => contentOf(index, bodies, kernels, id, message),
    get: (id) => young.get(id) ?? listing.get(id),
    async *list(which, behind) {
      await allInIndex();
      yield* listing.list(which, behind);
    },
    async order(which, order) {
      await young.settleAll();
      finished.flush();
      const obeyed = await give(which, order);
      bell.ring();
      return obeyed;
    },
    async quarantine(id, why) {
      young.enter(id);
      claims.forget(id);
      if (!finished.has(id)) await index.transaction(() => steps.toQuarantine(id, why));
    },
    async *verify(how) {
      await allInIndex();
      yield* verification(how);
    },
    async tidy() {
      await forgetImports(index, clock.now());
      await track.purge();
      await notes.purge();
      const found = await bringBack();
      const recovery = await putRight(found.messages);
      if (options.compactFrom !== undefined && (await makeSmall(options.compactFrom))) await ground.moved();
      return recovery;
    },
    async *exportMessages(which, how) {
      await allInIndex();
      yield* transfer.leave(which, how);
    },
    async importMessages(octets) {
      const imported = await transfer.arrive(octets);
      bell.ring();
      return imported;
    },
    async summary() {
      await allInIndex();
      const going = finished.remaining();
      return {
        messages: entryCount(index.messages) - going,
        claimed: entryCount(index.leases) - going,
        quarantined: entryCount(index.quarantine),
        oldestAcceptedAt: oldestAcceptedAt(index, listing, (id) => finished.has(id)),
        freeOctets: space.freeOctets(),
      };
    },
    wake: (signal) => bell.rings(signal, pause),
    poke() {
      firstDue.forget();
      bell.ring();
    },
    async close() {
      closing.abort();
      await young.close();
      await journalFolder.close();
      await finished.close();
      try {
        await claims.close();
        await index.settled(index.holders.remove(tag));
      } catch (cause) {
        log.error('queue', { what: 'leases could not be given back', cause });
      }
      await bodies.close();
      await ground.close();
      await index.close();
    },
  };
}

const noJournal: Journal = {
  takes: () => false,
  append: (_record, _content, _octets, { failed }) => failed(),
  gone: () => undefined,
  close: () => Promise.resolve(),
};

/** Content from the disk, checked over its whole length before any of it is handed out. */
function contentOf(index: LmdbIndex, bodies: BodyFiles, kernels: Kernels, id: string, message: StoredMessage): StoredContent | CorruptContent | Promise<StoredContent | CorruptContent> {
  const { facts, trace } = message;
  const octets = index.bodies.getBinary(id);
  if (octets !== undefined) {
    if (!same(kernels.digest(octets), facts.digest)) return { kind: 'corrupt', why: 'content digest does not match' };
    return contentInMemory(facts, trace, [octets]);
  }
  if (!index.files.doesExist(id)) return { kind: 'corrupt', why: 'content is missing' };
  return bodies.read(message.id, facts).then((read) => {
    if (read.kind === 'corrupt') return read;
    return read.kind === 'octets' ? contentInMemory(facts, trace, [read.octets]) : contentInFile(facts, trace, () => read.open());
  });
}

function counting(metrics: Metrics): (committed: Committed) => void {
  const commits = metrics.counter('queue_commits_total', 'Messages handed to the queue, by what came of it.');
  return ({ kind }) => commits.add(1, { result: kind });
}
