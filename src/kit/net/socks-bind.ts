/**
 * BIND of SOCKSv5 (RFC 1928 §6): the proxy listens for one connection on our behalf. Two replies: where it listens, and
 * who came. The dialogue is our own: what the peer said right behind the second reply stays in the socket.
 */
import { isIPv4, isIPv6, type Socket } from 'node:net';
import type { Deadlines } from '../deadlines.ts';
import type { Dial } from './dial.ts';
import { FIELD_OCTETS, socksReplyWords, type Proxy } from './socks.ts';
import { watch } from '../watch.ts';

export interface BindRequest {
  readonly proxy: Proxy;
  /** Whom to expect, as a filter of the proxy's; `0.0.0.0`: anybody. */
  readonly from: string;
  /** Where to listen, a wish; 0: the proxy chooses. */
  readonly port: number;
  /** Until the first reply. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export type Bound =
  | {
      readonly kind: 'bound';
      /** Outside, as the proxy has it; `0.0.0.0` when it does not say. */
      readonly host: string;
      readonly port: number;
      /** Of the proxy itself, as we are connected to it. */
      readonly proxyAddress: string;
      /** Resolves when somebody came, or the proxy gave up. Never rejects. */
      readonly accepted: Promise<Accepted>;
      /** Before anybody came. */
      close(): void;
    }
  | { readonly kind: 'failed' | 'aborted'; readonly why: string };

export type Accepted =
  /** Paused, with what the peer said already in it. */
  | { readonly kind: 'accepted'; readonly socket: Socket; readonly host: string; readonly port: number }
  | { readonly kind: 'lost'; readonly why: string };

const VERSION = 5;
const BIND = 2;
const USER_PASSWORD = 2;
const NO_METHOD = 0xff;
/** The TCP connection idles until somebody comes: a firewall in between must not forget it. */
const KEEP_ALIVE_MS = 60_000;

/** What the proxy said instead of yes. */
class Refused extends Error {}

export async function bindThrough(dial: Dial, deadlines: Deadlines, { proxy, from, port, timeoutMs, signal }: BindRequest): Promise<Bound> {
  const name = `proxy ${proxy.host.includes(':') ? `[${proxy.host}]` : proxy.host}:${proxy.port}`;
  const dialled = await dial({ host: proxy.host, port: proxy.port, timeoutMs, ...(signal === undefined ? {} : { signal }), ...(proxy.via === undefined ? {} : { proxy: proxy.via }) });
  if (dialled.kind === 'aborted') return { kind: 'aborted', why: dialled.why };
  if (dialled.kind !== 'connected') return { kind: 'failed', why: dialled.kind === 'proxy' ? dialled.why : `${name}: ${dialled.why}` };
  const { socket } = dialled;
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const input = openReader(socket);
  let late: { readonly kind: 'timeout' | 'aborted'; readonly why: string } | null = null;
  const guard = watch(deadlines, { timeoutMs, ...(signal === undefined ? {} : { signal }) }, how => {
    late = how;
    socket.destroy();
  });
  try {
    await logIn(socket, input, proxy);
    socket.write(formatRequest(from, port));
    const where = await readReply(input);
    return { kind: 'bound', host: where.host, port: where.port, proxyAddress: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''), accepted: accept(socket, input, name), close: () => socket.destroy() };
  } catch (error) {
    socket.destroy();
    const how = late as { readonly kind: 'timeout' | 'aborted'; readonly why: string } | null;
    if (how?.kind === 'aborted') return { kind: 'aborted', why: how.why };
    return { kind: 'failed', why: `${name}: ${how?.why ?? (error instanceof Error ? error.message : String(error))}` };
  } finally {
    guard.end();
  }
}

