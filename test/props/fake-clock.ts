/** Time that stands still until a test moves it. */
import type { Clock, Instant } from '../../src/core/clock.ts';

export interface FakeClock extends Clock {
  /** Wakes the sleepers whose time has come, earliest first, and lets their continuations run. */
  advance(ms: number): Promise<void>;
  /** A jump, as an administrator or NTP makes it: forwards wakes sleepers, backwards does not. */
  set(now: number): Promise<void>;
  readonly sleepers: number;
}

export function createFakeClock(start = 1_700_000_000_000): FakeClock {
  let now = start;
  const sleeping = new Set<{ readonly when: number; readonly wake: () => void }>();

  async function wakeDue(): Promise<void> {
    const due = [...sleeping].filter(({ when }) => when <= now).sort((one, other) => one.when - other.when);
    for (const sleeper of due) {
      sleeping.delete(sleeper);
      sleeper.wake();
    }
    await new Promise(setImmediate);
  }

  return {
    now: () => now as Instant,
    sleepUntil(when, signal) {
      if (when <= now || signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          sleeping.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { when, wake };
        sleeping.add(sleeper);
        signal?.addEventListener('abort', wake, { once: true });
      });
    },
    async advance(ms) {
      now += ms;
      await wakeDue();
    },
    async set(at) {
      now = at;
      await wakeDue();
    },
    get sleepers() {
      return sleeping.size;
    },
  };
}
