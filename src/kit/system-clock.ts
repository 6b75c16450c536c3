/** The real time and luck. */
import { randomInt } from 'node:crypto';
import type { Chance, Clock, Instant } from '../core/clock.ts';

/** setTimeout counts in 32 bits; a longer sleep is taken in steps, so that a clock that jumps is noticed too. */
const LONGEST_STEP_MS = 60_000;

export function createSystemClock(): Clock {
  const now = () => Date.now() as Instant;
  return {
    now,
    sleepUntil(when, signal) {
      return new Promise(resolve => {
        if (signal?.aborted === true || when <= now()) return resolve();
        let timer: NodeJS.Timeout;
        const end = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', end);
          resolve();
        };
        let before = now();
        const step = () => {
          const at = now();
          // Set back, nobody knows until when we should sleep; whoever sleeps looks again.
          if (at >= when || at < before) return end();
          before = at;
          timer = setTimeout(step, Math.min(when - at, LONGEST_STEP_MS));
        };
        signal?.addEventListener('abort', end);
        step();
      });
    },
  };
}

export function createSystemChance(): Chance {
  return { between: (low, high) => (high <= low ? low : randomInt(low, high + 1)) };
}
