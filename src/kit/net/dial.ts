/**
 * TCP, through SOCKSv5 proxies or not, with TLS or not, behind one function. Whoever asked for a proxy never gets a direct
 * connection. Expected failures are values; the kinds say whose they are.
 */
import { connect, type Socket } from 'node:net';
import type { Deadlines } from '../deadlines.ts';
import { negotiate, type Proxy } from './socks.ts';
import { createStartTls, type TlsFault, type TlsRequest, type TlsState } from './start-tls.ts';
import { watch } from '../watch.ts';

export interface Target {
  /** Name for the certificate, and for the proxy when `address` is absent. */
  readonly host: string;
  /** Absent without a proxy: the system looks `host` up. */
  readonly address?: string;
  readonly port: number;
  readonly proxy?: Proxy;
  readonly localAddress?: string;
  /** TLS from the first octet. */
  readonly tls?: Pick<TlsRequest, 'verify' | 'ca' | 'names' | 'dane' | 'identity'>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export type Dialled =
  | { readonly kind: 'connected'; readonly socket: Socket; readonly tls?: TlsState }
  | {
      readonly kind: 'refused' | 'unreachable' | 'timeout' | 'proxy' | 'tls' | 'aborted';
      readonly why: string;
      /** Our own configuration or our own lack: the peer did nothing wrong. */
      readonly ours?: true;
      /** With 'tls'. */
      readonly fault?: TlsFault;
    };

/** A connected socket is paused; what the peer said already waits in it. */
export type Dial = (target: Target) => Promise<Dialled>;

/** Errors that say something about this box, not about the peer. */
const OURS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'EINVAL']);

export function createDial(deadlines: Deadlines): Dial {
  return async target => {
    const { proxy } = target;
    const open = proxy === undefined
      ? await connectTcp(deadlines, target, target.address ?? target.host, target.port)
      : await connectThrough(deadlines, target, proxy);
    if (open.kind !== 'connected' || target.tls === undefined) return open;
    const secured = await createStartTls(deadlines)(open.socket, { ...target.tls, host: target.host, timeoutMs: target.timeoutMs, ...signalOf(target) });
    if (secured.kind === 'secured') return { kind: 'connected', socket: secured.socket, tls: secured.tls };
    return secured.kind === 'failed' ? { kind: 'tls', why: secured.why, fault: secured.fault } : secured;
  };
}

function signalOf(target: Target): { readonly signal?: AbortSignal } {
  return target.signal === undefined ? {} : { signal: target.signal };
}

function connectTcp(deadlines: Deadlines, target: Target, host: string, port: number): Promise<Dialled> {
  if (target.signal?.aborted === true) return Promise.resolve({ kind: 'aborted', why: 'we gave up' });
  return new Promise(resolve => {
    const socket = connect({ host, port, noDelay: true, ...(target.localAddress === undefined ? {} : { localAddress: target.localAddress }) });
    const guard = watch(deadlines, target, dialled => {
      socket.destroy();
      end(dialled);
    });
    const end = (dialled: Dialled) => {
      guard.end();
      socket.off('connect', connected);
      if (dialled.kind !== 'connected') socket.on('error', () => undefined);
      socket.off('error', failed);
      resolve(dialled);
    };
    const connected = () => {
      socket.pause();
      end({ kind: 'connected', socket });
    };
    const failed = (error: NodeJS.ErrnoException) => end(classify(error));
    socket.on('connect', connected);
    socket.on('error', failed);
  });
}

/** The way to a proxy may lead through others; each looks the next one's name up. One deadline over all of them. */
async function connectThrough(deadlines: Deadlines, target: Target, proxy: Proxy): Promise<Dialled> {
  const name = `proxy ${formatHost(proxy.host)}:${proxy.port}`;
  const { via } = proxy;
  const before = via === undefined
    ? await connectTcp(deadlines, target, proxy.host, proxy.port)
    : await connectThrough(deadlines, onward(target, proxy), via);
  if (before.kind === 'aborted') return before;
  // What an earlier proxy says of itself it has said in full; what it says of this one is about this one.
  if (before.kind !== 'connected') return before.kind === 'proxy' ? before : { kind: 'proxy', why: `${name}: ${before.why}`, ...(before.ours === true ? { ours: true } : {}) };
  const { socket } = before;
  let late: Dialled | null = null;
  const guard = watch(deadlines, target, dialled => {
    late = dialled.kind === 'timeout' ? { kind: 'timeout', why: `${name}: ${dialled.why}` } : dialled;
    socket.destroy();
  });
  const answer = await negotiate(socket, proxy, target.address ?? target.host, target.port);
  guard.end();
  if (late !== null) return late;
  if (answer.kind === 'open') return { kind: 'connected', socket };
  return { ...answer, why: `${name}: ${answer.why}` };
}

function onward({ timeoutMs, localAddress, signal }: Target, { host, port }: Proxy): Target {
  return { host, port, timeoutMs, ...(localAddress === undefined ? {} : { localAddress }), ...(signal === undefined ? {} : { signal }) };
}

function classify(error: NodeJS.ErrnoException): Dialled {
  const code = error.code ?? '';
  if (code === 'ECONNREFUSED') return { kind: 'refused', why: 'connection refused' };
  if (code === 'ETIMEDOUT') return { kind: 'timeout', why: 'connection timed out' };
  if (OURS.has(code)) return { kind: 'unreachable', why: error.message, ours: true };
  return { kind: 'unreachable', why: WORDS[code] ?? error.message };
}

const WORDS: Readonly<Record<string, string>> = {
  ENETUNREACH: 'network unreachable',
  EHOSTUNREACH: 'host unreachable',
  ECONNRESET: 'connection reset',
  ENOTFOUND: 'name not found',
};

function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
