/**
 * The index made small again: LMDB's file never shrinks, and a burst of a million messages leaves gigabytes of free
 * pages. A compact copy is written beside it and takes its name, when nobody else has the queue open.
 *
 * Whoever opens a queue says so in the index before he writes anything else. The copy is exchanged inside a write
 * transaction, in which no other writer is, that the last one before was the one that was copied. Who opened the old
 * file just before sees, once he has said so, that the names are other files', and opens those (opening.ts).
 */
import { mkdirSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
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

/** True: `index` is of the old file now, and must be closed and opened again. Nothing else was written through it. */
export async function compact(index: LmdbIndex, { folder, leastFreeOctets, freeOnDisk, shared, log }: CompactionOptions): Promise<boolean> {
  const high = index.highOctets();
  const free = index.freeOctets();
  if (shared() || free < leastFreeOctets || free < high * LEAST_SHARE || freeOnDisk < (high - free) * 2) return false;
  const beside = `${folder}/compact`;
  try {
    rmSync(beside, { recursive: true, force: true });
    mkdirSync(beside, { mode: 0o700 });
    const before = index.lastTransaction();
    await index.copyTo(beside);
    await sync(`${beside}/data.mdb`);
    const exchanged = await index.transaction(() => {
      if (index.lastTransaction() !== before || shared()) return false;
      renameSync(`${beside}/data.mdb`, `${folder}/data.mdb`);
      // It counts the old file's transactions; whoever opens the new file begins another.
      unlinkSync(`${folder}/lock.mdb`);
      return true;
    });
    if (exchanged) await sync(folder);
    if (exchanged) log.info('queue', { what: 'compacted', before: high, after: statSync(`${folder}/data.mdb`).size });
    return exchanged;
  } catch (cause) {
    log.error('queue', { what: 'the index could not be compacted', cause });
    return false;
  } finally {
    rmSync(beside, { recursive: true, force: true });
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
