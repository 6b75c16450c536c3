/** Finds each message its next hop, keeps what all next hops share, and stops when asked. */
import type { Outcome, Outcomes } from '../../../core/outcome.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import { createBriefMemory } from './brief-memory.ts';
import { Job } from './job.ts';
import { NextHop, stillUnreachable, type Shared } from './next-hop.ts';
import { ownDeferral } from './outcomes.ts';
import type { EsmtpSettings } from './settings.ts';

/** Hosts and next hops remembered as broken; the oldest is forgotten first. */
const REMEMBERED = 10_000;

export function openEsmtpTransport(settings: EsmtpSettings): Transport {
  const hops = new Map<string, NextHop>();
  const stopping = new AbortController();
  const { limits, clock, metrics } = settings;
  const connections = metrics.counter('posthorn_esmtp_connections_total', 'Outgoing SMTP connections by result');
  const shared: Shared = {
    settings,
    brokenTls: createBriefMemory(clock, REMEMBERED),
    unreachable: createBriefMemory(clock, REMEMBERED),
    recipients: createBriefMemory(clock, REMEMBERED),
    signal: stopping.signal,
    idle: new Set(),
    counts: { connection: result => connections.add(1, { result }) },
  };
  let emptied: (() => void) | null = null;

  function hopFor(name: string): NextHop {
    const known = hops.get(name);
    if (known !== undefined) return known;
    const hop = new NextHop(name, shared, () => {
      if (hops.get(name) === hop) hops.delete(name);
      if (hops.size === 0) emptied?.();
    });
    hops.set(name, hop);
    return hop;
  }

  return {
    name: 'esmtp',
    limits: {
      recipients: limits.recipients,
      perNexthop: limits.connectionsPerNexthop * 2,
      inAll: limits.deliveriesInAll,
    },
    deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcomes> {
      if (signal.aborted || stopping.signal.aborted) return Promise.resolve(sameForAll(delivery, ownDeferral('4.3.2', 'message', 'We are stopping')));
      const unreachable = shared.unreachable.recall(delivery.nexthop);
      if (unreachable !== null) return Promise.resolve(sameForAll(delivery, stillUnreachable(unreachable)));
      return new Promise(resolve => {
        const hop = hopFor(delivery.nexthop);
        const job = new Job(delivery, outcomes => {
          signal.removeEventListener('abort', gaveUp);
          resolve(outcomes);
        });
        const gaveUp = () => hop.abandon(job);
        signal.addEventListener('abort', gaveUp);
        hop.submit(job);
      });
    },
    /** Messages on the wire are answered first; abort their signals to be faster. */
    async close() {
      stopping.abort();
      if (hops.size === 0) return;
      const gone = new Promise<void>(resolve => {
        emptied = resolve;
      });
      for (const hop of hops.values()) hop.close();
      if (hops.size > 0) await gone;
    },
  };
}

function sameForAll({ recipients }: Delivery, outcome: Outcome): Outcomes {
  return new Map(recipients.map(({ id }) => [id, outcome]));
}
