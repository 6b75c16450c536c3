/** A time limit and a signal over one piece of work. */
import type { Deadlines } from './deadlines.ts';

export interface Limit {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface Late {
  readonly kind: 'timeout' | 'aborted';
  readonly why: string;
}

/** `late` is called at most once for each of the two, and never after end(). */
export function watch(deadlines: Deadlines, { timeoutMs, signal }: Limit, late: (how: Late) => void): { end(): void } {
  const deadline = deadlines.open(() => late({ kind: 'timeout', why: `no answer within ${Math.round(timeoutMs / 1000)} s` }));
  const aborted = () => late({ kind: 'aborted', why: 'we gave up' });
  deadline.set(timeoutMs);
  signal?.addEventListener('abort', aborted);
  return {
    end() {
      deadline.clear();
      signal?.removeEventListener('abort', aborted);
    },
  };
}
