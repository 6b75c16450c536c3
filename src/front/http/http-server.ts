/** The HTTP port: reads requests, keeps strangers out, sends pages. Read-only; it never decides anything about mail. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../../core/log.ts';
import type { PageAnswer, PageRequest, Pages } from '../../core/pages.ts';
import { isLoopback, isOurHost, mayEnter } from './gatekeeper.ts';

export interface HttpServer {
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** For programs that watch: no token, also beyond this box. */
  readonly open: Pages;
  /** For people: with the token where one is set, and beyond this box only with one. */
  readonly guarded?: Pages;
  /** Asked at each request, so that a reload swaps it. */
  access(): HttpAccess;
  readonly log: Log;
}

export interface HttpAccess {
  /** Names, in lower case, by which this box may be called in a Host field; addresses and localhost always may. */
  readonly names: ReadonlySet<string>;
  readonly token?: string;
}

const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 5000;
const HEADER_OCTETS = 8 * 1024;
const CONNECTIONS = 64;

/** No page needs anything from elsewhere, and none may be framed, guessed at or kept. */
const HEADERS = {
  'content-security-policy': "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
} as const;

export async function openHttpServer(options: HttpOptions): Promise<HttpServer> {
  const server = createServer({ headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: HEADER_OCTETS }, (request, response) => {
    respond(options, request, response).catch((cause: unknown) => {
      options.log.error('http', { path: request.url, cause });
      if (response.headersSent) response.destroy();
      else end(response, text(500, 'Something broke in here; the log says what.'));
    });
  });
  server.maxConnections = CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close: () => new Promise(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

async function respond(options: HttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { names, token } = options.access();
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, text(405, 'Only GET and HEAD.'), { allow: 'GET, HEAD' });
  // Two Host fields are none (RFC 9112 §3.2).
  if (request.headersDistinct['host']?.length !== 1 || !isOurHost(request.headers.host, names)) return end(response, text(421, 'This box is not called that. Its names: an address, localhost, me, and those in the file webhosts.'));
  const asked = readRequest(request.url ?? '/');
  if (asked === null) return end(response, text(400, 'That is no path.'));
  const known = await options.open.answer(asked);
  if (known !== null) return end(response, known);
  if (options.guarded === undefined) return end(response, text(404, 'Here are /health and /metrics.'));
  if (token !== undefined && !mayEnter(request.headers.authorization, token)) {
    return end(response, text(401, 'The token in the file webtoken is the password; any name will do.'), { 'www-authenticate': 'Basic realm="Posthorn", charset="UTF-8"' });
  }
  if (token === undefined && !isLoopback(options.host)) return end(response, text(403, 'Beyond this box these pages need the file webtoken. Here are /health and /metrics.'));
  end(response, (await options.guarded.answer(asked)) ?? text(404, 'There is no such page.'));
}

function readRequest(url: string): PageRequest | null {
  const read = URL.parse(url, 'http://localhost');
  if (read === null || !url.startsWith('/') || url.startsWith('//')) return null;
  try {
    const path = read.pathname.split('/').filter(part => part !== '').map(decodeURIComponent);
    // The first of each name: a Map keeps the last.
    return { path, query: new Map([...read.searchParams].toReversed()) };
  } catch {
    return null;
  }
}

function text(status: number, body: string): PageAnswer {
  return { status, type: 'text/plain', body: `${body}\n` };
}

function end(response: ServerResponse, { status, type, body }: PageAnswer, more: Readonly<Record<string, string>> = {}): void {
  const octets = Buffer.from(body);
  // Node leaves the body of an answer to HEAD out.
  response.writeHead(status, { ...HEADERS, 'content-type': `${type}; charset=utf-8`, 'content-length': octets.length, ...more });
  response.end(octets);
}
