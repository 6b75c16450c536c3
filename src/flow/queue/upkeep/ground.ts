/**
 * Disk blocks that the index owns before it needs them, so that LMDB never meets a full disk, and its commits write pages
 * where the file has room already: a file that grows makes the file system commit too, and whoever syncs meanwhile waits.
 *
 * QUIRK: lmdb 3.5.6 formats the message of a page write that failed into 100 octets that are too few (mdb.c,
 * mdb_page_flush), and the process dies of it; and its mapSize is where it starts, not where it stops. So the file is
 * grown here, with zeros, where ENOSPC is an ordinary error; and a message is refused while deletions and outcomes still
 * have room. test/fault/queue-disk.test.ts fills a disk to hold this.
 *
 * Zeros are appended (open(2), O_APPEND): the file system finds the end and writes there as one, so none of them ever lies
 * over a page that somebody else wrote behind the old end.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { LmdbIndex } from '../lmdb-index.ts';

const MIB = 1024 * 1024;
/** Kept for those who only delete and record. */
const RESERVE = MIB;
/** Less than this is left to nobody: a commit of any kind touches some pages first and frees them later. */
const FLOOR = MIB / 4;
/**
 * How much it grows at a time: little for who stores little, twice as much each time for who goes on, and no more than a
 * slow card writes while a client waits.
 */
const LEAST_STEP = 2 * MIB;
const MOST_STEP = 8 * MIB;
/** A larger step must find so many times its size on the disk. */
const PLENTY = 8;
/** Written and synced at a time, where there is time: the disk is nobody else's meanwhile. */
const PIECE = MIB / 8;
const PAUSE_MS = 5;
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
  moved(): Promise<void>;
  /** What messages can still get, in file or map. */
  leftOctets(): number;
  close(): Promise<void>;
}

export async function openGround(path: string, index: LmdbIndex, mapSizeOctets: number, mayGrow: (octets: number) => boolean): Promise<Ground> {
  let file = await openToAppend(path);
  let fileOctets = 0;
  let usedOctets = 0;
  let flying = 0;
  let sinceLook = 0;
  let step = LEAST_STEP;
  let growing: Promise<boolean> | null = null;
  /** Nobody will wait for it soon. */
  let ahead = false;
  let closing = false;

  function look(): void {
    sinceLook = 0;
    usedOctets = index.highOctets();
  }

  const tail = (): number => fileOctets - usedOctets - flying - sinceLook;

  async function extend(need: number): Promise<boolean> {
    const zeros = Buffer.alloc(PIECE);
    look();
    // Another process may have done it for us.
    fileOctets = (await file.stat()).size;
    while (tail() < RESERVE + step + need) {
      if (closing || fileOctets + zeros.length > mapSizeOctets || !mayGrow(zeros.length)) return false;
      fileOctets += (await file.write(zeros)).bytesWritten;
      ahead &&= tail() > RESERVE + step / 4;
      if (ahead) await breathe();
    }
    return true;
  }

  async function breathe(): Promise<void> {
    await file.datasync();
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }

  /** False: it cannot grow as much as was wanted. What could not be written is no ground. */
  function grow(need: number, afterwards?: () => Promise<void>): Promise<boolean> {
    growing ??= extend(need)
      .then(async (grown) => {
        await afterwards?.();
        return grown;
      })
      .catch(() => false) // the disk is full, which is what we wanted to know
      .finally(() => {
        growing = null;
        ahead = false;
      });
    return growing;
  }

  function growAhead(): void {
    const twice = Math.min(2 * step, MOST_STEP);
    step = mayGrow(PLENTY * twice) ? twice : LEAST_STEP;
    ahead = true;
    // Synced by us, so that the next commit need not.
    void grow(0, () => file.datasync());
  }

  /** The file cannot grow, but so much of it is free that a run of pages will be found. */
  function freeEnough(need: number): boolean {
    return tail() >= FLOOR - need && index.freeOctets() >= Math.max(usedOctets / 2, RESERVE + 2 * (need + flying));
  }

  async function takeSlowly(need: number): Promise<boolean> {
    ahead = false;
    // Who waits for the same growth may take it all, so more than once.
    while (tail() < RESERVE + need) if (!(await grow(need))) break;
    // A growth that was under way looked before it began: nobody is refused by an estimate.
    if (tail() < RESERVE + need) look();
    if (tail() < RESERVE + need && !freeEnough(need)) return false;
    flying += need;
    return true;
  }

  await grow(0);

  return {
    take(sizeOctets) {
      const need = sizeOctets + SLACK;
      if (sinceLook > LOOK) look();
      if (tail() < RESERVE + need) return takeSlowly(need);
      flying += need;
      // Ahead of need, so that the next one does not wait.
      if (growing === null && tail() < RESERVE + step / 2 && fileOctets < mapSizeOctets) growAhead();
      return true;
    },
    landed(sizeOctets) {
      flying -= sizeOctets + SLACK;
      sinceLook += sizeOctets + SLACK;
    },
    unused(sizeOctets) {
      flying -= sizeOctets + SLACK;
    },
    async moved() {
      await growing;
      await file.close();
      file = await openToAppend(path);
      step = LEAST_STEP;
      await grow(0);
    },
    leftOctets: () => mapSizeOctets - index.highOctets() + index.freeOctets() - RESERVE,
    async close() {
      closing = true;
      await growing;
      await file.close();
    },
  };
}

function openToAppend(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_APPEND);
}
