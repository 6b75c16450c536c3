import type { Interruption } from '../../core/clock.ts';
import { Interrupter } from '../../kit/interrupter.ts';

/** Wakes those who wait for work. Rings add up: who was busy hears them all as one. */
export interface Bell {
  ring(): void;
  /** Someone is waiting for a ring right now. */
  readonly awaited: boolean;
  /** Resolves at the next ring, at once if it rang since `heard`, or when `pause` ends. Ends when `signal` aborts. */
  rings(signal: AbortSignal, pause: Pause): AsyncIterable<void>;
}

/** Waits for what rings no bell; `told` when the waiter was woken before. */
export type Pause = (signal: Interruption, told: boolean) => Promise<void>;

/** A waiter also comes back when its own `pause` ends: time passes, and other processes ring no bell of ours. */
export function createBell(): Bell {
  let count = 0;
  const waiting = new Set<() => void>();

  return {
    ring() {
      count++;
      if (waiting.size === 0) return;
      for (const wake of waiting) wake();
    },
    get awaited() {
      return waiting.size > 0;
    },
    async *rings(signal, pause) {
      let heard = count;
      let told = false;
      let over = new Interrupter();
      const wake = (): void => over.abort();
      // One listener for all pauses: AbortSignal.any() would cost each of them more than the pause itself.
      signal.addEventListener('abort', wake);
      try {
        while (!signal.aborted) {
          if (count === heard) {
            if (over.aborted) over = new Interrupter();
            waiting.add(wake);
            await pause(over, told);
            waiting.delete(wake);
          }
          if (signal.aborted) return;
          told = true;
          heard = count;
          yield;
        }
      } finally {
        waiting.delete(wake);
        signal.removeEventListener('abort', wake);
      }
    },
  };
}
