/** Which TLS next hops get: the room's decision over this gateway's resolver, proxies, folders and `tlspolicy`. */
import { join } from 'node:path';
import type { Chance, Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TlsJournal } from '../../core/tls.ts';
import type { Destination, Destinations, Settled } from '../../core/transport.ts';
import { createTlsDecision, openStsCache, openStsPolicies } from '../../flow/tls/index.ts';
import { networkHas, parseIpAddress } from '../../grammar/config/network.ts';
import type { Proxies } from '../../grammar/config/proxies.ts';
import { createTlsRuleFinder } from '../../grammar/config/ways-out/tls-policies.ts';
import { openHttpClient } from '../../kit/net/http-client.ts';
import type { Proxy } from '../../kit/net/socks.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { addressesOf } from '../name-service.ts';
import type { Rules } from '../rules.ts';

export interface TransportSecurity {
  /** What `destinations` finds, with a policy for each relay; `tell` hears why. */
  find(nexthop: string, signal: AbortSignal, tell?: (step: string) => void): Promise<Destination | Settled>;
  close(): Promise<void>;
}

export interface SecurityRooms {
  readonly destinations: Destinations;
  readonly resolver: Resolver;
  /** What fetches policies goes through. */
  readonly proxy: () => Proxy | undefined;
  readonly journal: TlsJournal;
  /** Policies that are fetched are kept on disk: whoever only looks leaves nothing of another account's there. */
  readonly keeps: boolean;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

export function openTransportSecurity(rules: () => Rules, { destinations, resolver, proxy, journal, keeps, clock, log }: SecurityRooms): TransportSecurity {
  const http = openHttpClient({ clock, proxy, lookUp: host => addressesOf(resolver, host), connections: 1 });
  const sts = openStsPolicies({ resolver, http, clock, log, cache: openStsCache({ folder: join(rules().configuration.stateFolder, 'mta-sts'), log, keeps }) });
  let compiled: { readonly of: Rules; readonly find: ReturnType<typeof ruleFinder> } | null = null;

  function ruleOf(domain: string) {
    const of = rules();
    if (compiled?.of !== of) compiled = { of, find: ruleFinder(of) };
    return compiled.find(domain);
  }
  const decision = createTlsDecision({ resolver, sts, ruleOf, journal });

  return {
    async find(nexthop, signal, tell) {
      const found = await destinations.find(nexthop, signal);
      return found.kind === 'destination' ? decision.apply(nexthop, withDirect(found, rules().configuration.client.proxies), tell) : found;
    },
    async close() {
      await http.close();
      await sts.close();
    },
  };
}

function ruleFinder({ configuration }: Rules) {
  return createTlsRuleFinder(configuration.client.tls);
}

/** `noproxy` is about the proxy `default`: who names another for a route means it. */
function withDirect(destination: Destination, { proxies, noProxy }: Proxies): Destination {
  const { proxy, relays } = destination;
  const usual = proxies.find(({ name }) => name === 'default');
  if (proxy === undefined || noProxy.length === 0 || usual?.host !== proxy.host || usual.port !== proxy.port) return destination;
  const isDirect = (text: string | undefined): boolean => {
    const address = text === undefined ? null : parseIpAddress(text);
    return address !== null && noProxy.some(network => networkHas(network, address));
  };
  return { ...destination, relays: relays.map(relay => (isDirect(relay.address) ? { ...relay, direct: true } : relay)) };
}
