/**
 * HTTP requests by undici: one deadline over the whole exchange, a limit on the answer, our own dial underneath, so that
 * a box behind SOCKS never connects directly. What can be expected to go wrong is a value; its kind says whose it is.
 *
 * undici is loaded with the first request: 12 MB that a gateway without webhooks never needs.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Agent, Dispatcher } from 'undici';
import type { Clock } from '../../core/clock.ts';
import { openDeadlines } from '../deadlines.ts';
import { createDial, type Dialled } from './dial.ts';
import { isPublicAddress } from './public-address.ts';
import type { Proxy } from './socks.ts';

export interface HttpClient {
  /** Never rejects for what the network, the peer or the request's own text does. */
  request(request: HttpRequest): Promise<HttpAnswer | HttpFailure>;
  /** What is under way ends as 'aborted'. */
  close(): Promise<void>;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** http or https. A name and password in it are refused: they would end in logs. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  /** From now to the last octet of the answer. Default 30 seconds. */
  readonly timeoutMs?: number;
  /** Of the answer's body; more is 'too-large'. Default 1 MiB. */
  readonly limitOctets?: number;
  /** How many redirects a GET or HEAD may follow, never from https to http. Default 0: a 3xx is the answer. */
  readonly redirects?: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly kind: 'answer';
  readonly status: number;
  /** Names in lower case; repeated ones joined by ', '. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Where it came from, after redirects. */
  readonly url: string;
}

export interface HttpFailure {
  readonly kind:
    /** As dial.ts has them: nothing was said yet. */
    | 'refused' | 'unreachable' | 'timeout' | 'proxy' | 'tls' | 'aborted'
    /** Our own rules: a private address, another scheme, one redirect too many, a header that cannot be written. */
    | 'forbidden'
    | 'too-large'
    /** The connection was lost, or what came was not HTTP. */
    | 'broken';
  readonly why: string;
}

export interface HttpClientOptions {
  readonly clock: Clock;
  /** Asked per connection, so that a reload swaps it. With one, names are looked up by the proxy. */
  readonly proxy?: () => Proxy | undefined;
  /** 'refused': only hosts of the Internet, for addresses that strangers choose. Looked at where we dial, so a name cannot change its mind. */
  readonly privateAddresses?: 'allowed' | 'refused';
  /** Certificates to trust instead of the system's. */
  readonly ca?: readonly string[];
  readonly localAddress?: string;
  /** Connections at once to one origin. */
  readonly connections?: number;
  /** Instead of the system's; null: unavailable or no such name. */
  readonly lookUp?: (host: string) => Promise<readonly string[] | null>;
}

const TIMEOUT_MS = 30_000;
const CONNECT_MS = 15_000;
const LIMIT_OCTETS = 1024 * 1024;
const KEEP_ALIVE_MS = 4000;
/** Addresses of one name that are tried in turn. */
const ADDRESSES = 3;
const SECRETS = new Set(['authorization', 'cookie', 'proxy-authorization']);

