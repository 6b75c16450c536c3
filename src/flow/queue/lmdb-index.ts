/**
 * The LMDB environment of a queue: its databases, and what a write that failed meant. The only file that imports lmdb.
 *
 * Opened with overlappingSync off: mdb_txn_commit then syncs before it returns, and lmdb settles a write's promise
 * after that return, so a resolved promise means data on the disk. What is written in one turn of the event loop is
 * one block of one transaction: it stands or falls together, and turns that come while a sync runs share the next.
 *
 * Of {due entry, lease, held record, quarantine entry} a message has exactly one; each method of the store moves it
 * from one to another inside one transaction.
 */
import type { Database, RootDatabase } from 'lmdb';
import { open } from 'lmdb';
import type { Instant } from '../../core/clock.ts';
import type { MessageId } from '../../core/envelope.ts';

export type Entries = Database<Buffer, string>;

export interface Databases {
  /** Queue id → record (format/record.ts). */
  readonly messages: Entries;
  /** Queue id → content, when it is small. */
  readonly bodies: Entries;
  /** Queue id → nothing, when the content is a body file. */
  readonly files: Entries;
  /** Due time and queue id → nothing. */
  readonly due: Entries;
  /** Queue id → lease (leases.ts); the entry's version is the claim's token. */
  readonly leases: Entries;
  /** Queue id → what a claimed message obeys at its release. */
  readonly orders: Entries;
  /** Idempotency key → queue id. */
  readonly keys: Entries;
  /** Queue id → why. */
  readonly quarantine: Entries;
  /** Queue id → when it was imported; kept a while, so that no file is imported twice. */
  readonly imported: Entries;
  /** Tag of an opened store → the process that opened it. */
  readonly holders: Entries;
  /** Events that wait for a hook (lmdb-outbox.ts). */
  readonly events: Entries;
  /** Address → what became of mail for it (lmdb-track.ts). */
  readonly track: Entries;
  /** Kind and key → what is noted of a stranger (lmdb-notes.ts). */
  readonly notes: Entries;
}

export interface LmdbIndex extends Databases {
  /** Reads and writes as one; no other writer, in any process, is between. `work` must not throw after its first write. */
  transaction<T>(work: () => T): Promise<T>;
  /** A write's own promise, its failure turned into a WriteFailure. */
  settled(write: Promise<boolean>): Promise<boolean>;
  /** How many writes of this process have ended, well or not. */
  writes(): number;
  /** No write of this process is under way. */
  quiet(): boolean;
  /**
   * Goes on in the files of another folder, a copy, when `exchange` says that they have the names now. It is asked as
   * the only writer of all processes, and not while anything else of ours is under way.
   */
  moveTo(folder: string, exchange: () => boolean): Promise<void>;
  /** A compact copy, into a folder that is there and empty. */
  copyTo(folder: string): Promise<void>;
  /** The number of the last transaction that was committed, by any process. */
  lastTransaction(): number;
  /** Octets ever used: freed pages are used again, but the file never shrinks. */
  highOctets(): number;
  /** Those of them that hold nothing now. */
  freeOctets(): number;
  close(): Promise<void>;
}

/** A transaction that did not happen: nothing of it is stored. */
export class WriteFailure extends Error {
  readonly kind: 'full' | 'broken';
  constructor(kind: 'full' | 'broken', cause: unknown) {
    super(kind === 'full' ? 'queue index is full' : 'queue index cannot be written', { cause });
    this.kind = kind;
  }
}

export const nothing = Buffer.alloc(0);
const heard = (): void => undefined;
const MDB_MAP_FULL = -30792;
const DUE_DIGITS = 12;

export function dueKey(due: Instant, id: MessageId | ''): string {
  return Math.max(0, Math.ceil(due)).toString(16).padStart(DUE_DIGITS, '0') + id;
}

export function parseDueKey(key: string): { readonly due: Instant; readonly id: MessageId } {
  return { due: Number.parseInt(key.slice(0, DUE_DIGITS), 16) as Instant, id: key.slice(DUE_DIGITS) as MessageId };
}

