/** Where mail goes and how, compiled from the rules: everybody's way, each virtual host's own, and that of mail that is late. */
import { networkInterfaces } from 'node:os';
import type { ClientSettings } from '../../configuration.ts';
import type { Chance } from '../../core/clock.ts';
import type { Destinations, Proxy, RelayAuth, Route, Router, TlsPolicy } from '../../core/transport.ts';
import { createDestinations, createRouteFinder, createRouteTable, relayRoute, wayWords, type EsmtpRoute, type RouteProxy, type Way } from '../../flow/route/index.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import { formatOwnWay } from '../../grammar/next-hop.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import type { Rules } from '../rules.ts';
import { planSmarthosts, type SmarthostPlan, type SmarthostRoute } from './smarthosts.ts';

export interface RoutePlan {
  routerOf(rules: Rules): Router;
  readonly destinations: Destinations;
  readonly smarthosts: SmarthostPlan;
  /** By `backuprelay`. */
  readonly late: Route | null;
}

const SMTP_PORT = 25;
const SMTPS_PORT = 465;

export function createRoutePlan(rules: Rules, resolver: Resolver, chance: Chance): RoutePlan {
  const { configuration: { client, names, domains, hosts: hostConfigurations } } = rules;
  const everybody = linesOf(rules);
  const hosts = new Map([...rules.hosts].map(([key, host]) => [key, { host, ...linesOf(host) }]));
  // A virtual host's relays are found by their keys; no domain matches them but in its own table.
  const hostRoutes = [...hosts.values()].flatMap(one => one.written.filter(({ text }) => text !== undefined).map(({ route, ...rest }) => ({ ...rest, route: { ...route, match: ' vhost' } })));
  const smarthosts = planSmarthosts(client, [...everybody.written, ...hostRoutes]);
  const own = new Set(Object.values(networkInterfaces()).flatMap(all => (all ?? []).map(one => one.address)));
  const ownNames = new Set([names.me, ...[...hostConfigurations.values()].map(host => host.names.me)].map(name => asciiDomain(name) ?? name));
  const usualProxy = proxyOf(client, undefined);
  const usual = { tls: tlsOf(client, undefined), ...(usualProxy === undefined ? {} : { proxy: usualProxy }) };
  const backup = backupRoute(client, usual);

  function ownNexthop(key: string, { logins }: Lines): (domain: string, route: EsmtpRoute | null) => string {
    return (domain, route) => {
      const common = everybody.find(domain);
      const way = wayWords(wayOf(route ?? usual, logins.get(domain))).join(' ');
      const same = common?.relay === undefined && way === wayWords(wayOf(common ?? usual, everybody.logins.get(domain))).join(' ');
      return same ? domain : formatOwnWay(domain, key);
    };
  }

  const usualTable = tableOf(rules, everybody.routes);
  const tables = new Map([...hosts].map(([key, { host, ...lines }]) => [host, tableOf(host, lines.routes, ownNexthop(key, lines))]));
  return {
    smarthosts,
    late: backup === null ? null : relayRoute(backup),
    routerOf: of => tables.get(of) ?? usualTable,
    destinations: createDestinations({
      // No domain matches it; it is found by its key.
      routes: [...everybody.routes, ...hostRoutes.map(({ route }) => route), ...(backup === null ? [] : [backup]), ...smarthosts.routes], resolver, chance, usual,
      port: SMTP_PORT,
      preferIpv6: client.preferIpv6,
      isOwnName: host => ownNames.has(host) || domains.locals.has(host),
      isOwnAddress: address => own.has(address),
      ownWay(domain, key) {
        const host = hosts.get(key);
        return host === undefined ? null : wayOf(host.find(domain) ?? usual, host.logins.get(domain));
      },
    }),
  };
}

interface Lines {
  readonly written: readonly SmarthostRoute[];
  readonly routes: readonly EsmtpRoute[];
  find(domain: string): EsmtpRoute | null;
  /** By relay, and by domains that have none (courier-core 5.4). */
  readonly logins: ReadonlyMap<string, RelayAuth>;
}

function linesOf({ configuration: { client } }: Rules): Lines {
  const logins = new Map(client.logins.map(({ relay, login, password }) => [relay, { login, password }]));
  const written = client.routes.map(one => ({ route: routeOf(client, one, logins), text: one.relay?.text, logins }));
  const routes = written.map(({ route }) => route);
  return { written, routes, find: createRouteFinder(routes), logins };
}

function wayOf(route: Way, login: RelayAuth | undefined): Way {
  return login === undefined ? route : { ...route, auth: login };
}

function tableOf(rules: Rules, routes: readonly EsmtpRoute[], ownNexthop?: (domain: string, route: EsmtpRoute | null) => string): Router {
  return createRouteTable({ routes, transportOf: domain => rules.ownTransport(domain), defaultDomain: rules.configuration.names.defaultDomain, ...(ownNexthop === undefined ? {} : { ownNexthop }) });
}

/** `backuprelay`: looked up like a relay of `esmtproutes` (MX and addresses). */
function backupRoute({ backupRelay }: ClientSettings, usual: Way): EsmtpRoute | null {
  if (backupRelay === undefined || backupRelay.transport !== 'esmtp') return null;
  const { host, port, literal } = backupRelay;
  return { ...usual, match: ' backuprelay', relay: { host, port: port ?? SMTP_PORT, literal } };
}

function routeOf(client: ClientSettings, { domain, relay, security, family, proxy }: ClientSettings['routes'][number], logins: Lines['logins']): EsmtpRoute {
  const through = proxyOf(client, proxy);
  // Keyed by the route's text (courier-core 5.4).
  const auth = relay === undefined ? undefined : logins.get(relay.text);
  return {
    match: domain,
    ...(relay === undefined ? {} : { relay: { host: relay.host, literal: relay.literal, port: relay.port ?? (security === 'smtps' ? SMTPS_PORT : SMTP_PORT) } }),
    tls: tlsOf(client, security),
    ...(security === 'starttls' ? { security } : {}),
    ...(through === undefined ? {} : { proxy: through }),
    ...(auth === undefined ? {} : { auth }),
    ...(family === undefined ? {} : { families: family === 4 ? 'ipv4' : 'ipv6' }),
  };
}

function tlsOf(client: ClientSettings, security: 'starttls' | 'required' | 'smtps' | undefined): TlsPolicy {
  // SECURITY=STARTTLS asks for a certificate by our private authority; nothing less may pass for it.
  if (security === 'starttls') return { kind: 'required', verify: true };
  return { kind: security ?? (client.useStartTls ? 'opportunistic' : 'none'), verify: client.verifyPeer };
}

/** The route's own word, else the proxy named `default`; null in a route means: none, whatever the default is. */
export function proxyOf(client: ClientSettings, name: string | null | undefined): RouteProxy | undefined {
  if (name === null) return undefined;
  const found = client.proxies.proxies.find(one => one.name === (name ?? 'default'));
  if (found === undefined) return undefined;
  return { ...plainProxy(found), resolve: found.resolve };
}

function plainProxy({ host, port, login, password, via }: ClientSettings['proxies']['proxies'][number]): Proxy {
  return { host, port, ...(login === undefined ? {} : { login }), ...(password === undefined ? {} : { password }), ...(via === undefined ? {} : { via: plainProxy(via) }) };
}
