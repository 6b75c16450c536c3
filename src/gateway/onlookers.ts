/**
 * Who looks at the gateway: remembered events, plots, hooks, alarms and the HTTP port. They hear the log and ask the queue;
 * nothing that moves mail knows of them.
 */
import type { Configuration } from '../configuration.ts';
import type { Chance, Clock } from '../core/clock.ts';
import type { EventOutbox } from '../core/event-outbox.ts';
import type { Log } from '../core/log.ts';
import type { LinkView } from '../core/links.ts';
import type { DeviceReport, NexthopView, Operations, WebhookState } from '../core/operations.ts';
import type { QueueStore } from '../core/queue-store.ts';
import { openAlarms } from '../front/alarms/index.ts';
import { createHealth, openHttpServer, type HttpServer } from '../front/http/index.ts';
import { createTraffic, openWebView } from '../front/web/index.ts';
import { openWebhooks } from '../front/webhooks/index.ts';
import type { Metrics } from '../core/metrics.ts';
import { createLogMemory, type LogMemory } from '../kit/log/log-memory.ts';
import type { Listeners } from './ways-in/listeners.ts';

export interface Onlookers extends Pick<Operations, 'recent' | 'webhooks' | 'testWebhook'> {
  /** The log of the whole gateway: everyone here hears it. */
  readonly log: Log;
  /** For what another process of ours has written itself. */
  readonly written: Log;
  /** From now on hooks are told and alarms ring. What is returned ends it. */
  watch(store: Watched): Promise<() => Promise<void>>;
  /** The HTTP port; null: it is switched off. */
  show(store: Watched, gateway: Gateway): Promise<HttpServer | null>;
  reload(): Promise<void>;
}

export interface OnlookersOptions {
  configuration(): Configuration;
  readonly log: Log;
  /** Of `log`; absent: it has none. */
  readonly memory?: LogMemory;
  readonly version: string;
  readonly startedAt: number;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly metrics: Metrics;
}

interface Gateway {
  troubles(): readonly string[];
  /** Where mail comes in. */
  listeners(): ReturnType<Listeners['addresses']>;
  lanes(): readonly NexthopView[];
  devices(): DeviceReport;
  links(): readonly LinkView[];
  /** In Prometheus' text, of all its processes. */
  metrics(): Promise<string>;
}

type Watched = Pick<QueueStore, 'get' | 'list' | 'summary'> & { readonly outbox: EventOutbox };

export function createOnlookers(options: OnlookersOptions): Onlookers {
  const { clock, metrics, configuration, version, startedAt } = options;
  const first = configuration();
  // Counted only where somebody can look.
  const traffic = first.http !== null && first.web.shown ? createTraffic(() => clock.now()) : null;
  const others = traffic === null ? [] : [traffic.log];
  const memory = options.memory ?? createLogMemory();
  const log = heardBy(options.memory === undefined ? heardBy(options.log, [memory.keep]) : options.log, others);
  const written = heardBy(memory.keep, others);
  let hooks: ReturnType<typeof openWebhooks> | null = null;
  let alarms: ReturnType<typeof openAlarms> | null = null;

  async function reload(): Promise<void> {
    const { names, events } = configuration();
    await hooks?.use(names.me, events.webhooks);
  }

  return {
    log,
    written,
    recent: id => Promise.resolve(memory.recent(id)),
    webhooks: () => Promise.resolve(hooks?.states() ?? []),
    testWebhook: name => hooks?.test(name) ?? Promise.resolve(null),
    reload,
    async watch(store) {
      const opened = openWebhooks({ ...options, outbox: store.outbox, ownLog: log });
      hooks = opened;
      others.push(opened.log);
      await reload();
      alarms = openAlarms({ clock, log, metrics, limits: () => configuration().events.alarms, summary: () => store.summary() });
      return async () => {
        await alarms?.close();
        await opened.close();
      };
    },
    async show(store, { troubles, listeners, lanes, links, devices, metrics: render }) {
      if (first.http === null) return null;
      const about = { version, startedAt, troubles, listeners };
      const web = traffic === null ? null : openWebView({
        ...about, clock, traffic, lanes, links, devices, queue: store, recent: id => memory.recent(id), lines: () => memory.lines(), configuration, alarms: () => alarms?.raised() ?? [],
        me: () => configuration().names.me,
      });
      const server = await openHttpServer({
        ...first.http, log, open: createHealth({ ...about, render, summary: async () => store.summary() }), ...(web === null ? {} : { guarded: web.pages }),
        access: () => {
          const { names, web: { names: more, token } } = configuration();
          return { names: new Set([names.me, ...more]), ...(token === undefined ? {} : { token }) };
        },
      }).catch(async (cause: unknown) => {
        await web?.close();
        throw cause;
      });
      return {
        address: server.address,
        async close() {
          await server.close();
          await web?.close();
        },
      };
    },
  };
}

/** `others` may become more. */
function heardBy(first: Log, others: readonly Log[]): Log {
  const hear = (level: keyof Log): Log['info'] => (event, fields) => {
    first[level](event, fields);
    for (const other of others) other[level](event, fields);
  };
  return { info: hear('info'), warn: hear('warn'), error: hear('error') };
}

/** What waits for hooks while no gateway runs. */
export function restingHooks(configuration: Configuration, outbox: EventOutbox): readonly WebhookState[] {
  return configuration.events.webhooks.map(({ name, url, events }) => ({
    name, host: new URL(url).origin, events: [...events], waiting: outbox.waiting(name), lost: 0, sent: 0, lastTakenAt: null, trouble: null,
  }));
}
