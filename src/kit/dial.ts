/**
 * TCP, through SOCKSv5 or not, with TLS or not, behind one function. Whoever asked for a proxy never gets a direct
 * connection. Expected failures are values; the kinds say whose they are.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as secure, type TLSSocket } from 'node:tls';
import type { Deadlines } from './deadlines.ts';
import { negotiate, type Proxy } from './socks.ts';

export interface Target {
  /** Name for the certificate, and for the proxy when `address` is absent. */
  readonly host: string;
  /** Absent without a proxy: the system looks `host` up. */
  readonly address?: string;
  readonly port: number;
  readonly proxy?: Proxy;
  readonly localAddress?: string;
  /** TLS from the first octet. */
  readonly tls?: Pick<TlsRequest, 'verify' | 'ca'>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export type Dialled =
  | { readonly kind: 'connected'; readonly socket: Socket }
  | {
      readonly kind: 'refused' | 'unreachable' | 'timeout' | 'proxy' | 'tls' | 'aborted';
      readonly why: string;
      /** Our own configuration or our own lack: the peer did nothing wrong. */
      readonly ours?: true;
    };

/** A connected socket is paused; what the peer said already waits in it. */
export type Dial = (target: Target) => Promise<Dialled>;

export interface TlsRequest {
  /** Name to show (SNI) and to verify. */
  readonly host: string;
  readonly verify: boolean;
  readonly ca?: readonly string[];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export type Secured =
  | { readonly kind: 'secured'; readonly socket: TLSSocket }
  | { readonly kind: 'failed' | 'timeout' | 'aborted'; readonly why: string };

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
    if (secured.kind === 'secured') return { kind: 'connected', socket: secured.socket };
    return { kind: secured.kind === 'failed' ? 'tls' : secured.kind, why: secured.why };
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

async function connectThrough(deadlines: Deadlines, target: Target, proxy: Proxy): Promise<Dialled> {
  const name = `proxy ${formatHost(proxy.host)}:${proxy.port}`;
  const direct = await connectTcp(deadlines, target, proxy.host, proxy.port);
  if (direct.kind === 'aborted') return direct;
  if (direct.kind !== 'connected') return { kind: 'proxy', why: `${name}: ${direct.why}`, ...(direct.ours === true ? { ours: true } : {}) };
  const { socket } = direct;
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

/** TLS in place. Octets that came in plain before the handshake belong to nobody and must be gone (RFC 3207 §6). */
export function createStartTls(deadlines: Deadlines): (socket: Socket, request: TlsRequest) => Promise<Secured> {
  return (socket, request) => new Promise(resolve => {
    if (request.signal?.aborted === true || socket.destroyed) {
      socket.destroy();
      return resolve({ kind: 'aborted', why: 'the connection is gone' });
    }
    const tls = secure({
      socket,
      rejectUnauthorized: request.verify,
      ...(isIP(request.host) === 0 ? { servername: request.host } : { host: request.host }),
      ...(request.ca === undefined ? {} : { ca: [...request.ca] }),
    });
    const end = (secured: Secured) => {
      guard.end();
      tls.off('secureConnect', done);
      tls.off('error', failed);
      tls.off('close', closed);
      if (secured.kind !== 'secured') {
        tls.on('error', () => undefined);
        tls.destroy();
        socket.destroy();
      }
      resolve(secured);
    };
    const done = () => {
      tls.pause();
      end({ kind: 'secured', socket: tls });
    };
    const failed = (error: Error) => end({ kind: 'failed', why: `TLS: ${error.message}` });
    const closed = () => end({ kind: 'failed', why: 'TLS: the peer closed the connection during the handshake' });
    const guard = watch(deadlines, request, late => end({ kind: late.kind === 'aborted' ? 'aborted' : 'timeout', why: `TLS: ${late.why}` }));
    tls.on('secureConnect', done);
    tls.on('error', failed);
    tls.on('close', closed);
  });
}

type Late = Extract<Dialled, { why: string }>;

function watch(deadlines: Deadlines, limit: { readonly timeoutMs: number; readonly signal?: AbortSignal }, late: (dialled: Late) => void): { end(): void } {
  const deadline = deadlines.open(() => late({ kind: 'timeout', why: `no answer within ${Math.round(limit.timeoutMs / 1000)} s` }));
  const aborted = () => late({ kind: 'aborted', why: 'we gave up' });
  deadline.set(limit.timeoutMs);
  limit.signal?.addEventListener('abort', aborted);
  return {
    end() {
      deadline.clear();
      limit.signal?.removeEventListener('abort', aborted);
    },
  };
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
