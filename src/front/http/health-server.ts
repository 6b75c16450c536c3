/** Health and metrics over HTTP, for this box or a monitoring host. Read-only. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { QueueSummary } from '../../core/queue-store.ts';

export interface HealthServer {
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

export interface HealthOptions {
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly startedAt: number;
  render(): Promise<string>;
  summary(): Promise<QueueSummary>;
  /** Why the gateway cannot do its work now; empty when it can. */
  troubles(): readonly string[];
}

const HEADERS_TIMEOUT_MS = 10_000;

export async function openHealthServer(options: HealthOptions): Promise<HealthServer> {
  const server = createServer({ headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: HEADERS_TIMEOUT_MS }, (request, response) => {
    respond(options, request.method ?? '', request.url ?? '/', response).catch(() => response.destroy());
  });
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

async function respond(options: HealthOptions, method: string, url: string, response: ServerResponse): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') return end(response, 405, 'text/plain', 'Only GET and HEAD.\n');
  switch (new URL(url, 'http://localhost').pathname) {
    case '/metrics':
      return end(response, 200, 'text/plain; version=0.0.4', await options.render());
    case '/health': {
      const troubles = options.troubles();
      const { messages, quarantined, oldestAcceptedAt } = await options.summary();
      const body = {
        status: troubles.length === 0 ? 'ok' : 'troubled', troubles, version: options.version,
        uptimeSeconds: Math.round((Date.now() - options.startedAt) / 1000),
        queue: { messages, quarantined, oldestAcceptedAt: oldestAcceptedAt === null ? null : new Date(oldestAcceptedAt).toISOString() },
      };
      return end(response, troubles.length === 0 ? 200 : 503, 'application/json', `${JSON.stringify(body)}\n`);
    }
    default:
      return end(response, 404, 'text/plain', 'Here are /health and /metrics.\n');
  }
}

function end(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  response.end(body);
}
