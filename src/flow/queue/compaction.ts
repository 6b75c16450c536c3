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
import type { Log } from '../../core/log.ts';
import type { LmdbIndex } from './lmdb-index.ts';

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
  try {
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { mode: 0o700 });
    const before = index.lastTransaction();
    await index.copyTo(beside);
    await sync(`${beside}/data.mdb`);
    const exchanged = await index.moveTo(beside, () => {
      if (index.lastTransaction() !== before || shared()) return false;
      exchange(folder, beside);
      return true;
    });
    if (exchanged) log.info('queue', { what: 'compacted', before: high, after: statSync(`${folder}/data.mdb`).size });
    return exchanged;
  } catch (cause) {
    log.error('queue', { what: 'the index could not be compacted', cause });
    return false;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

/**
 * The lock file first: who opens the queue in between writes his name into the old file, which nobody loses anything by.
 * The next commit is in the new file, and must find its name on the disk.
 */
function exchange(folder: string, beside: string): void {
  const lock = `${folder}/lock.mdb`;
  const old = `${beside}/old-lock.mdb`;
  linkSync(lock, old);
  try {
    renameSync(`${beside}/lock.mdb`, lock);
    const handle = openSync(folder, 'r');
    try {
      renameSync(`${beside}/data.mdb`, `${folder}/data.mdb`);
      syncOrNot(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    if (existsSync(`${beside}/data.mdb`)) renameSync(old, lock);
    throw error;
  }
}

/** There is no way back once the file has its name; a disk that cannot sync a folder fails the next commit too. */
function syncOrNot(handle: number): void {
  try {
    fsyncSync(handle);
  } catch {}
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
