/** Is there room for a message? Asked per command, so it looks at the disk at most once a second. */
import { statfsSync } from 'node:fs';
import type { Clock } from '../../../core/clock.ts';
import { after } from '../../../core/clock.ts';

const SAMPLE_MS = 1000;

export interface FreeSpace {
  room(sizeOctets: number): 'room' | 'full';
  /** What messages can still get. */
  freeOctets(): number;
}

export function diskFree(folder: string): () => number {
  return () => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
}

/** The watermark is the disk's; the index has a reserve of its own. */
export function createFreeSpace(clock: Clock, watermarkOctets: number, onDisk: () => number, inIndex: () => number): FreeSpace {
  let free = 0;
  let until = clock.now();
  let since = after(until, 1); // never sampled

  function freeOctets(): number {
    const now = clock.now();
    if (now < since || now >= until) {
      since = now;
      until = after(now, SAMPLE_MS);
      free = Math.min(onDisk() - watermarkOctets, inIndex());
    }
    return free;
  }

  return { room: (sizeOctets) => (sizeOctets > freeOctets() ? 'full' : 'room'), freeOctets: () => Math.max(0, freeOctets()) };
}
