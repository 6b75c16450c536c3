/** A limit on the gateway's own clock for work that obeys a signal. */
import { after, type Clock } from '../core/clock.ts';

export type Limited<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'late' } | { readonly kind: 'broken'; readonly cause: unknown };

/** Answers when the limit has passed even if `work` does not obey; what it does then is nobody's. */
export async function withinLimit<T>(clock: Clock, ms: number, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<Limited<T>> {
  const mine = new AbortController();
  const signal = AbortSignal.any([outer, mine.signal]);
  const sleeping = new AbortController();
  const late = clock.sleepUntil(after(clock.now(), ms), AbortSignal.any([outer, sleeping.signal])).then((): Limited<T> => ({ kind: 'late' }));
  try {
    return await Promise.race([work(signal).then((value): Limited<T> => ({ kind: 'done', value }), (cause: unknown): Limited<T> => ({ kind: 'broken', cause })), late]);
  } finally {
    sleeping.abort();
    mine.abort();
  }
}
