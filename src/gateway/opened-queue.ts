/** The queue of a state folder, opened for whoever works on it, and what is shown of it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../configuration.ts';
import type { Clock } from '../core/clock.ts';
import type { MessageId } from '../core/envelope.ts';
import type { Log } from '../core/log.ts';
import { openLmdbQueue, type LmdbQueue } from '../flow/queue/index.ts';
import { ClosedToUs, whyClosed } from '../kit/file/owner.ts';
import type { MetricsRegistry } from '../kit/metrics.ts';
import type { openKernels } from '../kit/wasm/kernels.ts';

/** What a burst left free in the queue's file is given back to the disk at the next start. */
const COMPACT_FROM_OCTETS = 64 * 1024 * 1024;

/** Each of two: what comes in half a second at most, so that it is delivered before its place is needed; little for a card of a few GB. */
const JOURNAL_OCTETS = 8 * 1024 * 1024;

export interface Rooms {
  readonly kernels: ReturnType<typeof openKernels>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
}


/** `quarantined` is given by the process that delivers: it alone compacts, is told of damage and keeps a journal. */
export async function openQueue(configuration: Configuration, rooms: Rooms, quarantined?: (id: MessageId, why: string) => void): Promise<LmdbQueue> {
  const { stateFolder, limits } = configuration;
  const folder = join(stateFolder, 'queue');
  try {
    await mkdir(stateFolder, { recursive: true, mode: 0o700 });
    return await openLmdbQueue({ ...rooms, folder, watermarkOctets: limits.freeSpaceOctets, ...(quarantined === undefined ? {} : { quarantined, compactFrom: COMPACT_FROM_OCTETS, journalOctets: JOURNAL_OCTETS }) });
  } catch (cause) {
    const why = whyClosed(stateFolder, [folder, ...['data.mdb', 'lock.mdb', 'bodies', 'journal'].map(name => join(folder, name))]);
    throw why === null ? cause : new ClosedToUs(why, { cause });
  }
}

export function showQueue(metrics: MetricsRegistry, store: LmdbQueue): void {
  const messages = metrics.gauge('posthorn_queue_messages', 'Messages in the queue.');
  const claimed = metrics.gauge('posthorn_queue_claimed', 'Messages being delivered.');
  const quarantined = metrics.gauge('posthorn_queue_quarantined', 'Messages set aside: damaged, or by a filter.');
  const oldest = metrics.gauge('posthorn_queue_oldest_seconds', 'Age of the oldest message.');
  const free = metrics.gauge('posthorn_free_octets', 'Free space below the queue.');
  const resident = metrics.gauge('posthorn_resident_octets', 'Resident memory of this process.');
  metrics.onRender(async () => {
    const summary = await store.summary();
    messages.set(summary.messages);
    claimed.set(summary.claimed);
    quarantined.set(summary.quarantined);
    oldest.set(summary.oldestAcceptedAt === null ? 0 : Math.max(0, (Date.now() - summary.oldestAcceptedAt) / 1000));
    free.set(summary.freeOctets);
    resident.set(process.memoryUsage.rss());
  });
}
