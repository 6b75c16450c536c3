/** Keeps what is claimed ours while it is under way: one timer for all leases, and none when nothing is claimed. */
import { after, type Clock, type Instant } from '../../core/clock.ts';
import type { QueueStore } from '../../core/queue-store.ts';
import type { Attempt, Job } from './attempt.ts';
import type { Tally } from './tally.ts';

export interface LeasesOptions {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly leaseMs: number;
  readonly longestDeliveryMs: number;
  /** What is claimed. */
  attempts(): Iterable<Attempt>;
  /** A transport that was told to stop did not: its delivery counts as over. */
  giveUp(job: Job): void;
}

export interface Leases {
  /** Something is under way: beat until nothing is. */
  beat(): void;
  close(): void;
}

/** For a transport that was told to stop. */
const GIVE_UP_MS = 60_000;

export function openLeases(options: LeasesOptions): Leases {
  const { store, clock, tally, leaseMs, longestDeliveryMs } = options;
  const closed = new AbortController();
  const every = Math.max(1, Math.trunc(leaseMs / 3));
  let beating = false;

  async function keepBeating(): Promise<void> {
    for (;;) {
      const before = clock.now();
      await clock.sleepUntil(after(before, every), closed.signal);
      if (closed.signal.aborted) return;
      const now = clock.now();
      const passedMs = Math.min(Math.max(0, now - before), every * 2);
      let some = false;
      for (const attempt of options.attempts()) {
        some = true;
        if (!attempt.lost && (now - attempt.renewedAt >= every || now < attempt.renewedAt)) void renew(attempt, now);
        if (!attempt.concluding) for (const job of attempt.jobs) watch(job, passedMs);
      }
      if (!some) break;
    }
    beating = false;
  }

  async function renew(attempt: Attempt, now: Instant): Promise<void> {
    const { claim } = attempt;
    attempt.renewedAt = now;
    try {
      if ((await store.record(claim, { at: now })) === 'held' || attempt.claim !== claim || attempt.over) return;
    } catch (cause) {
      tally.bug('store', 'a lease cannot be renewed', { id: claim.id, cause });
      return;
    }
    // Somebody else may be delivering it by now: the sooner we stop, the fewer duplicates.
    attempt.lost = true;
    for (const job of attempt.jobs) job.abort?.abort();
  }

  /** A transport keeps its own deadlines; this one is for a transport that has lost its way. */
  function watch(job: Job, passedMs: number): void {
    if (job.ended || job.abort === null) return;
    job.ageMs += passedMs;
    if (job.giveUpAgeMs === null) {
      if (job.ageMs < longestDeliveryMs && !job.attempt.lost) return;
      job.giveUpAgeMs = job.ageMs + GIVE_UP_MS;
      job.abort.abort();
    } else if (job.ageMs >= job.giveUpAgeMs) {
      tally.bug('transport', 'given up: it does not end', { id: job.attempt.claim.id, transport: job.transport.name, nexthop: job.lane.nexthop });
      options.giveUp(job);
    }
  }

  return {
    beat() {
      if (beating) return;
      beating = true;
      void keepBeating();
    },
    close: () => closed.abort(),
  };
}
