/**
 * From a relay to a connection that is ready for MAIL:
 *
 *   dial ─▶ greeting ─▶ EHLO (HELO) ─▶ STARTTLS ─▶ EHLO ─▶ AUTH ─▶ open
 *     │         │            │             │                  │
 *     ▼         ▼            ▼             ▼                  ▼
 *   next     stop: it       stop         next, or the        next
 *   relay    answered                    same in clear
 *
 * A host that answers 4yz or 5yz speaks for the domain, and nobody else is asked; a host that cannot be reached, cannot
 * do the TLS we need or refuses our login does not (RFC 5321 §5.1, and Courier's practice).
 */
import { isIP } from 'node:net';
import type { Outcome } from '../../../core/outcome.ts';
import type { TlsFailure } from '../../../core/tls.ts';
import type { Destination, Relay, RelayAuth, TlsPolicy } from '../../../core/transport.ts';
import type { Reply } from '../../../grammar/smtp/reply.ts';
import type { Dialled } from '../../../kit/net/dial.ts';
import type { TlsFault, TlsRequest, TlsState } from '../../../kit/net/start-tls.ts';
import type { BrokenTls } from './broken-tls.ts';
import { lacking, termsFor, unpromised, type Demand } from './demand.ts';
import { authenticate, type Authenticated } from './client-auth.ts';
import { noExtensions, parseExtensions, type Extensions } from './extensions.ts';
import { formatSaid, isSuccess, lossOutcome, ownDeferral, refusedOutcome, type Loss, type Peer } from './outcomes.ts';
import type { EsmtpSettings, Look } from './settings.ts';
import { Wire } from './wire.ts';

export type Session =
  | { readonly kind: 'open'; readonly wire: Wire; readonly extensions: Extensions; readonly peer: Peer; readonly security: Security }
  /** This relay cannot be used; another may. */
  | { readonly kind: 'next'; readonly outcome: Outcome }
  /** No other relay would be better. */
  | { readonly kind: 'stop'; readonly outcome: Outcome };

/** verified: somebody vouches for the peer; who, its policy says. */
export interface Security {
  readonly kind: 'clear' | 'encrypted' | 'verified';
  readonly policy: TlsPolicy;
}

type NotOpen = Exclude<Session, { kind: 'open' }>;

export interface SessionContext {
  readonly settings: EsmtpSettings;
  readonly brokenTls: BrokenTls;
  readonly signal: AbortSignal;
}

export async function openSession(context: SessionContext, destination: Destination, relay: Relay, { demand, look }: Manner): Promise<Session> {
  const terms = termsFor(destination, relay, demand, context.settings.securityCertificates);
  if (terms.kind === 'terms' && terms.tls.forbidden !== undefined) {
    return { kind: 'next', outcome: ownDeferral('4.7.5', 'nexthop', `This host may not be used: ${terms.tls.forbidden}`, { remoteMta: relay.host }) };
  }
  if (terms.kind === 'impossible') return { kind: 'next', outcome: terms.outcome };
  const to: Towards = { destination, relay, tls: terms.tls, demand, look };
  const opened = await attempt(context, to, context.brokenTls.has(relay));
  if (opened.kind !== 'in clear') return opened;
  // Its TLS just broke, and nobody asked for it: the same host at once again, in clear.
  const again = await attempt(context, to, true);
  return again.kind === 'in clear' ? { kind: 'next', outcome: ownDeferral('4.7.5', 'nexthop', again.why) } : again;
}

/** What is demanded of the session, and how we show ourselves in it. */
export interface Manner {
  readonly demand: Demand;
  readonly look: Look;
}

interface Towards extends Manner {
  readonly destination: Destination;
  readonly relay: Relay;
  readonly tls: TlsPolicy;
}

interface InClear {
  readonly kind: 'in clear';
  readonly why: string;
}

