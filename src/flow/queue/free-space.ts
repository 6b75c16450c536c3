/** Is there room for a message? Asked per command, so it looks at the disk at most once a second. */
import { statfsSync } from 'node:fs';
import type { Clock } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';

const SAMPLE_MS = 1000;

export interface FreeSpace {
  room(sizeOctets: number): 'room' | 'full';
  freeOctets(): number;
  /** Looks now: a write just failed. */
  isFull(): boolean;
}

export function diskFree(folder: string): () => number {
  return () => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
}

export function createFreeSpace(clock: Clock, watermarkOctets: number, sources: readonly (() => number)[]): FreeSpace {
  let free = 0;
  let sampledAt = clock.now();
  let sampled = false;

  function sample(): number {
    sampledAt = clock.now();
    sampled = true;
    free = Math.min(...sources.map((source) => source()));
    return free;
  }

  function freeOctets(): number {
    const now = clock.now();
    const stale = !sampled || now >= after(sampledAt, SAMPLE_MS) || now < sampledAt;
    return stale ? sample() : free;
  }

  return {
    room: (sizeOctets) => (freeOctets() - sizeOctets < watermarkOctets ? 'full' : 'room'),
    freeOctets,
    isFull: () => sample() < Math.max(watermarkOctets, 64 * 1024),
  };
}
