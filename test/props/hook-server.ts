/** Somebody who takes events: remembers each request whole, answers as told, and can be gone. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { listen } from './ports.ts';
import { createWatch } from './within.ts';

export interface HookRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly gateway: string;
  readonly hook: string;
  readonly lost: number;
  readonly events: readonly HookEvent[];
}

export interface HookEvent {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly [name: string]: unknown;
}

/** A status, perhaps with fields; 'silence' never answers; 'hang up' reads all and ends the connection. */
export type HookAnswer = number | { readonly status: number; readonly headers: Readonly<Record<string, string>> } | 'silence' | 'hang up';

export interface HookServer {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly HookRequest[];
  /** Of all requests that were answered with 2xx, in order. */
  readonly taken: readonly HookEvent[];
  answer: (request: HookRequest) => HookAnswer;
  until(what: string, seen: () => boolean, ms?: number): Promise<void>;
  close(): Promise<void>;
}

export async function openHookServer(port = 0): Promise<HookServer> {
  const requests: HookRequest[] = [];
  const taken: HookEvent[] = [];
  const watch = createWatch();
  const server: Server = createServer((asked, response) => {
    const parts: Buffer[] = [];
    asked.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      const body = Buffer.concat(parts).toString();
      const request = { headers: asked.headers, body, ...(JSON.parse(body) as Pick<HookRequest, 'gateway' | 'hook' | 'lost' | 'events'>) };
      requests.push(request);
      const answer = opened.answer(request);
      if (answer === 'hang up') asked.socket.destroy();
      else if (answer !== 'silence') {
        const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
        if (status >= 200 && status < 300) taken.push(...request.events);
        response.writeHead(status, headers).end();
      }
      watch.happened();
    }).on('error', () => undefined);
  });
  const bound = await listen(server, port);
  const opened: HookServer = {
    url: `http://127.0.0.1:${bound}/hook?a=b`, port: bound, requests, taken, answer: () => 204,
    until: (what, seen, ms = 20_000) => watch.until(ms, what, seen),
    close: () => new Promise(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
  return opened;
}

/** As docs/webhooks.md tells others to check it. */
export function isSigned({ headers, body }: Pick<HookRequest, 'headers' | 'body'>, secret: string): boolean {
  const mac = createHmac('sha256', secret).update(`${String(headers['posthorn-timestamp'])}.${body}`).digest('hex');
  return headers['posthorn-signature'] === `v1=${mac}`;
}
