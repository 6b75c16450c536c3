/** GET /health (JSON; 503 when troubled) and GET /metrics (Prometheus text), for a monitoring system. */
import type { PageAnswer, Pages } from '../../core/pages.ts';
import type { QueueSummary } from '../../core/queue-store.ts';

export interface HealthOptions {
  readonly version: string;
  readonly startedAt: number;
  render(): Promise<string>;
  summary(): Promise<QueueSummary>;
  /** Why the gateway cannot do its work now; empty when it can. */
  troubles(): readonly string[];
  /** Where mail comes in; at the outside of a proxy too. */
  listeners(): readonly { readonly kind: string; readonly host: string; readonly port: number }[];
}

export function createHealth(options: HealthOptions): Pages {
  return {
    async answer({ path }) {
      if (path.length !== 1) return null;
      if (path[0] === 'metrics') return { status: 200, type: 'text/plain; version=0.0.4', body: await options.render() };
      return path[0] === 'health' ? health(options) : null;
    },
  };
}

async function health({ version, startedAt, summary, troubles: ask, listeners }: HealthOptions): Promise<PageAnswer> {
  const troubles = ask();
  const { messages, quarantined, oldestAcceptedAt } = await summary();
  const body = {
    status: troubles.length === 0 ? 'ok' : 'troubled', troubles, version,
    listeners: listeners(),
    uptimeSeconds: Math.round((Date.now() - startedAt) / 1000),
    queue: { messages, quarantined, oldestAcceptedAt: oldestAcceptedAt === null ? null : new Date(oldestAcceptedAt).toISOString() },
  };
  return { status: troubles.length === 0 ? 200 : 503, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
