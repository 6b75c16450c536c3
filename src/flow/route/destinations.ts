/**
 * From a next hop to addresses to connect to (RFC 5321 §5). A next hop is a domain, or a relay's text as the table
 * gave it; either way its route says how TLS, proxy and login are.
 */
import type { Chance } from '../../core/clock.ts';
import type { Destination, Destinations, Relay, Settled } from '../../core/transport.ts';
import { asciiDomain, isIp, literalAddress } from '../../grammar/domain.ts';
import { parseOwnWay } from '../../grammar/next-hop.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { deferred, failed, findMailExchangers, loops, shuffled, type Exchanger } from './mail-exchangers.ts';
import { createRouteFinder, relayKey, type EsmtpRoute, type RouteProxy, type Way } from './table.ts';

export interface DestinationSettings {
  readonly routes: readonly EsmtpRoute[];
  readonly resolver: Pick<Resolver, 'mx' | 'a' | 'aaaa'>;
  readonly chance: Chance;
  /** For domains without a route; a route is complete in itself and inherits nothing. */
  readonly usual: Pick<EsmtpRoute, 'tls' | 'proxy'>;
  /** Port of mail exchangers; 25. */
  readonly port: number;
  readonly preferIpv6: boolean;
  /** Is this host name, or this address, one of ours? Not asked for configured relays. */
  readonly isOwnName: (host: string) => boolean;
  readonly isOwnAddress: (address: string) => boolean;
  /** How a virtual host reaches a domain, where that is special (grammar/next-hop.ts). */
  readonly ownWay?: (domain: string, host: string) => Way | null;
}

/** MX lists may be long on purpose; nobody needs to try more (RFC 5321 §5.1 asks for at least two). */
const RELAYS = 40;

type Manner = Pick<Destination, 'tls' | 'proxy' | 'auth' | 'security'> & { readonly families?: EsmtpRoute['families']; readonly proxyResolves: boolean; readonly known?: boolean };

export function createDestinations(settings: DestinationSettings): Destinations {
  const routeOf = createRouteFinder(settings.routes);
  const byRelay = new Map<string, EsmtpRoute>();
  for (const route of settings.routes) {
    const key = relayKey(route);
    if (key !== null && !byRelay.has(key)) byRelay.set(key, route);
  }
  function usualWay(domain: string): Way {
    const route = routeOf(domain);
    if (route?.relay === undefined) return route ?? settings.usual;
    // The line came after the domain was routed. What we are to its relay is nobody else's to hear.
    const { auth: _, ...way } = route;
    return way;
  }

  return {
    find(nexthop) {
      const relayed = byRelay.get(nexthop);
      if (relayed?.relay !== undefined) return findRelay(settings, relayed.relay, mannerOf(relayed));
      const own = parseOwnWay(nexthop);
      if (own !== null) return findDomain(settings, own.domain, mannerOf(settings.ownWay?.(own.domain, own.host) ?? usualWay(own.domain)));
      return findDomain(settings, nexthop, mannerOf(usualWay(nexthop)));
    },
  };
}

function mannerOf({ tls, proxy, auth, families, security }: Way): Manner {
  return {
    tls,
    proxyResolves: proxy?.resolve === 'proxy',
    ...(proxy === undefined ? {} : { proxy: plainProxy(proxy) }),
    ...(auth === undefined ? {} : { auth }),
    ...(families === undefined ? {} : { families }),
    ...(security === undefined ? {} : { security }),
  };
}

function plainProxy({ host, port, login, password, via }: RouteProxy): NonNullable<Destination['proxy']> {
  return { host, port, ...(login === undefined ? {} : { login }), ...(password === undefined ? {} : { password }), ...(via === undefined ? {} : { via }) };
}

async function findDomain(settings: DestinationSettings, domain: string, usual: Manner): Promise<Destination | Settled> {
  const literal = literalAddress(domain);
  if (literal !== null) {
    return settings.isOwnAddress(literal) ? loops(domain) : destination([{ host: literal, address: literal, port: settings.port }], { ...usual, known: true });
  }
  if (isIp(domain)) return failed('5.1.2', `${domain} is an address; as a domain it is written [${domain}]`);
  const ascii = asciiDomain(domain);
  if (ascii === null) return failed('5.1.2', `The domain ${domain} cannot be written in DNS`);
  const found = await findMailExchangers(settings, ascii);
  if (found.kind === 'settled') return found;
  // Without MX the host is the domain itself, and its certificate says so.
  const manner: Manner = { ...usual, known: found.kind === 'implicit' || found.authentic };
  const hosts = found.kind === 'hosts' ? found.hosts : [{ host: ascii, preference: 0 }];
  if (found.kind === 'implicit' && settings.isOwnName(ascii)) return loops(domain);
  if (manner.proxyResolves) return destination(hosts.map(({ host }) => ({ host, port: settings.port })), manner);
  return findAddresses(settings, { domain: ascii, hosts, port: settings.port, checkLoop: true }, manner);
}

