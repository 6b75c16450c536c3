/**
 * Which way a recipient goes: `esmtproutes` read from the top, the first line that fits wins. Answers from
 * configuration, without the network. The next hop it gives is a key: all mail for one smarthost shares one lane,
 * and mx.ts finds the same route again by the same key.
 */
import type { Recipient } from '../../core/envelope.ts';
import type { Proxy, RelayAuth, Route, Router, Settled, TlsPolicy } from '../../core/transport.ts';
import { domainOf } from '../../grammar/address.ts';
import { asciiDomain, isAscii } from '../../grammar/domain.ts';

/** One line of `esmtproutes`, with what other files say about it. */
export interface EsmtpRoute {
  /** `example.com`, `.example.com` for all names below it, '' for everything. In A-labels. */
  readonly match: string;
  /** Absent: the domain's own MX; the rest of the line still counts. */
  readonly relay?: RouteRelay;
  readonly tls: TlsPolicy;
  readonly proxy?: RouteProxy;
  readonly auth?: RelayAuth;
  /** `/SECURITY=STARTTLS` */
  readonly security?: 'starttls';
  readonly families?: 'ipv4' | 'ipv6';
}

/** How a next hop is used, whichever it is. */
export type Way = Omit<EsmtpRoute, 'match' | 'relay'>;

export interface RouteRelay {
  /** A name, or an address when `literal`. */
  readonly host: string;
  readonly port: number;
  /** It was written `[192.0.2.1]`: nothing is looked up. */
  readonly literal: boolean;
}

export interface RouteProxy extends Proxy {
  /** Who turns host names into addresses. MX records are looked up here in either case. */
  readonly resolve: 'local' | 'proxy';
}

export interface TableSettings {
  readonly routes: readonly EsmtpRoute[];
  /** The transport of domains that are not sent by ESMTP (local, uucp, fax, a trial's); null: by ESMTP. */
  readonly transportOf: (domain: string) => string | null;
  /** For recipients without a domain. */
  readonly defaultDomain: string;
  /** A virtual host's: the next hop of a domain without a relay, where that is sent otherwise than everybody's. */
  readonly ownNexthop?: (domain: string, route: EsmtpRoute | null) => string;
}

export function createRouteTable({ routes, transportOf, defaultDomain, ownNexthop = domain => domain }: TableSettings): Router {
  const find = createRouteFinder(routes);
  const keys = new Map(routes.map(route => [route, relayKey(route)]));
  return {
    route(to: Recipient): Route | Settled {
      // RFC 3464 §2.3.3: its members have the message; nobody else is to get one.
      if (to.expanded === true) return { kind: 'settled', outcome: { kind: 'expanded', status: '2.0.0' } };
      const domain = domainOf(to.address) || defaultDomain;
      const other = transportOf(domain);
      // A mailbox is a lane of its own: one whose owner's program hangs holds nobody else up.
      if (other !== null) return { kind: 'route', transport: other, nexthop: other === 'local' ? to.address : domain };
      const route = find(domain);
      return { kind: 'route', transport: 'esmtp', nexthop: (route === null ? null : keys.get(route)) ?? ownNexthop(domain, route) };
    },
  };
}

/** The way to a relay that no domain is asked for. */
export function relayRoute(route: EsmtpRoute): Route | null {
  const nexthop = relayKey(route);
  return nexthop === null ? null : { kind: 'route', transport: 'esmtp', nexthop };
}

/** Exact names and suffixes in one map each, so that ten thousand routes cost what two do. */
export function createRouteFinder(routes: readonly EsmtpRoute[]): (domain: string) => EsmtpRoute | null {
  const exact = new Map<string, number>();
  const below = new Map<string, number>();
  let all = Number.POSITIVE_INFINITY;
  routes.forEach(({ match }, n) => {
    const first = (map: Map<string, number>, key: string) => map.has(key) || map.set(key, n);
    if (match === '') all = Math.min(all, n);
    else if (match.startsWith('.')) first(below, match);
    else first(exact, match);
  });
  return written => {
    const domain = isAscii(written) ? written : (asciiDomain(written) ?? written);
    let best = Math.min(all, exact.get(domain) ?? Number.POSITIVE_INFINITY);
    for (let dot = domain.indexOf('.'); dot > 0; dot = domain.indexOf('.', dot + 1)) best = Math.min(best, below.get(domain.slice(dot)) ?? Number.POSITIVE_INFINITY);
    return routes[best] ?? null;
  };
}

/**
 * A relay as `esmtproutes` writes it, and how it is used when that is special: two routes to one host that differ in
 * TLS, proxy or login are two next hops. Null for a route without a relay. A comma keeps it apart from domains.
 */
export function relayKey({ relay, ...way }: EsmtpRoute): string | null {
  if (relay === undefined) return null;
  const { host, port, literal } = relay;
  return [`${literal ? `[${host}]` : host},${port}`, ...wayWords(way)].join(' ');
}

/** How a next hop is used, in words; none where nothing is special. */
export function wayWords({ tls, proxy, auth, families, security }: Way): readonly string[] {
  return [
    ...(security === undefined ? [] : ['SECURITY']),
    ...(tls.kind === 'opportunistic' ? [] : [tls.kind]),
    ...(tls.verify ? ['verify'] : []),
    ...(families === undefined ? [] : [families]),
    ...(auth === undefined ? [] : [`as ${auth.login}`]),
    ...chainOf(proxy).map(one => `by ${one.host},${one.port}`),
  ];
}

function chainOf(proxy: Proxy | undefined): readonly Proxy[] {
  return proxy === undefined ? [] : [proxy, ...chainOf(proxy.via)];
}
