/** A clock that is wound by hand: time passes only in runTo(), from one sleeper to the next. */
import type { Chance, Clock, Instant } from '../../src/core/clock.ts';

export interface HandClock extends Clock {
  /** Lets everything happen that happens until then. */
  runTo(when: number): Promise<void>;
  /** Lets happen what needs no time. */
  settle(): Promise<void>;
  /** The wall clock is set; nobody slept meanwhile. Set back, it wakes whoever sleeps, for nobody knows until when. */
  jump(to: number): void;
  readonly sleepers: number;
}

interface Sleeper {
  readonly when: number;
  readonly wake: () => void;
}

export function createHandClock(start = 1_700_000_000_000, turns = 6): HandClock {
  let now = start;
  const sleepers = new Set<Sleeper>();

  async function settle(): Promise<void> {
    for (let n = 0; n < turns; n++) await new Promise<void>(resolve => setImmediate(resolve));
  }
  return {
    now: () => now as Instant,
    sleepUntil: (when, signal) => new Promise(resolve => {
      if (signal?.aborted === true || when <= now) return resolve();
      const sleeper: Sleeper = {
        when,
        wake: () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake);
    }),
    settle,
    async runTo(target) {
      await settle();
      for (;;) {
        let first: Sleeper | null = null;
        for (const sleeper of sleepers) if (first === null || sleeper.when < first.when) first = sleeper;
        if (first === null || first.when > target) break;
        now = Math.max(now, first.when);
        first.wake();
        await settle();
      }
      now = Math.max(now, target);
    },
    jump(to) {
      const back = to < now;
      now = to;
      if (back) for (const sleeper of sleepers) sleeper.wake();
    },
    get sleepers() {
      return sleepers.size;
    },
  };
}

/** No luck at all: always the lowest. */
export const noChance: Chance = { between: low => low };
