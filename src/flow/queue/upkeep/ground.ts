/**
 * Disk blocks that the index owns before it needs them, so that LMDB never meets a full disk.
 *
 * QUIRK: lmdb 3.5.6 formats the message of a page write that failed into 100 octets that are too few (mdb.c,
 * mdb_page_flush), and the process dies of it; and its mapSize is where it starts, not where it stops. So the file is
 * grown here, with zeros, under the write lock, where ENOSPC is an ordinary error; and a message is refused while
 * deletions and outcomes still have room. test/fault/queue-disk.test.ts fills a disk to hold this.
 */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { LmdbIndex } from '../lmdb-index.ts';

const MIB = 1024 * 1024;
/** Kept for those who only delete and record. */
const RESERVE = MIB;
/** Less than this is left to nobody: a commit of any kind touches some pages first and frees them later. */
const FLOOR = MIB / 4;
const STEP = 2 * MIB;
/** Writes between two looks at the index, which take as long as ten of them. */
const LOOK = MIB / 2;
/** Pages that a message's entries touch or leave half empty. */
const SLACK = 8 * 1024;

export interface Ground {
  /** Whether a message of this size may be written; every true is followed by one landed() or unused(). */
  take(sizeOctets: number): boolean | Promise<boolean>;
  landed(sizeOctets: number): void;
  unused(sizeOctets: number): void;
  /** The path is another file now, with no ground yet. */
  moved(): void;
  /** What messages can still get, in file or map. */
  leftOctets(): number;
  close(): void;
}

export async function openGround(path: string, index: LmdbIndex, mapSizeOctets: number, mayGrow: (octets: number) => boolean): Promise<Ground> {
  let file = openSync(path, 'r+');
  let fileOctets = 0;
  let usedOctets = 0;
  let flying = 0;
  let sinceLook = 0;
  let growing: Promise<boolean> | null = null;

  function look(): void {
    sinceLook = 0;
    fileOctets = fstatSync(file).size;
    usedOctets = index.highOctets();
  }

  const tail = (): number => fileOctets - usedOctets - flying - sinceLook;

  /** Inside a transaction: nobody writes pages while zeros go past the end of the file. */
  function extend(need: number): boolean {
    look();
    const zeros = Buffer.alloc(MIB / 4);
    for (let left = STEP + need; left > 0 && tail() < RESERVE + STEP + need; left -= zeros.length) {
      if (fileOctets + zeros.length > mapSizeOctets || !mayGrow(zeros.length)) return false;
      try {
        fileOctets += writeSync(file, zeros, 0, zeros.length, fileOctets);
      } catch {
        return false; // the disk is full, which is what we wanted to know
      }
    }
    return true;
  }

  /** False: it cannot grow as much as was wanted. What could not be written is no ground. */
  function grow(need: number): Promise<boolean> {
    growing ??= index
      .transaction(() => extend(need))
      .catch(() => false)
      .finally(() => {
        growing = null;
      });
    return growing;
  }

  /** The file cannot grow, but so much of it is free that a run of pages will be found. */
  function freeEnough(need: number): boolean {
    return tail() >= FLOOR - need && index.freeOctets() >= Math.max(usedOctets / 2, RESERVE + 2 * (need + flying));
  }

  async function takeSlowly(need: number): Promise<boolean> {
    // Who waits for the same growth may take it all, so more than once.
    while (tail() < RESERVE + need) if (!(await grow(need))) break;
    if (tail() < RESERVE + need && !freeEnough(need)) return false;
    flying += need;
    return true;
  }

  look();
  await grow(0);

  return {
    take(sizeOctets) {
      const need = sizeOctets + SLACK;
      if (sinceLook > LOOK) look();
      if (tail() < RESERVE + need) return takeSlowly(need);
      flying += need;
      // Ahead of need, so that the next one does not wait.
      if (growing === null && tail() < RESERVE + STEP / 2 && fileOctets < mapSizeOctets) void grow(0);
      return true;
    },
    landed(sizeOctets) {
      flying -= sizeOctets + SLACK;
      sinceLook += sizeOctets + SLACK;
    },
    unused(sizeOctets) {
      flying -= sizeOctets + SLACK;
    },
    moved() {
      closeSync(file);
      file = openSync(path, 'r+');
      look();
      void grow(0);
    },
    leftOctets: () => mapSizeOctets - index.highOctets() + index.freeOctets() - RESERVE,
    close: () => closeSync(file),
  };
}
