/**
 * Smarthosts: next hops that are ours by contract. To what routing finds this adds who we say we are there (a password, or a
 * token that is fresh), which relays stand in when one is down, and how mail is to look and to be counted.
 */
import type { ClientSettings, OauthSettings, SmarthostSettings } from '../../configuration.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Deferred } from '../../core/outcome.ts';
import type { TokenKeeper } from '../../core/tokens.ts';
import type { Destination, Destinations, Relay, RelayAuth, Settled, TlsPolicy } from '../../core/transport.ts';
import { openQuotas, type Manner, type Quotas } from '../../flow/outgoing/index.ts';
import { relayKey, type EsmtpRoute } from '../../flow/route/index.ts';
import { mapSender } from '../../grammar/config/ways-out/sender-maps.ts';
import { placeOf } from '../../grammar/next-hop.ts';
import { openHttpClient, type HttpClient } from '../../kit/net/http-client.ts';
import { createTokenFiles, openTokenKeeper, type Account } from '../../service/oauth/index.ts';

/** How one smarthost is used; made anew with each configuration. */
export interface SmarthostPlan {
  /** Ways to those that stand in: no domain leads there, their keys do. */
  readonly routes: readonly EsmtpRoute[];
  hostOf(nexthop: string): { readonly host: SmarthostSettings; readonly standIns: readonly StandIn[] } | undefined;
  /** At a domain that has no relay; a relay's login stands in its route. */
  loginAt(nexthop: string): RelayAuth | undefined;
}

/** A route, and whose it is. */
export interface SmarthostRoute {
  readonly route: EsmtpRoute;
  /** Its relay as it is written, the key into `smarthosts` and `esmtpauthclient` (courier-core 5.4). */
  readonly text: string | undefined;
  /** Of everybody, or of the virtual host whose route it is; by the same keys. */
  readonly logins: ReadonlyMap<string, RelayAuth>;
}

interface StandIn {
  /** Its key into `smarthosts`. */
  readonly text: string;
  readonly nexthop: string;
}

const SMTPS_PORT = 465;
const SMTP_PORT = 25;

export function planSmarthosts({ smarthosts, logins: everybodys }: ClientSettings, routes: readonly SmarthostRoute[]): SmarthostPlan {
  const byRelay = new Map(smarthosts.map(host => [host.relay, host]));
  const byDomain = new Map(everybodys.map(({ relay, login, password }) => [relay, { login, password }]));
  const byNexthop = new Map<string, { readonly host: SmarthostSettings; readonly standIns: readonly StandIn[] }>();
  const extra: EsmtpRoute[] = [];
  for (const { text, route, logins } of routes) {
    const host = text === undefined ? undefined : byRelay.get(text);
    const nexthop = relayKey(route);
    if (host === undefined || nexthop === null || byNexthop.has(nexthop)) continue;
    const standIns = host.backups.map(({ host: name, literal, port, text: key }): StandIn => {
      const { auth: _, ...manner } = route;
      const auth = logins.get(key);
      const own: EsmtpRoute = { ...manner, ...(auth === undefined ? {} : { auth }), match: ' smarthosts', tls: tlsOf(route, port), relay: { host: name, literal, port: port ?? SMTP_PORT } };
      extra.push(own);
      return { text: key, nexthop: relayKey(own) ?? '' };
    });
    byNexthop.set(nexthop, { host, standIns });
  }
  return {
    routes: extra,
    loginAt: nexthop => (placeOf(nexthop).relayed ? undefined : byDomain.get(nexthop)),
    hostOf(nexthop) {
      if (byRelay.size === 0) return undefined; // asked for every delivery
      const relayed = byNexthop.get(nexthop);
      if (relayed !== undefined) return relayed;
      const direct = byRelay.get(placeOf(nexthop).text);
      return direct === undefined ? undefined : { host: direct, standIns: [] };
    },
  };
}

function waysOf(host: SmarthostSettings | undefined): Pick<RelayAuth, 'mechanisms' | 'inClear'> {
  return { ...(host?.mechanisms === undefined ? {} : { mechanisms: host.mechanisms }), ...(host?.inClear === true ? { inClear: true } : {}) };
}

/** No weaker than where it stands in for. */
function tlsOf({ tls }: EsmtpRoute, port: number | undefined): TlsPolicy {
  if (port === SMTPS_PORT) return { kind: 'smtps', verify: tls.verify };
  return tls.kind === 'smtps' ? { kind: 'required', verify: tls.verify } : tls;
}

export interface SmarthostDesk extends Destinations {
  mannerOf(nexthop: string): Manner | undefined;
  /** What an operator has to look at. */
  troubles(): readonly string[];
  close(): Promise<void>;
}