async function attempt(context: SessionContext, to: Towards, plain: boolean): Promise<Session | InClear> {
  const { settings, signal } = context;
  const { destination, relay, tls, look } = to;
  const source = (relay.address ?? '').includes(':') ? look.source6 : look.source4;
  const proxy = relay.direct === true ? undefined : destination.proxy;
  const peer: Peer = { remoteMta: relay.address === undefined || relay.address === relay.host ? relay.host : `${relay.host} [${relay.address}]` };
  const dialled = await settings.dial({
    host: relay.host,
    port: relay.port,
    timeoutMs: settings.timeouts.connectMs,
    signal,
    ...(relay.address === undefined ? {} : { address: relay.address }),
    // Behind a proxy the address is the proxy's.
    ...(proxy === undefined ? (source === undefined ? {} : { localAddress: source }) : { proxy }),
    ...(tls.kind === 'smtps' ? { tls: requestOf(tls, settings) } : {}),
  });
  if (dialled.kind === 'tls') tellTls(context, relay, tls, { type: dialled.fault ?? 'validation-failure', why: dialled.why });
  if (dialled.kind !== 'connected') return notConnected(context, dialled, to.demand, peer);

  const wire = new Wire(dialled.socket, settings.deadlines);
  const aborted = () => wire.lose({ kind: 'aborted', why: 'We are stopping' });
  signal.addEventListener('abort', aborted);
  try {
    if (signal.aborted) aborted();
    return await greet(context, { ...to, wire, peer, plain, ...(dialled.tls === undefined ? {} : { implicit: dialled.tls }) });
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

function notConnected({ settings }: SessionContext, failed: Exclude<Dialled, { kind: 'connected' }>, demand: Demand, peer: Peer): Session {
  if (failed.ours === true) settings.log.error('connect', { remoteMta: peer.remoteMta, why: failed.why });
  if (failed.kind === 'aborted') return { kind: 'stop', outcome: ownDeferral('4.3.2', 'message', 'We are stopping', peer) };
  if (failed.kind === 'tls' && isUntrusted(failed.fault)) return { kind: 'next', outcome: lacking(demand, '4.7.5', failed.why, peer) };
  // RFC 3463 §3.5: 4.4.1 no answer from host; 4.7.5 for TLS as RFC 3463 §3.8 has it; 4.4.0 for what lies between.
  const status = failed.kind === 'tls' ? '4.7.5' : failed.kind === 'proxy' ? '4.4.0' : '4.4.1';
  const outcome = ownDeferral(status, 'nexthop', failed.why, peer);
  // A proxy that is down, or wrongly configured, is so for every relay.
  return { kind: failed.kind === 'proxy' ? 'stop' : 'next', outcome };
}

/** One relay being called. */
interface Call extends Towards {
  readonly wire: Wire;
  readonly peer: Peer;
  /** Its TLS is known to be broken, and nobody insists. */
  readonly plain: boolean;
  /** TLS from the first octet, done already. */
  readonly implicit?: TlsState;
}

async function greet(context: SessionContext, call: Call): Promise<Session | InClear> {
  const { tls, wire } = call;
  const { timeouts } = context.settings;
  let peer = call.implicit === undefined ? call.peer : secured(call.peer, tls, call.implicit);
  const greeting = await wire.ask(null, timeouts.heloMs);
  if (isLoss(greeting)) return lostEarly(greeting, 'CONNECT', peer);
  if (!isSuccess(greeting)) return refusedEarly(wire, greeting, 'CONNECT', peer, timeouts.quitMs);

  const name = call.look.helo ?? (await nameOf(context, wire));
  const hello = await sayHello(context, name, wire, peer);
  if (hello.kind !== 'known') return hello;
  let { extensions } = hello;
  let state = call.implicit ?? null;
  if (tls.kind === 'required' && !extensions.startTls) {
    tellTls(context, call.relay, tls, { type: 'starttls-not-supported', why: 'STARTTLS is not offered' });
    wire.quit(timeouts.quitMs);
    return { kind: 'next', outcome: lacking(call.demand, '4.7.4', `TLS is required${byWhom(tls)} and this host does not offer STARTTLS`, peer) };
  }
  if (tls.kind === 'opportunistic' && !extensions.startTls) tellTls(context, call.relay, tls, { type: 'starttls-not-supported', why: 'STARTTLS is not offered' });
  if ((tls.kind === 'required' || tls.kind === 'opportunistic') && extensions.startTls && !(isOptional(tls) && call.plain)) {
    const answer = await startTls(context, call);
    if (answer.kind !== 'secured' && answer.kind !== 'refused') return answer;
    if (answer.kind === 'secured') {
      state = answer.tls;
      peer = secured(peer, tls, state);
      // What was said before the handshake counts for nothing (RFC 3207 §4.2).
      const again = await sayHello(context, name, wire, peer);
      if (again.kind !== 'known') return again;
      ({ extensions } = again);
    }
  }
  if (state !== null) tellTls(context, call.relay, tls, tls.published?.testing === true ? state.flaw : undefined);
  const missing = unpromised(call.demand, extensions, peer);
  if (missing !== null) {
    wire.quit(timeouts.quitMs);
    return { kind: 'next', outcome: missing };
  }
  if (call.destination.auth !== undefined) {
    const refused = await logIn(context, call.destination.auth, call.relay, wire, extensions, peer, state !== null || isLoopback(call.relay));
    if (refused !== null) return refused;
  }
  return { kind: 'open', wire, extensions, peer, security: { kind: state === null ? 'clear' : state.verified ? 'verified' : 'encrypted', policy: tls } };
}

/** Broken TLS is no reason to keep the mail: nobody asked for more than what there is. */
function isOptional({ kind, verify }: TlsPolicy): boolean {
  return kind === 'opportunistic' && !verify;
}

function byWhom({ by }: TlsPolicy): string {
  return by === undefined ? '' : ` (${by})`;
}

function secured(peer: Peer, { by, verify, dane }: TlsPolicy, { cipher, verified }: TlsState): Peer {
  const words = [cipher, by, ...((verify || dane !== undefined) && verified ? [] : ['unverified'])];
  return { ...peer, tls: words.filter(word => word !== undefined).join(', ') };
}

/** For the domain's TLS report (RFC 8460). */
function tellTls({ settings: { tlsJournal } }: SessionContext, relay: Relay, { published }: TlsPolicy, failure: TlsFailure | undefined): void {
  if (published === undefined || tlsJournal === undefined) return;
  const { host, address } = relay;
  tlsJournal.note({ published, relay: { host, ...(address === undefined ? {} : { address }) }, ...(failure === undefined ? {} : { failure }) });
}

type Hello = { readonly kind: 'known'; readonly extensions: Extensions } | NotOpen;

async function nameOf({ settings }: SessionContext, wire: Wire): Promise<string> {
  const address = wire.socket.localAddress ?? '';
  return (await settings.nameOf?.(address)) ?? (address.includes(':') ? `[IPv6:${address}]` : `[${address}]`);
}

async function sayHello({ settings }: SessionContext, helo: string, wire: Wire, peer: Peer): Promise<Hello> {
  const { timeouts } = settings;
  const ehlo = await wire.ask(`EHLO ${helo}\r\n`, timeouts.heloMs);
  if (isLoss(ehlo)) return lostEarly(ehlo, 'EHLO', peer);
  if (isSuccess(ehlo)) return { kind: 'known', extensions: parseExtensions(ehlo) };
  if (ehlo.code < 500) return refusedEarly(wire, ehlo, 'EHLO', peer, timeouts.quitMs);
  // It is older than EHLO, or says so (RFC 5321 §3.2).
  const plain = await wire.ask(`HELO ${helo}\r\n`, timeouts.heloMs);
  if (isLoss(plain)) return lostEarly(plain, 'HELO', peer);
  if (isSuccess(plain)) return { kind: 'known', extensions: noExtensions };
  return refusedEarly(wire, plain, 'HELO', peer, timeouts.quitMs);
}

/** 'refused': not now, says the peer, and the connection goes on in clear. */
async function startTls(context: SessionContext, { relay, tls, demand, wire, peer }: Call): Promise<Session | InClear | { readonly kind: 'refused' } | { readonly kind: 'secured'; readonly tls: TlsState }> {
  const { settings, signal } = context;
  const optional = isOptional(tls);
  const answer = await wire.ask('STARTTLS\r\n', settings.timeouts.heloMs, true);
  if (isLoss(answer)) return optional && answer.kind !== 'aborted' ? noteBroken(context, relay, answer.why) : lostEarly(answer, 'STARTTLS', peer);
  if (answer.code !== 220) {
    tellTls(context, relay, tls, { type: 'starttls-not-supported', why: formatSaid(answer) });
    if (optional) return { kind: 'refused' };
    wire.quit(settings.timeouts.quitMs);
    const text = `TLS is required${byWhom(tls)} and was refused: ${formatSaid(answer)}`;
    // 454 is "not now" (RFC 3207 §4).
    return { kind: 'next', outcome: answer.code < 500 ? ownDeferral('4.7.4', 'nexthop', text, peer) : lacking(demand, '4.7.4', text, peer) };
  }
  const done = await settings.startTls(wire.socket, { host: relay.host, timeoutMs: settings.timeouts.heloMs, signal, ...requestOf(tls, settings) });
  if (done.kind === 'secured') {
    wire.adopt(done.socket);
    return { kind: 'secured', tls: done.tls };
  }
  wire.lose({ kind: 'closed', why: done.why });
  if (done.kind === 'aborted') return { kind: 'stop', outcome: ownDeferral('4.3.2', 'message', 'We are stopping', peer) };
  tellTls(context, relay, tls, { type: done.kind === 'failed' ? done.fault : 'validation-failure', why: done.why });
  if (optional) return noteBroken(context, relay, done.why);
  const text = `${done.why}${byWhom(tls)}`;
  return { kind: 'next', outcome: done.kind === 'failed' && isUntrusted(done.fault) ? lacking(demand, '4.7.5', text, peer) : ownDeferral('4.7.5', 'nexthop', text, peer) };
}

/** The handshake went well, and the certificate is not the one it has to be. */
function isUntrusted(fault: TlsFault | undefined): boolean {
  return fault !== undefined && fault !== 'validation-failure';
}

type Requested = Pick<TlsRequest, 'verify' | 'ca' | 'names' | 'dane' | 'identity'>;

function requestOf({ verify, names, authorities, dane }: TlsPolicy, { trustedCertificates, identity }: EsmtpSettings): Requested {
  const ca = authorities ?? trustedCertificates;
  return { verify, ...(identity === undefined ? {} : { identity }), ...(names === undefined ? {} : { names }), ...(dane === undefined ? {} : { dane }), ...(ca === undefined ? {} : { ca }) };
}

function noteBroken({ brokenTls }: SessionContext, relay: Relay, why: string): InClear {
  brokenTls.note(relay, why);
  return { kind: 'in clear', why };
}

async function logIn(context: SessionContext, auth: RelayAuth, relay: Relay, wire: Wire, extensions: Extensions, peer: Peer, secure: boolean): Promise<Session | null> {
  const { settings } = context;
  const { destinations, timeouts } = settings;
  const answer = await authenticate(wire, auth, {
    offered: extensions.mechanisms, maySayPassword: secure || auth.inClear === true, host: relay.host, port: relay.port, timeoutMs: timeouts.heloMs,
  });
  if (answer.kind === 'accepted') {
    destinations.loggedIn?.(auth, { kind: 'accepted' });
    return null;
  }
  if (answer.kind === 'lost') return lostEarly(answer.loss, 'AUTH', peer);
  wire.quit(timeouts.quitMs);
  const text = authTrouble(answer, secure);
  settings.log.error('auth', { remoteMta: peer.remoteMta, login: auth.login, why: text });
  // 4yz speaks of the moment, not of our credentials (RFC 4954 §6).
  const passing = answer.kind === 'refused' && answer.reply.code < 500;
  if (!passing) destinations.loggedIn?.(auth, { kind: 'refused', why: `${peer.remoteMta}: ${text}` });
  // Credentials are our configuration, so their refusal bounces nothing, even where Courier would.
  return { kind: 'next', outcome: ownDeferral(passing ? '4.7.0' : '4.7.8', 'nexthop', text, peer) };
}

function authTrouble(answer: Exclude<Authenticated, { kind: 'accepted' | 'lost' }>, secure: boolean): string {
  switch (answer.kind) {
    case 'refused':
      return `Our login by ${answer.mechanism} was refused: ${formatSaid(answer.reply)}${answer.complaint === null ? '' : ` (${answer.complaint})`}`;
    case 'distrusted':
      return `We are to log in, and this host cannot be trusted with it: ${answer.why}`;
    case 'no-mechanism':
      return `We are to log in, and this host offers no way we may use${secure ? '' : ' without TLS'} (${answer.offered.join(' ') || 'nothing'})`;
    default:
      return answer satisfies never;
  }
}

function lostEarly(loss: Loss, command: string, peer: Peer): NotOpen {
  const outcome = lossOutcome(loss, 'greeting', command, peer);
  // 421 is an answer; being gone without one is not.
  return { kind: loss.kind === 'said421' || loss.kind === 'aborted' ? 'stop' : 'next', outcome };
}

function refusedEarly(wire: Wire, reply: Reply, command: string, peer: Peer, quitMs: number): NotOpen {
  if (reply.code < 400) {
    const loss: Loss = { kind: 'garbage', why: `The peer answered ${reply.code} to ${command}` };
    wire.lose(loss);
    return { kind: 'next', outcome: lossOutcome(loss, 'greeting', command, peer) };
  }
  wire.quit(quitMs);
  return { kind: 'stop', outcome: refusedOutcome(reply, 'greeting', command, peer) };
}

function isLoss(heard: Reply | Loss): heard is Loss {
  return 'kind' in heard;
}

function isLoopback(relay: Relay): boolean {
  const address = relay.address ?? relay.host;
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
