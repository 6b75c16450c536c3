/** Ways out over the network: router, destinations, resolver and the ESMTP transport, from the client's settings. */
import type { Configuration } from '../../configuration.ts';
import type { Chance, Clock } from '../../core/clock.ts';
import type { Envelope } from '../../core/envelope.ts';
import type { Kernels, MimeKernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import { noNotes, type Notes } from '../../core/notes.ts';
import { noTlsJournal, type TlsJournal } from '../../core/tls.ts';
import type { Destination, Destinations, Route, Router, Settled, Transport } from '../../core/transport.ts';
import type { ReceiveOptions } from '../../flow/receive/index.ts';
import { createOutgoing, createSigners, type ArcSealer } from '../../flow/outgoing/index.ts';
import { openEsmtpTransport, type Converter, type Look } from '../../flow/transport/esmtp/index.ts';
import { asciiDomain, isIp } from '../../grammar/domain.ts';
import { openConversion } from '../../grammar/mime/convert.ts';
import { openDeadlines } from '../../kit/deadlines.ts';
import { createDial } from '../../kit/net/dial.ts';
import { createStartTls } from '../../kit/net/start-tls.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { openNameService } from '../name-service.ts';
import type { Rules } from '../rules.ts';
import { createRoutePlan, proxyOf } from './route-plan.ts';
import { findWithStandIns, openSmarthosts } from './smarthosts.ts';
import { openTransportSecurity } from './transport-security.ts';

export interface Outbound {
  readonly router: Router;
  /** As DNS has them, for whoever only asks. */
  readonly destinations: Destinations;
  /** As mail goes to them, but for our logins. `tell` hears why TLS is as it is; null: that is not asked. */
  shown(nexthop: string, signal: AbortSignal, tell: ((step: string) => void) | null): Promise<Destination | Settled>;
  readonly transport: Transport;
  /** The way of mail that is past warntime: all that goes by ESMTP goes to `backuprelay`, when there is one. */
  late(route: Route): Route;
  /** What an operator has to look at: logins that are refused, tokens that are withdrawn. */
  troubles(): readonly string[];
  readonly resolver: Resolver;
  readonly reverse: NonNullable<ReceiveOptions['reverse']>;
  /** Routes follow the rules by themselves; this takes over timeouts, limits and the rest of the client's settings. */
  reload(): void;
  close(): Promise<void>;
}

export interface OutboundRooms {
  readonly kernels: Kernels & MimeKernels;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Hears how each session's TLS went. */
  readonly tlsJournal?: TlsJournal;
  /** What outlasts a restart; absent: nothing does. */
  readonly notes?: Notes;
}

const IDLE_CONNECTIONS = 50;

/** `delivering`: this process sends, so it is the one that keeps tokens fresh and counts what providers take. */
export function openOutbound(rules: () => Rules, rooms: OutboundRooms, delivering = false): Outbound {
  const deadlines = openDeadlines(rooms.clock);
  const resolver = openNameService(() => rules().configuration, rooms.clock);
  let plan = createRoutePlan(rules(), resolver, rooms.chance);
  const destinations: Destinations = { find: (nexthop, signal) => plan.destinations.find(nexthop, signal) };
  const security = openTransportSecurity(rules, {
    ...rooms, resolver, journal: rooms.tlsJournal ?? noTlsJournal, destinations, keeps: delivering,
    proxy: () => proxyOf(rules().configuration.client, undefined),
  });
  const smarthosts = delivering ? openSmarthosts({
    ...rooms, plan: () => plan.smarthosts, client: () => rules().configuration.client, stateFolder: rules().configuration.stateFolder,
    found: (nexthop, signal) => security.find(nexthop, signal),
  }) : null;
  const convert = createConverter(rooms.kernels);
  const open = () => openEsmtpTransport({
    ...rooms, notes: rooms.notes ?? noNotes, convert, destinations: smarthosts ?? security, deadlines, dial: createDial(deadlines), startTls: createStartTls(deadlines), look: createLooks(rules), nameOf: address => heloOf(resolver, address), ...clientSettings(rules().configuration),
  });
  let transport = open();
  const retired = new Set<typeof transport>();
  const dressed = () => createOutgoing({ ...rooms, ...convert, transport: { deliver: (job, signal) => transport.deliver(job, signal) }, mannerOf: nexthop => smarthosts?.mannerOf(nexthop), signers: createSigners(rules().configuration.dkim), ...sealerOf(rules().configuration) });
  let outgoing = dressed();

  return {
    router: { route: (to, envelope) => plan.routerOf(rules().of(envelope.origin)).route(to, envelope) },
    destinations,
    shown: (nexthop, signal, tell) => findWithStandIns(plan.smarthosts, nexthop, there => (tell === null ? destinations.find(there, signal) : security.find(there, signal, tell))),
    // The runner holds this one for life; what is behind it may be a newer one.
    transport: {
      name: 'esmtp',
      get limits() { return transport.limits; },
      deliver: (job, signal) => outgoing.deliver(job, signal),
      forgive: why => transport.forgive?.(why),
      close: () => transport.close(),
    },
    late: route => (route.transport === 'esmtp' ? (plan.late ?? route) : route),
    troubles: () => smarthosts?.troubles() ?? [],
    resolver,
    reverse: address => confirmedName(resolver, address),
    reload() {
      resolver.reload();
      plan = createRoutePlan(rules(), resolver, rooms.chance);
      const before = transport;
      transport = open();
      outgoing = dressed();
      // Deliveries that were given to it end there: a reload costs no message an attempt.
      retired.add(before);
      before.retire().catch((cause: unknown) => rooms.log.error('closing', { cause })).finally(() => retired.delete(before));
    },
    async close() {
      await Promise.all([...retired, transport].map(one => one.close()));
      await security.close();
      await smarthosts?.close();
      resolver.close();
      deadlines.close();
    },
  };
}

/** Our Authentication-Results speak as `me`. */
function sealerOf({ arcSeal, names }: Configuration): { readonly sealer?: ArcSealer } {
  return arcSeal === null ? {} : { sealer: { ...arcSeal, host: asciiDomain(names.me) ?? names.me } };
}

/** Each virtual host's, made once for each rules. */
function createLooks(rules: () => Rules): (envelope: Envelope) => Look {
  const looks = new WeakMap<Rules, Look>();
  return ({ origin }) => {
    const usual = rules();
    const own = usual.of(origin);
    let look = looks.get(own);
    if (look === undefined) looks.set(own, look = lookOf(own.configuration, own === usual ? '' : ` as ${origin.virtualHost ?? own.configuration.names.me}`));
    return look;
  };
}

function lookOf({ client: { source4, source6 }, names: { helo } }: Configuration, key: string): Look {
  return {
    key,
    helo: helo.kind === 'name' ? (asciiDomain(helo.name) ?? helo.name) : null,
    ...(source4 === null ? {} : { source4 }), ...(source6 === null ? {} : { source6 }),
  };
}

function clientSettings({ client }: Configuration) {
  const { timeouts } = client;
  return {
    timeouts: {
      connectMs: timeouts.connectMs, heloMs: timeouts.heloMs, commandMs: timeouts.commandMs, contentMs: timeouts.dataMs,
      quitMs: timeouts.quitMs, keepaliveMs: timeouts.keepAliveMs, keepalivePingMs: timeouts.keepAlivePingMs,
    },
    limits: { recipients: client.maxRecipients, connectionsPerNexthop: client.maxPerDomain, deliveriesInAll: client.maxDeliveries, idle: IDLE_CONNECTIONS },
    delayMs: client.delayMs,
    ...(client.trustedAuthorities === undefined ? {} : { trustedCertificates: [client.trustedAuthorities] }),
    ...(client.securityAuthorities === undefined ? {} : { securityCertificates: [client.securityAuthorities] }),
    ...(client.identity === undefined ? {} : { identity: { certificate: client.identity.certificate, key: client.identity.key } }),
  };
}

/** For next hops without 8BITMIME. What cannot be read as MIME goes as it is, from there on: nobody's mail is held back for it. */
function createConverter(kernels: MimeKernels): Converter {
  return {
    toSevenBit(content) {
      const conversion = openConversion({ to: '7bit', kernels, malformed: 'accept' });
      const source = content.read();
      if (Array.isArray(source)) return [...source.flatMap(piece => conversion.feed(piece)), ...conversion.finish().output];
      return convertStream(source, conversion);
    },
  };
}

async function* convertStream(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, conversion: ReturnType<typeof openConversion>): AsyncGenerator<Uint8Array> {
  for await (const piece of source) yield* conversion.feed(piece);
  yield* conversion.finish().output;
}

/** What a peer that looks back will find; else the address itself (RFC 5321 §4.1.4). */
async function heloOf(resolver: Resolver, address: string): Promise<string> {
  const found = await confirmedName(resolver, address);
  if (found.kind === 'found') return found.name;
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
}

/** A reverse name counts only when it leads back to the address (RFC 5321 §4.1.4 leaves the rest to us). */
async function confirmedName(resolver: Resolver, address: string): Promise<{ kind: 'found'; name: string } | { kind: 'none' } | { kind: 'unavailable' }> {
  if (!isIp(address)) return { kind: 'none' };
  // Our own programs need no name server to be known.
  if (address === '::1' || address.startsWith('127.')) return { kind: 'found', name: 'localhost' };
  const names = await resolver.ptr(address);
  if (names.kind !== 'found') return { kind: names.kind };
  for (const name of names.records.slice(0, 5)) {
    const forward = await (address.includes(':') ? resolver.aaaa(name) : resolver.a(name));
    if (forward.kind === 'unavailable') return forward;
    if (forward.kind === 'found' && forward.records.includes(address)) return { kind: 'found', name };
  }
  return { kind: 'none' };
}