/** `isFull` is asked after a failed write: LMDB reports a short write as EIO, whatever the reason was. */
export function openLmdbIndex(folder: string, mapSizeOctets: number, isFull: () => boolean): LmdbIndex {
  let { root, databases } = openEnvironment(folder, mapSizeOctets);
  let underWay = 0;
  let ended = 0;

  function failure(error: unknown): Promise<WriteFailure> {
    // The cause hangs on the error as a promise that rejects, and ends the process unless somebody listens.
    const cause = (error as { readonly commitError?: Promise<unknown> }).commitError;
    const found = cause === undefined ? Promise.resolve(error) : cause.then(() => error, (why: unknown) => why);
    return found.then((why) => {
      const code = (why as { readonly code?: unknown }).code;
      const full = code === MDB_MAP_FULL || code === 'ENOSPC' || code === 28 || isFull();
      return new WriteFailure(full ? 'full' : 'broken', why);
    });
  }

  async function settled<T>(write: Promise<T>): Promise<T> {
    underWay++;
    try {
      return await write;
    } catch (error) {
      throw await failure(error);
    } finally {
      underWay--;
      ended++;
    }
  }

  return {
    get messages() { return databases.messages; },
    get bodies() { return databases.bodies; },
    get files() { return databases.files; },
    get due() { return databases.due; },
    get leases() { return databases.leases; },
    get orders() { return databases.orders; },
    get keys() { return databases.keys; },
    get quarantine() { return databases.quarantine; },
    get imported() { return databases.imported; },
    get holders() { return databases.holders; },
    get events() { return databases.events; },
    get track() { return databases.track; },
    get notes() { return databases.notes; },
    transaction: (work) => settled(root.transaction(work)),
    settled,
    writes: () => ended,
    quiet: () => underWay === 0,
    async moveTo(target, exchange) {
      // Opened before anything has a new name: what fails then changes nothing.
      const other = openEnvironment(target, mapSizeOctets);
      const old = root;
      try {
        // Not by transactionSync(): it would wait for a transaction that waits for us.
        await settled(old.transaction(() => {
          if (underWay === 1 && exchange()) ({ root, databases } = other);
        }));
      } finally {
        await (root === old ? other.root : old).close();
      }
    },
    copyTo: (target) => root.backup(target, true),
    lastTransaction: () => (databases.messages.getStats() as Stats).lastTxnId,
    highOctets() {
      const { lastPageNumber, free } = databases.messages.getStats() as Stats;
      return (lastPageNumber + 1) * free.pageSize;
    },
    freeOctets() {
      const all = Object.values(databases).map((entries) => entries.getStats() as Stats);
      const { lastPageNumber, free } = all[0]!;
      const used = all.reduce((sum, stats) => sum + pagesOf(stats), pagesOf(free));
      return (lastPageNumber + 1 - used) * free.pageSize;
    },
    close: () => root.close(),
  };
}

interface Environment {
  readonly root: RootDatabase<Buffer, string>;
  readonly databases: Databases;
}

function openEnvironment(folder: string, mapSize: number): Environment {
  const root: RootDatabase<Buffer, string> = open({
    path: folder,
    noSubdir: false, // a folder may have a dot in its name
    mapSize,
    maxDbs: 16,
    overlappingSync: false,
    compression: false,
    encoding: 'binary',
  });
  const database = (name: string, own: { readonly useVersions?: true } = {}): Entries => root.openDB<Buffer, string>(name, { encoding: 'binary', ...own });

  // QUIRK: lmdb 3.5.6 makes a promise for the start of each turn's block and gives it to nobody (write.js, enqueuedEventTurnBatch);
  // when the transaction fails, it rejects unheard and ends the process. Right after the block began it is `committed`.
  root.on('beforecommit', () => queueMicrotask(() => void root.committed.then(heard, heard)));

  return {
    root,
    databases: {
      messages: database('messages'),
      bodies: database('bodies'),
      files: database('files'),
      due: database('due'),
      leases: database('leases', { useVersions: true }),
      orders: database('orders'),
      keys: database('keys'),
      quarantine: database('quarantine'),
      imported: database('imported'),
      holders: database('holders'),
      events: database('events'),
      track: database('track'),
      notes: database('notes'),
    },
  };
}

interface Pages {
  readonly pageSize: number;
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
  readonly entryCount: number;
}

interface Stats extends Pages {
  readonly lastPageNumber: number;
  readonly lastTxnId: number;
  readonly free: Pages;
}

function pagesOf(stats: Pages): number {
  return stats.treeBranchPageCount + stats.treeLeafPageCount + stats.overflowPages;
}

/** At most `limit` keys from `from` on, as an array: nothing stays open in the environment afterwards. */
export function keysFrom(entries: Entries, from: string, limit: number, end?: string): string[] {
  return [...entries.getKeys({ start: from, limit, ...(end === undefined ? {} : { end }) })];
}

export function lastKey(entries: Entries): string | null {
  const [key] = [...entries.getKeys({ reverse: true, limit: 1 })];
  return key ?? null;
}

export function entryCount(entries: Entries): number {
  return (entries.getStats() as Stats).entryCount;
}
