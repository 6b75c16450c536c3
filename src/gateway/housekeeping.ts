/** What a queue needs now and then, while nothing is urgent: what other processes left behind is put right. */
import { after, type Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { LmdbQueue } from '../flow/queue/index.ts';

export interface Housekeeping {
  close(): Promise<void>;
}

const EVERY_MS = 3_600_000;
/** Then it is done in any case. */
const LATEST_MS = 24 * EVERY_MS;

export function openHousekeeping({ store, clock, log }: { readonly store: Pick<LmdbQueue, 'tidy' | 'summary'>; readonly clock: Clock; readonly log: Log }): Housekeeping {
  const closed = new AbortController();

  async function keep(): Promise<void> {
    let last = clock.now();
    while (!closed.signal.aborted) {
      await clock.sleepUntil(after(clock.now(), EVERY_MS), closed.signal);
      if (closed.signal.aborted) return;
      try {
        const busy = (await store.summary()).claimed > 0;
        if (busy && clock.now() - last < LATEST_MS) continue;
        await store.tidy();
        last = clock.now();
      } catch (cause) {
        log.error('queue', { what: 'the queue could not be tidied', cause });
      }
    }
  }

  const kept = keep();
  return {
    async close() {
      closed.abort();
      await kept;
    },
  };
}
