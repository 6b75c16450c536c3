/**
 * SOCKSv5 on a connection to the proxy (RFC 1928, RFC 1929). The `socks` package holds the dialogue; this file puts
 * right what it leaves open: the proxy's answer as a number instead of an English text, and octets of the target
 * that came in the same segment as the reply, which the package hands over once and only to a listener already there.
 */
import type { Socket } from 'node:net';

export interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly login?: string;
  readonly password?: string;
  /** Reached through this one. */
  readonly via?: Proxy;
}

export type Negotiated =
  | { readonly kind: 'open' }
  /** The proxy tried and the target did not answer; or it does not go there, and to another address it may. */
  | { readonly kind: 'refused' | 'unreachable'; readonly why: string; readonly ours?: true }
  /** The proxy itself. `ours`: trying again will not help until somebody changes the configuration. */
  | { readonly kind: 'proxy'; readonly why: string; readonly ours?: true };

export const FIELD_OCTETS = 255; // RFC 1929 §2: one octet of length
const USER_PASSWORD = 2;
const NO_METHOD = 0xff;

const REPLIES: readonly Negotiated[] = [
  { kind: 'open' },
  { kind: 'unreachable', why: 'general failure (SOCKS reply 1)' },
  { kind: 'unreachable', why: 'not allowed by its rules (SOCKS reply 2)', ours: true },
  { kind: 'unreachable', why: 'network unreachable (SOCKS reply 3)' },
  { kind: 'unreachable', why: 'host unreachable (SOCKS reply 4)' },
  { kind: 'refused', why: 'connection refused (SOCKS reply 5)' },
  { kind: 'unreachable', why: 'time to live expired (SOCKS reply 6)' },
  { kind: 'proxy', why: 'command not supported (SOCKS reply 7)', ours: true },
  { kind: 'unreachable', why: 'address type not supported (SOCKS reply 8)', ours: true },
];

/**
 * Asks the proxy at the far end of `socket` for `host` (a name goes as a name) and `port`. On 'open' the socket is
 * paused with everything the target said so far in its buffer; else it is destroyed. The caller keeps the deadline
 * and destroys the socket when it passes.
 */
export async function negotiate(socket: Socket, proxy: Proxy, host: string, port: number): Promise<Negotiated> {
  for (const field of [proxy.login ?? '', proxy.password ?? '', host]) {
    if (Buffer.byteLength(field) > FIELD_OCTETS) {
      socket.destroy();
      return { kind: 'proxy', why: 'a name, login or password is longer than SOCKS can say', ours: true };
    }
  }
  // Loaded with the first proxy: most boxes have none. The socket may die meanwhile, and nobody else listens yet.
  const ignore = () => undefined;
  socket.on('error', ignore);
  const { SocksClient } = await import('socks');
  socket.off('error', ignore);
  if (socket.destroyed) return { kind: 'proxy', why: 'the proxy closed the connection' };
  return new Promise(resolve => {
    const head: number[] = [];
    // Before the package's own listener: it may destroy the socket on what it reads.
    const observe = (chunk: Buffer) => {
      for (let at = 0; at < chunk.length && head.length < 6; at++) head.push(chunk[at] as number);
    };
    socket.on('data', observe);
    const client = new SocksClient({
      command: 'connect',
      destination: { host, port },
      proxy: {
        host: proxy.host,
        port: proxy.port,
        type: 5,
        ...(proxy.login === undefined ? {} : { userId: proxy.login }),
        ...(proxy.password === undefined ? {} : { password: proxy.password }),
      },
      existing_socket: socket,
      timeout: 2 ** 31 - 1, // the caller's deadline is the only one
    });
    client.once('established', () => {
      socket.off('data', observe);
      const early: Buffer[] = [];
      const collect = (chunk: Buffer) => early.push(chunk);
      socket.on('data', collect);
      // Runs behind the package's own setImmediate, which replays what it had read too much of.
      setImmediate(() => {
        socket.pause();
        socket.off('data', collect);
        if (early.length > 0 && !socket.destroyed) socket.unshift(Buffer.concat(early));
        resolve({ kind: 'open' });
      });
    });
    client.once('error', () => {
      socket.off('data', observe);
      socket.on('error', () => undefined); // a destroyed socket may still report what it was destroyed with
      resolve(whyNot(head, proxy));
    });
    client.connect(socket);
    socket.resume();
  });
}

function whyNot(head: readonly number[], proxy: Proxy): Negotiated {
  const [version, method] = head;
  if (version === undefined || method === undefined) return { kind: 'proxy', why: 'closed the connection before it answered' };
  if (version !== 5) return { kind: 'proxy', why: 'does not speak SOCKSv5', ours: true };
  if (method === NO_METHOD || (method !== 0 && method !== USER_PASSWORD)) {
    return { kind: 'proxy', why: proxy.login === undefined ? 'wants a login and has been given none' : 'accepts no way of logging in that we know', ours: true };
  }
  const authenticated = method === USER_PASSWORD;
  if (authenticated && head[3] === undefined) return { kind: 'proxy', why: 'closed the connection while checking the login' };
  if (authenticated && head[3] !== 0) return { kind: 'proxy', why: 'refused login or password', ours: true };
  const reply = head[authenticated ? 5 : 3];
  if (reply === undefined) return { kind: 'proxy', why: 'closed the connection instead of a reply' };
  if (reply === 0) return { kind: 'proxy', why: 'sent a broken reply' };
  return REPLIES[reply] ?? { kind: 'unreachable', why: `unknown SOCKS reply ${reply}` };
}

/** What a reply code other than 0 means (RFC 1928 §6). */
export function socksReplyWords(code: number): string {
  const known = REPLIES[code];
  return known === undefined || known.kind === 'open' ? `unknown SOCKS reply ${code}` : known.why;
}
