/** What the runner says: log lines in Courier's grammar (delivery, completed), and counters. */
import type { Instant } from '../../core/clock.ts';
import type { Log, LogFields } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Deferred, Outcome } from '../../core/outcome.ts';
import type { RecipientState, StoredMessage } from '../../core/queue-store.ts';

export interface Tally {
  /** One recipient, one outcome; `lane` null when nothing was tried. */
  delivery(message: StoredMessage, recipient: RecipientState, outcome: Outcome, lane: NextHop | null, suspended?: boolean): void;
  completed(message: StoredMessage, at: Instant): void;
  closed(lane: NextHop, trouble: Deferred): void;
  leaseLost(): void;
  /** Our own fault: logged as an error and counted. */
  bug(where: 'store' | 'router' | 'transport' | 'content' | 'reporter' | 'runner', what: string, fields: LogFields): void;
  claimed(messages: number, lanes: number): void;
}

interface NextHop {
  readonly transport: string;
  readonly nexthop: string;
}

/** Next hops with a series of their own; strangers choose them, so the rest are counted together. */
const NAMED_NEXTHOPS = 50;

/** `heard` is told of each outcome, and must not throw. */
export function createTally(log: Log, metrics: Metrics, heard: (message: StoredMessage, recipient: RecipientState, outcome: Outcome) => void = () => undefined): Tally {
  const outcomes = metrics.counter('posthorn_delivery_outcomes_total', 'Outcomes, by recipient and attempt.');
  const finished = metrics.counter('posthorn_messages_completed_total', 'Messages that left the queue.');
  const closures = metrics.counter('posthorn_lane_closures_total', 'Next hops left alone for a while.');
  const bugs = metrics.counter('posthorn_runner_bugs_total', 'Our own faults while delivering.');
  const lost = metrics.counter('posthorn_leases_lost_total', 'Attempts abandoned because the lease ran out.');
  const claimedNow = metrics.gauge('posthorn_claimed_messages', 'Messages claimed.');
  const lanesNow = metrics.gauge('posthorn_lanes', 'Next hops remembered.');
  const named = new Set<string>();

  function nameOf(nexthop: string): string {
    if (named.has(nexthop)) return nexthop;
    if (named.size >= NAMED_NEXTHOPS) return 'other';
    named.add(nexthop);
    return nexthop;
  }

  return {
    delivery(message, recipient, outcome, lane, suspended = false) {
      const status = outcome.kind === 'deferred' ? 'deferred' : outcome.kind === 'failed' ? 'failure' : 'success';
      outcomes.add(1, { transport: lane?.transport ?? '', nexthop: lane === null ? '' : nameOf(lane.nexthop), outcome: outcome.kind });
      heard(message, recipient, outcome);
      const { said } = outcome;
      log.info('delivery', {
        id: message.id, from: message.envelope.reversePath ?? '', addr: recipient.address, size: message.facts.sizeOctets + message.trace.length,
        module: lane?.transport, host: lane?.nexthop, attempt: message.attempts + 1, status, code: outcome.status, kind: outcome.kind,
        relay: said?.remoteMta, text: said?.text, tls: said?.tls,
        blame: outcome.kind === 'deferred' ? outcome.blame : undefined,
        uncertain: outcome.kind === 'deferred' ? outcome.uncertain : undefined,
        suspended: suspended ? true : undefined,
      });
    },
    completed({ id, acceptedAt }, at) {
      finished.add(1);
      log.info('completed', { id, ms: Math.max(0, at - acceptedAt) });
    },
    closed(lane, trouble) {
      closures.add(1, { transport: lane.transport });
      log.info('nexthop-closed', { module: lane.transport, host: lane.nexthop, code: trouble.status, text: trouble.said?.text });
    },
    leaseLost() {
      lost.add(1);
    },
    bug(where, what, fields) {
      bugs.add(1, { where });
      log.error('error', { where, what, ...fields });
    },
    claimed(messages, lanes) {
      claimedNow.set(messages);
      lanesNow.set(lanes);
    },
  };
}
