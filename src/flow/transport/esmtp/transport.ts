/** Finds each message its next hop, keeps what all next hops share, and stops when asked. */
import type { Interruption } from '../../../core/clock.ts';
import type { Outcome, Outcomes } from '../../../core/outcome.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import { SharedRead } from '../../../kit/net/shared-read.ts';
import { createBriefMemory } from './brief-memory.ts';
import { createBrokenTls } from './broken-tls.ts';
import { demandKey, demandOf, relaxed, type Demand } from './demand.ts';
import { createDownRelays } from './down-relays.ts';
import { Job } from './job.ts';
import { NextHop, stillUnreachable, type Shared } from './next-hop.ts';
import { ownDeferral } from './outcomes.ts';
import type { Manner } from './session.ts';
import type { EsmtpSettings } from './settings.ts';
import { failedForTls, saysTlsIsNotRequired } from './tls-required.ts';

/** Relays and next hops remembered as down; the oldest is forgotten first. */
const REMEMBERED = 10_000;
/** Replies read at once. */
const REPLY_OCTETS = 16 * 1024;

export interface EsmtpTransport extends Transport {
  /**
   * Another one takes what is new: this one delivers all that it was given, on new connections too, keeps none that has
   * nothing to do, and is done. close() ends it sooner.
   */
  retire(): Promise<void>;
}

export function openEsmtpTransport(settings: EsmtpSettings): EsmtpTransport {
  const hops = new Map<string, NextHop>();
  const stopping = new AbortController();
  let retiring = false;
  const { limits, clock, metrics } = settings;
  const connections = metrics.counter('posthorn_esmtp_connections_total', 'Outgoing SMTP connections by result');
  const shared: Shared = {
    settings,
    brokenTls: createBrokenTls(settings),
    unreachable: createBriefMemory(clock, REMEMBERED),
    downRelays: createDownRelays(clock, REMEMBERED),
    recipients: createBriefMemory(clock, REMEMBERED),
    signal: stopping.signal,
    retiring: () => retiring,
    idle: new Set(),
    reads: new SharedRead(REPLY_OCTETS),
    counts: { connection: result => connections.add(1, { result }) },
  };
  const gone = Promise.withResolvers<void>();

  function whenGone(): Promise<void> {
    if (hops.size === 0) gone.resolve();
    return gone.promise;
  }

  /** Connections for mail with a demand, or with another look, are its own. */
  function hopFor(name: string, key: string, manner: Manner): NextHop {
    const known = hops.get(key);
    if (known !== undefined) return known;
    const hop = new NextHop(name, key, manner, shared, () => {
      if (hops.get(key) === hop) hops.delete(key);
      if (retiring || stopping.signal.aborted) void whenGone();
    });
    hops.set(key, hop);
    return hop;
  }

  function attempt(delivery: Delivery, demand: Demand, signal: Interruption): Promise<Outcomes> {
    if (signal.aborted || stopping.signal.aborted) return Promise.resolve(sameForAll(delivery, ownDeferral('4.3.2', 'message', 'We are stopping')));
    const { nexthop, envelope } = delivery;
    const look = settings.look(envelope);
    const key = nexthop + demandKey(demand) + look.key;
    const unreachable = shared.unreachable.recall(key);
    if (unreachable !== null) {
      const outcomes = sameForAll(delivery, stillUnreachable(unreachable));
      return mayRelax(demand, outcomes) ? relax(delivery, outcomes, signal) : Promise.resolve(outcomes);
    }
    return new Promise(resolve => {
      const hop = hopFor(nexthop, key, { demand, look });
      const job = new Job(delivery, outcomes => {
        signal.removeEventListener('abort', gaveUp);
        resolve(mayRelax(demand, outcomes) ? relax(delivery, outcomes, signal) : outcomes);
      });
      const gaveUp = () => hop.abandon(job);
      signal.addEventListener('abort', gaveUp);
      hop.submit(job);
    });
  }

  async function relax(delivery: Delivery, outcomes: Outcomes, signal: Interruption): Promise<Outcomes> {
    try {
      return (await saysTlsIsNotRequired(delivery.content)) ? await attempt(delivery, relaxed, signal) : outcomes;
    } catch (cause) {
      settings.log.error('content', { id: delivery.id, cause });
      return outcomes;
    }
  }

  return {
    name: 'esmtp',
    limits: {
      recipients: limits.recipients,
      perNexthop: limits.connectionsPerNexthop * 2,
      inAll: limits.deliveriesInAll,
    },
    deliver(delivery: Delivery, signal: Interruption): Promise<Outcomes> {
      return attempt(delivery, demandOf(delivery.envelope), signal);
    },
    forgive(why) {
      shared.unreachable.clear();
      shared.downRelays.clear();
      // A link that comes and goes says nothing of what a host is able to do.
      if (why === 'flush') shared.brokenTls.clear();
    },
    /** Messages on the wire are answered first; abort their signals to be faster. */
    close() {
      stopping.abort();
      for (const hop of hops.values()) hop.close();
      return whenGone();
    },
    retire() {
      retiring = true;
      for (const hop of hops.values()) hop.retire();
      return whenGone();
    },
  };
}

/** Only mail that demands nothing may be content with less. */
function mayRelax(demand: Demand, outcomes: Outcomes): boolean {
  return demandKey(demand) === '' && failedForTls(outcomes);
}

function sameForAll({ recipients }: Delivery, outcome: Outcome): Outcomes {
  return new Map(recipients.map(({ id }) => [id, outcome]));
}