export function openHttpClient(options: HttpClientOptions): HttpClient {
  const deadlines = openDeadlines(options.clock);
  const dialler = createDialler(options, deadlines);
  const closing = new AbortController();
  let loading: Promise<Agent> | null = null;

  const agentOf = () => loading ??= import('undici').then(undici => new undici.Agent({
    connections: options.connections ?? 4,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The request's own deadline is the only one.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: ({ hostname, port, protocol }, done) => {
      dialler(hostname, port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port), protocol === 'https:').then(
        dialled => (dialled.kind === 'connected' ? done(null, dialled.socket) : done(new Failed(dialled), null)),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
      );
    },
  }));

  async function request(asked: HttpRequest): Promise<HttpAnswer | HttpFailure> {
    if (closing.signal.aborted || asked.signal?.aborted === true) return gaveUp;
    const stop = new AbortController();
    const deadline = deadlines.open(() => stop.abort(new Failed({ kind: 'timeout', why: `no answer within ${Math.round((asked.timeoutMs ?? TIMEOUT_MS) / 1000)} s` })));
    const aborted = () => stop.abort(new Failed(gaveUp));
    deadline.set(asked.timeoutMs ?? TIMEOUT_MS);
    closing.signal.addEventListener('abort', aborted);
    asked.signal?.addEventListener('abort', aborted);
    try {
      // undici looks at the signal of a request that waits for a connection only when it has one.
      return await Promise.race([follow(asked, stop.signal), abortOf(stop.signal)]);
    } catch (error) {
      return failureOf(stop.signal.aborted ? stop.signal.reason : error);
    } finally {
      deadline.clear();
      closing.signal.removeEventListener('abort', aborted);
      asked.signal?.removeEventListener('abort', aborted);
    }
  }

  async function follow(asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
    const method = asked.method ?? 'GET';
    let url = readUrl(asked.url);
    let headers = asked.headers ?? {};
    let left = method === 'GET' || method === 'HEAD' ? asked.redirects ?? 0 : 0;
    for (;;) {
      if (typeof url === 'string') return { kind: 'forbidden', why: url };
      const answer = await exchange(url, method, headers, asked, signal);
      const location = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : undefined;
      if (location === undefined || (asked.redirects ?? 0) === 0) return answer;
      if (left-- === 0) return { kind: 'forbidden', why: 'too many redirects, or one that this method may not follow' };
      const next = readUrl(location, url);
      if (typeof next !== 'string' && url.protocol === 'https:' && next.protocol !== 'https:') return { kind: 'forbidden', why: 'redirected from https to http' };
      if (typeof next !== 'string' && next.origin !== url.origin) headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRETS.has(name.toLowerCase())));
      url = next;
    }
  }

  async function exchange(url: URL, method: NonNullable<HttpRequest['method']>, headers: Readonly<Record<string, string>>, asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const limit = asked.limitOctets ?? LIMIT_OCTETS;
    const agent = await agentOf();
    const { body, ...sized } = bodyOf(asked.body, headers);
    const answer = await agent.request({ origin: url.origin, path: `${url.pathname}${url.search}`, method, signal, ...sized, ...(body === undefined ? {} : { body }) });
    const parts: Buffer[] = [];
    let octets = 0;
    try {
      if (method !== 'HEAD' && Number(answer.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
      for await (const part of answer.body as AsyncIterable<Buffer>) {
        octets += part.length;
        if (octets > limit) throw tooLarge(limit);
        parts.push(part);
      }
    } catch (error) {
      answer.body.on('error', () => undefined).destroy();
      throw error;
    }
    return { kind: 'answer', status: answer.statusCode, headers: headersOf(answer.headers), body: Buffer.concat(parts), url: url.href };
  }

  return {
    request,
    async close() {
      closing.abort();
      deadlines.expire();
      deadlines.close();
      await (await loading)?.destroy();
    },
  };
}

const gaveUp: HttpFailure = { kind: 'aborted', why: 'we gave up' };

/** A failure on its way through undici. */
class Failed extends Error {
  readonly failure: HttpFailure;
  constructor({ kind, why }: HttpFailure) {
    super(why);
    this.failure = { kind, why };
  }
}

function tooLarge(limit: number): Failed {
  return new Failed({ kind: 'too-large', why: `the answer is longer than ${limit} octets` });
}

function failureOf(error: unknown): HttpFailure {
  if (error instanceof Failed) return error.failure;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const why = typeof message === 'string' ? message : String(error);
  if (code === 'UND_ERR_INVALID_ARG') return { kind: 'forbidden', why: `the request cannot be written: ${why}` };
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return gaveUp;
  return { kind: 'broken', why };
}

/** The URL, or what is wrong with it. */
function readUrl(text: string, base?: URL): URL | string {
  const url = URL.parse(text, base?.href);
  if (url === null) return 'not a URL';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'only http and https';
  return url.username === '' && url.password === '' ? url : 'a name or password in the URL';
}

function bodyOf(body: HttpRequest['body'], headers: Readonly<Record<string, string>>): { headers: Record<string, string>; body?: Exclude<Dispatcher.DispatchOptions['body'], undefined> } {
  if (body === undefined) return { headers: { ...headers } };
  if (!Array.isArray(body)) return { headers: { ...headers }, body: body as Uint8Array };
  // A length, so that the peer need not understand chunks.
  const octets = (body as readonly Uint8Array[]).reduce((sum, part) => sum + part.length, 0);
  return { headers: { ...headers, 'content-length': String(octets) }, body: body as unknown as Uint8Array };
}

function headersOf(headers: Readonly<Record<string, string | string[] | undefined>>): Map<string, string> {
  const read = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) read.set(name, Array.isArray(value) ? value.join(', ') : value);
  return read;
}

type Connected = Extract<Dialled, { kind: 'connected' }>;

function createDialler(options: HttpClientOptions, deadlines: ReturnType<typeof openDeadlines>): (host: string, port: number, secure: boolean) => Promise<Connected | HttpFailure> {
  const dial = createDial(deadlines);
  const strict = options.privateAddresses === 'refused';
  const lookUp = options.lookUp ?? systemLookUp;

  return async (host, port, secure) => {
    const stop = new AbortController();
    const deadline = deadlines.open(() => stop.abort());
    deadline.set(CONNECT_MS);
    const proxy = options.proxy?.();
    try {
      if (isIP(host) !== 0 && strict && !isPublicAddress(host)) return notPublic(host);
      const found = isIP(host) !== 0 || proxy !== undefined || (!strict && options.lookUp === undefined) ? [undefined] : await before(stop.signal, lookUp(host));
      if (found === null || found.length === 0) return { kind: 'unreachable', why: stop.signal.aborted ? `no address for ${host} in time` : `no address for ${host}` };
      const allowed = strict ? found.filter(address => address === undefined || isPublicAddress(address)) : found;
      if (allowed.length === 0) return notPublic(host);
      let last: Connected | HttpFailure = gaveUp;
      for (const address of allowed.slice(0, ADDRESSES)) {
        last = await dial({
          host, port, timeoutMs: CONNECT_MS, signal: stop.signal,
          ...(address === undefined ? {} : { address }), ...(proxy === undefined ? {} : { proxy }),
          ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
          ...(secure ? { tls: { verify: true, ...(options.ca === undefined ? {} : { ca: options.ca }) } } : {}),
        });
        if (last.kind === 'connected' || stop.signal.aborted) break;
      }
      return last.kind === 'aborted' ? { kind: 'timeout', why: `no connection to ${host} within ${CONNECT_MS / 1000} s` } : last;
    } finally {
      deadline.clear();
    }
  };
}

function notPublic(host: string): HttpFailure {
  return { kind: 'forbidden', why: `${host} is not an address of the Internet` };
}

/** Null when the time is over first; what comes later is nobody's. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T | null> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve(null), { once: true });
    work.then(resolve, reject);
  });
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

async function systemLookUp(host: string): Promise<readonly string[] | null> {
  try {
    return (await lookup(host, { all: true })).map(one => one.address);
  } catch {
    return null;
  }
}