export interface SmarthostRooms {
  /** As routing and TLS policy find them. */
  readonly found: Destinations['find'];
  plan(): SmarthostPlan;
  client(): ClientSettings;
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export function openSmarthosts(rooms: SmarthostRooms): SmarthostDesk {
  const { clock, log, stateFolder } = rooms;
  const tokens = openTokens(rooms);
  const quotas: Quotas = openQuotas({ folder: stateFolder, clock, log });
  const accountsOf = new WeakMap<RelayAuth, string>();
  const manners = new WeakMap<SmarthostSettings, Manner>();
  /** Logins that were refused and have not been accepted since. */
  const refused = new Map<string, string>();

  async function tokenOf(account: string, host: SmarthostSettings, signal: AbortSignal): Promise<RelayAuth | Settled> {
    const answer = await tokens.find(account, signal);
    switch (answer.kind) {
      case 'token': {
        const auth: RelayAuth = { login: answer.login, token: answer.token, ...waysOf(host) };
        accountsOf.set(auth, account);
        return auth;
      }
      case 'none':
        return deferred('4.7.8', answer.why);
      case 'unavailable':
        return deferred('4.7.0', answer.why);
      default:
        return answer satisfies never;
    }
  }

  /** One smarthost and its login; the relays know the login where they are put together with others. */
  async function findOne(nexthop: string, key: string, signal: AbortSignal): Promise<Destination | Settled> {
    const host = rooms.plan().hostOf(key)?.host ?? rooms.plan().hostOf(nexthop)?.host;
    const token = host?.oauth === undefined ? undefined : await tokenOf(host.oauth, host, signal);
    if (token !== undefined && 'kind' in token) return token;
    const found = await rooms.found(nexthop, signal);
    if (found.kind === 'settled') return found;
    if (token !== undefined) return { ...found, auth: token };
    const login = found.auth ?? rooms.plan().loginAt(nexthop);
    return login === undefined ? found : { ...found, auth: { ...login, ...waysOf(host) } };
  }

  return {
    find: (nexthop, signal) => findWithStandIns(rooms.plan(), nexthop, (there, key) => findOne(there, key, signal)),
    loggedIn(auth, answer) {
      const account = accountsOf.get(auth);
      if (account !== undefined && 'token' in auth) {
        if (answer.kind === 'refused') tokens.refused(account, auth.token, answer.why);
        else tokens.accepted(account, auth.token);
        return;
      }
      const before = refused.get(auth.login);
      if (answer.kind === 'accepted') {
        if (refused.delete(auth.login)) log.info('alarm', { alarm: 'login', state: 'cleared', login: auth.login, text: `the login ${auth.login} is accepted again` });
        return;
      }
      refused.set(auth.login, answer.why);
      if (before === undefined) log.warn('alarm', { alarm: 'login', state: 'raised', login: auth.login, text: answer.why });
    },
    mannerOf(nexthop) {
      const host = rooms.plan().hostOf(nexthop)?.host;
      if (host === undefined) return undefined;
      const known = manners.get(host);
      if (known !== undefined) return known;
      const { relay, map, fields, replyTo, messages, recipients } = host;
      const manner: Manner = {
        name: relay,
        ...(map.length === 0 ? {} : { senders: { replace: address => mapSender(map, address), fields, replyTo } }),
        ...(messages.length === 0 && recipients.length === 0 ? {} : { quota: quotas.of(relay, { messages, recipients }) }),
      };
      manners.set(host, manner);
      return manner;
    },
    troubles: () => [...tokens.troubles(), ...refused.values()],
    async close() {
      await tokens.close();
      await quotas.close();
    },
  };
}

/** The relays of a next hop, then of those that stand in for it. `findOne` is also told their keys into `smarthosts`. */
export async function findWithStandIns(plan: SmarthostPlan, nexthop: string, findOne: (nexthop: string, key: string) => Promise<Destination | Settled>): Promise<Destination | Settled> {
  const known = plan.hostOf(nexthop);
  const main = await findOne(nexthop, known?.host.relay ?? nexthop);
  if (known === undefined || known.standIns.length === 0) return main;
  const relays: Relay[] = main.kind === 'destination' ? [...main.relays] : [];
  let base = main.kind === 'destination' ? main : null;
  for (const { nexthop: there, text } of known.standIns) {
    const found = await findOne(there, text);
    if (found.kind === 'settled') continue;
    base ??= found;
    relays.push(...found.relays.map(relay => ({ ...relay, tls: relay.tls ?? found.tls, auth: found.auth ?? null })));
  }
  return base === null ? main : { ...base, relays, failover: true };
}

/** The keeper is there from the first account on; most gateways have none, and nothing runs for them. */
function openTokens({ client, stateFolder, clock, log }: SmarthostRooms): TokenKeeper {
  const clients = new Map<string, HttpClient>();
  let keeper: TokenKeeper | null = null;
  const accounts = () => client().oauth.map(accountOf);
  function open(): TokenKeeper {
    keeper ??= openTokenKeeper({
      accounts, files: createTokenFiles(stateFolder), clock, log,
      http({ name }) {
        const found = clients.get(name) ?? openHttpClient({ clock, proxy: () => client().oauth.find(one => one.name === name)?.via });
        clients.set(name, found);
        return found;
      },
    });
    return keeper;
  }
  if (client().oauth.length > 0) open();
  return {
    find: (name, signal) => open().find(name, signal),
    refused: (...news) => keeper?.refused(...news),
    accepted: (...news) => keeper?.accepted(...news),
    troubles: () => keeper?.troubles() ?? [],
    async close() {
      for (const one of clients.values()) await one.close();
      await keeper?.close();
    },
  };
}

export function accountOf({ name, login, client, secret, scope, grant, deviceUrl, authorizeUrl, tokenUrl, via }: OauthSettings): Account {
  return {
    name, login, client, scope, grant, tokenUrl,
    ...(secret === undefined ? {} : { secret }), ...(deviceUrl === undefined ? {} : { deviceUrl }), ...(authorizeUrl === undefined ? {} : { authorizeUrl }), ...(via === undefined ? {} : { via }),
  };
}

function deferred(status: Deferred['status'], text: string): Settled {
  return { kind: 'settled', outcome: { kind: 'deferred', status, blame: 'nexthop', said: { type: 'x-gateway', text } } };
}