/** A configured relay: its name may have MX records, or addresses only. Loops are the administrator's affair. */
async function findRelay(settings: DestinationSettings, relay: NonNullable<EsmtpRoute['relay']>, usual: Manner): Promise<Destination | Settled> {
  const { port } = relay;
  const manner: Manner = { ...usual, known: true };
  if (relay.literal || isIp(relay.host)) return destination([{ host: relay.host, address: relay.host, port }], manner);
  const ascii = asciiDomain(relay.host) ?? relay.host;
  const found = await findMailExchangers({ ...settings, isOwnName: () => false }, ascii);
  // What is wrong with our relay is no reason to return mail, whatever the wrong is.
  if (found.kind === 'settled') return found.outcome.kind === 'failed' ? deferred('4.4.4', `The relay ${relay.host}: ${found.outcome.said?.text ?? 'not usable'}`) : found;
  const hosts = found.kind === 'hosts' ? found.hosts : [{ host: ascii, preference: 0 }];
  if (manner.proxyResolves) return destination(hosts.map(({ host }) => ({ host, port })), manner);
  const addresses = await findAddresses(settings, { domain: ascii, hosts, port, checkLoop: false }, manner);
  if (addresses.kind === 'settled' && addresses.outcome.kind === 'failed') return deferred('4.4.4', `The relay ${relay.host} has no usable address`);
  return addresses;
}

interface Wanted {
  readonly domain: string;
  readonly hosts: readonly Exchanger[];
  readonly port: number;
  readonly checkLoop: boolean;
}

async function findAddresses(settings: DestinationSettings, { domain, hosts, port, checkLoop }: Wanted, manner: Manner): Promise<Destination | Settled> {
  const relays: Relay[] = [];
  let trouble: string | null = null;
  const looked = await Promise.all(hosts.slice(0, RELAYS).map(async ({ host, preference }) => ({ host, preference, ...await addressesOf(settings, host, manner) })));
  for (const { host, preference, addresses, unavailable } of looked) {
    trouble ??= unavailable;
    if (checkLoop && addresses.some(settings.isOwnAddress)) {
      // The host behind another name is still us: what is not better than we are may not be tried.
      const better = relays.filter(relay => preferenceOf(hosts, relay.host) < preference);
      return better.length > 0 ? destination(better, manner) : loops(domain);
    }
    for (const address of addresses) if (relays.length < RELAYS) relays.push({ host, address, port });
  }
  if (relays.length > 0) return destination(relays, manner);
  if (trouble !== null) return deferred('4.4.3', trouble);
  return failed('5.4.4', `No mail exchanger of ${domain} has an address`);
}

function preferenceOf(hosts: readonly Exchanger[], name: string): number {
  return hosts.find(({ host }) => host === name)?.preference ?? 0;
}

/** The preferred family first; one that cannot be looked up does not hide the other. */
async function addressesOf({ resolver, chance, preferIpv6 }: DestinationSettings, host: string, { families }: Manner): Promise<{ addresses: string[]; unavailable: string | null }> {
  const [four, six] = await Promise.all([
    families === 'ipv6' ? null : resolver.a(host),
    families === 'ipv4' ? null : resolver.aaaa(host),
  ]);
  const answers = preferIpv6 ? [six, four] : [four, six];
  const unavailable = answers.find(answer => answer?.kind === 'unavailable');
  return {
    addresses: answers.flatMap(answer => (answer?.kind === 'found' ? shuffled(answer.records, chance) : [])),
    unavailable: unavailable?.kind === 'unavailable' ? unavailable.why : null,
  };
}

function destination(relays: readonly Relay[], { tls, proxy, auth, security, known }: Manner): Destination {
  return {
    kind: 'destination', relays, tls,
    ...(proxy === undefined ? {} : { proxy }), ...(auth === undefined ? {} : { auth }),
    ...(security === undefined ? {} : { security }), ...(known === true ? { known } : {}),
  };
}
