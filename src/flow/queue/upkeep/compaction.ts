/**
 * The index made small again: LMDB's file never shrinks, and a burst of a million messages leaves gigabytes of free
 * pages. A compact copy is written beside it and takes its name, when nobody else has the queue open: at a start, and
 * in a quiet hour.
 *
 * Whoever opens a queue says so in the index before he writes anything else. The copy is exchanged inside a write
 * transaction, in which no other writer is, that the last one before was the one that was copied. Who opened the old
 * file just before sees, once he has said so, that the names are other files', and opens those (opening.ts).
 */
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Log } from '../../../core/log.ts';
import type { LmdbIndex } from '../lmdb-index.ts';

const LEAST_SHARE = 0.5;

export interface CompactionOptions {
  readonly folder: string;
  /** Free octets below which nothing is done. */
  readonly leastFreeOctets: number;
  /** On the disk, for the copy. */
  readonly freeOnDisk: number;
  /** Somebody else may have the queue open. Asked inside the transaction: who is not registered then will see the exchange. */
  readonly shared: () => boolean;
  readonly log: Log;
}

/** True: `index` goes on in the small file. */
export async function compact(index: LmdbIndex, { folder, leastFreeOctets, freeOnDisk, shared, log }: CompactionOptions): Promise<boolean> {
  const high = index.highOctets();
  const free = index.freeOctets();
  if (!index.quiet() || shared() || free < leastFreeOctets || free < high * LEAST_SHARE || freeOnDisk < (high - free) * 2) return false;
  const beside = `${folder}/compact`;
  // Whatever fails behind the exchange: the index is in the new file, and the caller has to know.
  let exchanged = false;
  try {
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { mode: 0o700 });
    const before = index.lastTransaction();
    await index.copyTo(beside);
    await sync(`${beside}/data.mdb`);
    let unsynced: unknown = null;
    await index.moveTo(beside, () => {
      if (index.lastTransaction() !== before || shared()) return false;
      unsynced = exchange(folder, beside);
      exchanged = true;
      return true;
    });
    if (unsynced !== null) log.error('queue', { what: 'the folder of the compacted index could not be synced', cause: unsynced });
    if (exchanged) log.info('queue', { what: 'compacted', before: high, after: statSync(`${folder}/data.mdb`).size });
  } catch (cause) {
    log.error('queue', { what: exchanged ? 'the index was compacted, not without trouble' : 'the index could not be compacted', cause });
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  return exchanged;
}

/**
 * The lock file first: who opens the queue in between writes his name into the old file, which nobody loses anything by.
 * The next commit is in the new file, and must find its name on the disk: what kept the folder from being synced is given
 * back, to be told.
 */
function exchange(folder: string, beside: string): unknown {
  const lock = `${folder}/lock.mdb`;
  const old = `${beside}/old-lock.mdb`;
  linkSync(lock, old);
  try {
    renameSync(`${beside}/lock.mdb`, lock);
    const handle = openSync(folder, 'r');
    try {
      renameSync(`${beside}/data.mdb`, `${folder}/data.mdb`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    return null;
  } catch (cause) {
    if (!existsSync(`${beside}/data.mdb`)) return cause; // it has its name: there is no way back
    renameSync(old, lock);
    throw cause;
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
