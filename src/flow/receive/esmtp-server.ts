/** The listener: who may come in, which sessions there are, and when one has had enough time. */
import type { Socket } from 'node:net';
import { after } from '../../core/clock.ts';
import { refuse } from '../../core/status.ts';
import { formatReply } from '../../grammar/smtp/reply.ts';
import { Chain } from '../../kit/chain.ts';
import { freeSocketFile, openToMode } from '../../kit/net/socket-file.ts';
import { createCrowd } from './crowd.ts';
import { SWEEP_MS, wholeNumber } from './limits.ts';
import type { ReceiveOptions, TlsOptions } from './options.ts';
import { PeerLog } from './peer-log.ts';
import type { Peer } from './peer.ts';
import { Session } from './session.ts';
import { createSetup, type Setup } from './setup.ts';
import { relayOf, tlsTrouble } from './tls-trouble.ts';
import type { SessionGuest } from './visitor.ts';
import { WireServer } from './smtp-wire.ts';
import { checkContexts } from './tls-contexts.ts';
import type { Wire } from './wire.ts';

export interface Receiver {
  address(): { readonly host: string; readonly port: number };
  /** A connection that somebody else accepted, served as one of ours, under the addresses that are said of it. */
  take(socket: Socket, from: Peer): void;
  /** For sessions that begin from now on; where it listens stays as it is. Throws, and changes nothing, when the certificate is no good. */
  reload(options: ReceiveOptions): void;
  /** Throws where reload() would. */
  check(options: ReceiveOptions): void;
  updateTls(tls: TlsOptions): void;
  /** Stops accepting; 421 to idle sessions; others get the reply they wait for; after `graceMs` the rest is cut. */
  close(options: { readonly graceMs: number }): Promise<void>;
}

interface Guest extends SessionGuest {
  readonly setup: Setup;
}

/** A full house is said once a minute. */
const FULL_EVERY_MS = 60_000;
const NEARLY_FULL = 0.875;

export async function openEsmtpServer(options: ReceiveOptions): Promise<Receiver> {
  const { clock, listener } = options;
  if (listener.kind === 'smtps' && listener.tls === undefined) throw new Error(NO_CERTIFICATE);
  let setup = createSetup(options);
  let saidFullAt = Number.NEGATIVE_INFINITY;
  let saidNearlyAt = Number.NEGATIVE_INFINITY;
  const sessions = new Chain<Session>();
  const crowd = createCrowd();
  const over = new AbortController();

  const sayFull = (which: string, relay: string) => {
    setup.meters.connections.add(1, { result: which });
    const now = clock.now();
    if (now - saidFullAt < FULL_EVERY_MS) return;
    saidFullAt = now;
    setup.log.warn('too many connections', { relay, limit: which });
  };

  /** Before strangers are turned away, somebody may want to know (Courier's 35 of 40). */
  const sayNearlyFull = () => {
    const { connections } = setup.limits;
    const now = clock.now();
    if (crowd.size < connections * NEARLY_FULL || crowd.size === connections || now - saidNearlyAt < FULL_EVERY_MS) return;
    saidNearlyAt = now;
    setup.log.warn('nearly all connections', { of: connections, now: crowd.size });
  };

  const countSessions = () => setup.meters.sessions.set(sessions.size, { listener: `${place.host}:${place.port}` });
  let place = { host: '', port: 0 };

  const server: WireServer<Guest> = new WireServer<Guest>({
    arrive(peer) {
      const verdict = admit(setup, peer);
      if (verdict.kind === 'refused' && verdict.text === '') {
        setup.meters.connections.add(1, { result: 'denied' });
        new PeerLog(setup, { peer }).trouble(verdict.why ?? 'turned away');
        return { text: '' };
      }
      const { variables, ...standing } = verdict.kind === 'refused' ? { variables: NO_VARIABLES, turnedAway: verdict } : verdict;
      const place = crowd.enter(peer.remoteAddress, setup.limits, wholeNumber(variables.get('MAXCPERIP')));
      if (place.kind === 'full') {
        sayFull(place.which, peer.remoteAddress);
        const { reply, text } = refuse('tooBusy');
        return { text: formatReply(reply, null, `${setup.name} ${text}`) };
      }
      sayNearlyFull();
      setup.meters.connections.add(1, { result: verdict.kind });
      const at = setup.at(peer.localAddress);
      return { guest: { setup: at, peer, admit: other => admit(at, other), variables, ...standing }, leave: place.leave };
    },
    begin(wire: Wire, guest: Guest) {
      const session = new Session(guest.setup, wire, guest, gone => {
        sessions.remove(gone);
        countSessions();
      });
      sessions.append(session);
      countSessions();
      session.start();
      return session;
    },
    trouble(cause) {
      const relay = relayOf(cause);
      setup.log.info('error', relay === undefined ? { why: cause.message } : { relay, why: tlsTrouble(cause) });
    },
    expectsHeader(remoteAddress) {
      const { proxyFrom } = setup.listener;
      if (proxyFrom === undefined) return 'no';
      if (proxyFrom.has(remoteAddress)) return 'yes';
      setup.log.info('error', { relay: remoteAddress, why: 'not a proxy of ours, on a port for proxies' });
      setup.meters.connections.add(1, { result: 'denied' });
      return 'refused';
    },
  }, listener.tls, listener.kind === 'smtps', () => clock.now());

  const sweep = async () => {
    while (!over.signal.aborted) {
      const now = clock.now();
      for (const session of sessions.all()) session.sweep(now);
      server.sweep();
      await clock.sleepUntil(after(now, SWEEP_MS), over.signal);
    }
  };

  const reload = (next: ReceiveOptions) => {
    if (next.listener.tls !== undefined) server.updateTls(next.listener.tls);
    setup = createSetup(next);
  };

  await listenOn(server, listener.listen);
  const bound = server.server.address();
  if (bound !== null && typeof bound === 'object') place = { host: bound.address, port: bound.port };
  else if (typeof bound === 'string') place = { host: bound, port: 0 };
  sweep().catch((cause: unknown) => setup.log.error('bug', { cause }));

  return {
    address: () => place,
    take: (socket, from) => server.take(socket, from),
    reload,
    check(next) {
      if (next.listener.tls !== undefined) checkContexts(next.listener.tls);
      else if (next.listener.kind === 'smtps') throw new Error(NO_CERTIFICATE);
    },
    updateTls: tls => reload({ ...setup, listener: { ...setup.listener, tls } }),
    async close({ graceMs }) {
      const gone = server.stop();
      for (const session of sessions.all()) session.goDown();
      const patience = new AbortController();
      await Promise.race([gone, clock.sleepUntil(after(clock.now(), graceMs), patience.signal)]);
      patience.abort();
      for (const session of sessions.all()) session.cut();
      await gone;
      over.abort();
    },
  };
}

async function listenOn(server: WireServer<Guest>, listen: ReceiveOptions['listener']['listen']): Promise<void> {
  if (!('path' in listen)) return server.open(listen);
  if (!(await freeSocketFile(listen.path))) throw new Error(`${listen.path} is somebody else's`);
  await server.open({ path: listen.path });
  await openToMode(listen.path, listen.mode);
}

const NO_CERTIFICATE = 'a listener of kind smtps needs a key and a certificate';
const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

function admit(setup: Setup, peer: Peer) {
  try {
    return setup.admission.admit(peer);
  } catch (cause) {
    setup.log.error('bug', { relay: peer.remoteAddress, cause });
    return refuse('shuttingDown', { text: 'Local trouble, please try again later' });
  }
}
