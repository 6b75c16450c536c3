/**
 * The earliest due entry of the index, which is asked for at each ring of the bell. Remembered while nothing was written
 * here, and no longer than what another process writes may go unnoticed.
 */
import type { Clock, Instant } from '../../core/clock.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { keysFrom, parseDueKey } from './lmdb-index.ts';

const REMEMBERED_MS = 50;

export interface FirstDue {
  (): Instant | null;
  /** Somebody else has written. */
  forget(): void;
}

export function createFirstDue(index: LmdbIndex, clock: Clock): FirstDue {
  let known: Instant | null = null;
  let writes = -1;
  let readAt = 0;

  function read(): Instant | null {
    const now = clock.now();
    if (writes === index.writes() && now >= readAt && now - readAt < REMEMBERED_MS) return known;
    writes = index.writes();
    readAt = now;
    const [key] = keysFrom(index.due, '0', 1);
    known = key === undefined ? null : parseDueKey(key).due;
    return known;
  }

  return Object.assign(read, { forget: () => void (writes = -1) });
}
