/** All hooks: a log that hands its events to those who want them, and costs nothing where nobody does. */
import { randomUUID } from 'node:crypto';
import type { Chance, Clock } from '../../core/clock.ts';
import type { EventOutbox } from '../../core/event-outbox.ts';
import type { Log, LogFields } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { WebhookAnswer, WebhookState } from '../../core/operations.ts';
import { openHttpClient } from '../../kit/net/http-client.ts';
import type { Proxy } from '../../kit/net/socks.ts';
import { readEvent } from './event.ts';
import { Hook, type HookRule } from './hook.ts';

export interface WebhookRule extends HookRule {
  readonly via: Proxy | undefined;
  readonly privateHosts: boolean;
}

export interface Webhooks {
  /** Give it every event. */
  readonly log: Log;
  /** Hooks that stay as they are go on; those that are gone take what waited with them. */
  use(me: string, rules: readonly WebhookRule[]): Promise<void>;
  states(): readonly WebhookState[];
  test(name: string): Promise<WebhookAnswer | null>;
  close(): Promise<void>;
}

export interface WebhooksOptions {
  readonly version: string;
  readonly outbox: EventOutbox;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Where hooks tell of their own trouble. */
  readonly ownLog: Log;
  readonly metrics: Metrics;
}

interface Running {
  readonly hook: Hook;
  /** What it was made of, to see whether it changed. */
  readonly made: string;
}

/** The head stands first, and no field of the log takes its place. */
function textOf(head: Readonly<Record<string, string>>, fields: LogFields): string {
  return JSON.stringify({ ...head, ...fields, ...head });
}

export function openWebhooks(options: WebhooksOptions): Webhooks {
  const { clock, metrics } = options;
  const events = metrics.counter('posthorn_webhook_events_total', 'Events taken by hooks, or lost.');
  let running: readonly Running[] = [];

  function heard(event: string, fields?: LogFields): void {
    if (running.length === 0 || fields === undefined) return;
    const read = readEvent(event, fields);
    if (read === null) return;
    let text: string | null = null;
    for (const { hook } of running) {
      if (!read.kinds.some(kind => hook.rule.events.has(kind))) continue;
      // One id for all hooks: it is the same event.
      text ??= textOf({ id: randomUUID(), type: read.type, at: new Date(clock.now()).toISOString() }, read.fields);
      hook.push(text, read.urgent);
    }
  }

  function open(me: string, rule: WebhookRule): Hook {
    return new Hook({
      rule, me, version: options.version, outbox: options.outbox, clock, chance: options.chance, log: options.ownLog,
      client: openHttpClient({ clock, connections: 1, proxy: () => rule.via, privateAddresses: rule.privateHosts ? 'allowed' : 'refused' }),
      tally: (result, count) => events.add(count, { hook: rule.name, result }),
    });
  }

  return {
    log: { info: heard, warn: heard, error: heard },
    async use(me, rules) {
      const wanted = rules.map(rule => ({ rule, made: JSON.stringify([me, { ...rule, events: [...rule.events] }]) }));
      const kept = running.filter(one => wanted.some(({ made }) => made === one.made));
      const gone = running.filter(one => !kept.includes(one));
      // A changed hook's successor begins when it has ended: two of one name would send twice.
      running = kept;
      await Promise.all(gone.map(({ hook }) => hook.close()));
      running = wanted.map(({ rule, made }) => kept.find(one => one.made === made) ?? { hook: open(me, rule), made });
      await options.outbox.keepOnly(new Set(rules.map(({ name }) => name)));
    },
    states: () => running.map(({ hook }) => hook.state()),
    test(name) {
      const found = running.find(({ hook }) => hook.rule.name === name);
      return found === undefined ? Promise.resolve(null) : found.hook.test(randomUUID());
    },
    async close() {
      const all = running;
      running = [];
      await Promise.all(all.map(({ hook }) => hook.close()));
    },
  };
}