async function accept(socket: Socket, input: Reader, name: string): Promise<Accepted> {
  try {
    const { host, port } = await readReply(input);
    input.end();
    return { kind: 'accepted', socket, host, port };
  } catch (error) {
    socket.destroy();
    return { kind: 'lost', why: `${name}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** RFC 1928 §3, RFC 1929. */
async function logIn(socket: Socket, input: Reader, { login, password }: Proxy): Promise<void> {
  const fields = [Buffer.from(login ?? ''), Buffer.from(password ?? '')] as const;
  if (fields.some(field => field.length > FIELD_OCTETS)) throw new Refused('a login or password is longer than SOCKS can say');
  socket.write(Buffer.from(login === undefined ? [VERSION, 1, 0] : [VERSION, 2, 0, USER_PASSWORD]));
  const [version, method] = await input.read(2);
  if (version !== VERSION) throw new Refused('does not speak SOCKSv5');
  if (method === 0) return;
  if (method === NO_METHOD || method !== USER_PASSWORD || login === undefined) throw new Refused(login === undefined ? 'wants a login and has been given none' : 'accepts no way of logging in that we know');
  socket.write(Buffer.concat([Buffer.of(1, fields[0].length), fields[0], Buffer.of(fields[1].length), fields[1]]));
  if ((await input.read(2))[1] !== 0) throw new Refused('refused login or password');
}

function formatRequest(from: string, port: number): Buffer {
  const head = [VERSION, BIND, 0];
  const tail = [port >> 8, port & 0xff];
  if (isIPv4(from)) return Buffer.from([...head, 1, ...from.split('.').map(Number), ...tail]);
  if (isIPv6(from)) return Buffer.from([...head, 4, ...sixteenOctets(from), ...tail]);
  const name = Buffer.from(from).subarray(0, FIELD_OCTETS);
  return Buffer.concat([Buffer.of(...head, 3, name.length), name, Buffer.of(...tail)]);
}

function sixteenOctets(address: string): number[] {
  const [head = '', tail = ''] = (URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1) ?? '::').split('::');
  const before = head === '' ? [] : head.split(':');
  const behind = tail === '' ? [] : tail.split(':');
  const groups = [...before, ...Array.from({ length: Math.max(0, 8 - before.length - behind.length) }, () => '0'), ...behind];
  return groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]);
}

async function readReply(input: Reader): Promise<{ readonly host: string; readonly port: number }> {
  const [version, code = 1, , kind] = await input.read(4);
  if (version !== VERSION) throw new Refused('sent a broken reply');
  if (code !== 0) throw new Refused(socksReplyWords(code));
  const host = await readHost(input, kind);
  const port = (await input.read(2)).readUInt16BE(0);
  return { host, port };
}

async function readHost(input: Reader, kind: number | undefined): Promise<string> {
  if (kind === 1) return [...await input.read(4)].join('.');
  if (kind === 3) return (await input.read((await input.read(1)).readUInt8(0))).toString('latin1');
  if (kind !== 4) throw new Refused('sent a broken reply');
  const groups = (await input.read(16)).toString('hex').match(/.{4}/g)?.join(':') ?? '';
  const hostname = URL.parse(`http://[${groups}]/`)?.hostname.slice(1, -1) ?? groups;
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return hostname;
  return [Number.parseInt(high, 16), Number.parseInt(low, 16)].flatMap(half => [half >> 8, half & 0xff]).join('.');
}

interface Reader {
  /** Rejects when the connection ends first. */
  read(octets: number): Promise<Buffer>;
  /** What was read too much goes back; the socket is paused and no longer ours. */
  end(): void;
}

function openReader(socket: Socket): Reader {
  let held: Buffer = Buffer.alloc(0);
  let over: Error | null = null;
  let wake: () => void = () => undefined;
  const take = (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    // No reply is longer; a proxy that pours is not read.
    if (held.length > FIELD_OCTETS * 2) socket.pause();
    wake();
  };
  const lost = () => {
    over ??= new Refused('closed the connection');
    wake();
  };
  const failed = (error: Error) => {
    over ??= error;
    wake();
  };
  socket.on('data', take).on('end', lost).on('close', lost).on('error', failed);
  socket.resume();
  return {
    async read(octets) {
      while (held.length < octets) {
        if (over !== null) throw over;
        await new Promise<void>(resolve => {
          wake = resolve;
        });
      }
      const taken = held.subarray(0, octets);
      held = held.subarray(octets);
      return taken;
    },
    end() {
      socket.pause();
      socket.off('data', take).off('end', lost).off('close', lost);
      // From here on errors are for whoever takes the socket; until then nobody may die of one.
      if (held.length > 0) socket.unshift(held);
    },
  };
}
