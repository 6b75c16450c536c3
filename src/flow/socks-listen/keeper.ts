/**
 * Slots, each a loop: ask the proxy to listen ─▶ bound ─▶ somebody came, handed over ─▶ ask again
 *                          │ refused, dead       │ proxy gone
 *                          └──── wait, longer each time ◀┘
 */
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { Chance, Clock } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { isPublicAddress } from '../../kit/net/public-address.ts';
import type { Bound, BindRequest } from '../../kit/net/socks-bind.ts';
import type { Proxy } from '../../kit/net/socks.ts';

export interface SocksListener {
  /** Where it listens now, one for each BIND that is open. */
  addresses(): readonly { readonly host: string; readonly port: number }[];
  /** Null: it listens. */
  trouble(): string | null;
  /** Connections that were handed over stay. */
  close(): Promise<void>;
}

/** Who came, and where to. */
export interface OutsidePeer {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export interface SocksListenerSettings {
  /** For the log. */
  readonly name: string;
  readonly proxy: Proxy;
  /** Whom to expect; `0.0.0.0`: anybody. */
  readonly from: string;
  /** A wish; 0: any. */
  readonly port: number;
  /** BINDs open at once, where the proxy allows it. */
  readonly reserve: number;
  /** Peers may have addresses that are not of the Internet. */
  readonly privatePeers: boolean;
  /** `bindThrough` of kit, with its dial. */
  readonly bind: (request: BindRequest) => Promise<Bound>;
  /** The socket is paused. */
  readonly taken: (socket: Socket, peer: OutsidePeer) => void;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

const BIND_MS = 60_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;
/** A BIND that lived so long was a good one, and the next is asked for without waiting. */
const GOOD_MS = 10_000;
/** Nobody that a proxy could tell apart from itself. */
const UNKNOWN = '0.0.0.0';

export function openSocksListener(settings: SocksListenerSettings): SocksListener {
  const { name, proxy, clock, chance, log } = settings;
  const stopping = new AbortController();
  const open = new Map<number, Extract<Bound, { kind: 'bound' }>>();
  let trouble: string | null = null;

  async function keep(slot: number): Promise<void> {
    let waitMs = 0;
    while (!stopping.signal.aborted) {
      if (waitMs > 0) await clock.sleepUntil(after(clock.now(), waitMs + chance.between(0, Math.floor(waitMs / 4))), stopping.signal);
      if (stopping.signal.aborted) return;
      const begun = clock.now();
      const why = await listen(slot);
      waitMs = why === null || clock.now() - begun >= GOOD_MS ? 0 : Math.min(Math.max(FIRST_WAIT_MS, waitMs * 2), LONGEST_WAIT_MS);
      if (why !== null && !stopping.signal.aborted) say(why, slot);
    }
  }

  /** One BIND from its beginning to its end; null when somebody came, else why nobody did. */
  async function listen(slot: number): Promise<string | null> {
    const bound = await settings.bind({ proxy, from: settings.from, port: settings.port, timeoutMs: BIND_MS, signal: stopping.signal });
    if (bound.kind !== 'bound') return bound.why;
    if (stopping.signal.aborted) {
      bound.close();
      return null;
    }
    open.set(slot, bound);
    trouble = null;
    log.info('socks-listen', { listener: name, proxy: placeOf(proxy), outside: placeOf(bound) });
    const came = await bound.accepted;
    open.delete(slot);
    if (came.kind === 'lost') return came.why;
    settings.taken(came.socket, peerOf(came, bound));
    return null;
  }

  function say(why: string, slot: number): void {
    // One that listens is enough; that the proxy allows no second one is no news.
    if (open.size > 0) return;
    if (trouble === null || slot === 0) log.warn('socks-listen', { listener: name, proxy: placeOf(proxy), why });
    trouble = why;
  }

  function peerOf({ host, port }: { readonly host: string; readonly port: number }, bound: Extract<Bound, { kind: 'bound' }>): OutsidePeer {
    const known = isIP(host) !== 0 && !isUnspecified(host) && host !== bound.proxyAddress && host !== bound.host && (settings.privatePeers || isPublicAddress(host));
    return { remoteAddress: known ? host : UNKNOWN, remotePort: port, localAddress: bound.host, localPort: bound.port };
  }

  const slots = Array.from({ length: settings.reserve }, (_, slot) => keep(slot).catch((cause: unknown) => log.error('bug', { where: 'socks-listen', cause })));

  return {
    addresses: () => [...open.values()].map(({ host, port }) => ({ host, port })),
    trouble: () => (open.size > 0 ? null : trouble ?? 'not yet'),
    async close() {
      stopping.abort();
      for (const bound of open.values()) bound.close();
      await Promise.all(slots);
    },
  };
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function placeOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
