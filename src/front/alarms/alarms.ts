/** Raised past the limit, cleared a tenth within it, so that a value that trembles does not ring all night. */
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { QueueSummary } from '../../core/queue-store.ts';
import type { Awaitable } from '../../core/intake.ts';

export interface Alarms {
  /** What is raised now, in words. */
  raised(): readonly string[];
  close(): Promise<void>;
}

export interface AlarmsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Asked at each look; null: never mind. */
  limits(): Limits;
  summary(): Awaitable<QueueSummary>;
}

interface Limits {
  readonly messages: number | null;
  readonly oldest: number | null;
  readonly free: number | null;
  readonly quarantine: number | null;
}

type Name = keyof Limits;

const LOOK_MS = 10_000;
const NAMES: readonly Name[] = ['messages', 'oldest', 'free', 'quarantine'];
const MINUTE_MS = 60_000;
const MIB = 1024 * 1024;

export function openAlarms(options: AlarmsOptions): Alarms {
  const { clock, log } = options;
  const gauge = options.metrics.gauge('posthorn_alarm', 'Whether an alarm is raised.');
  const raised = new Map<Name, { readonly text: string; readonly value: number }>();
  const closing = new AbortController();

  function look(summary: QueueSummary): void {
    const limits = options.limits();
    const values: Readonly<Record<Name, number>> = {
      messages: summary.messages, oldest: summary.oldestAcceptedAt === null ? 0 : Math.max(0, clock.now() - summary.oldestAcceptedAt),
      free: summary.freeOctets, quarantine: summary.quarantined,
    };
    for (const name of NAMES) {
      const limit = limits[name];
      const value = values[name];
      const before = raised.get(name);
      const text = textOf(name, value);
      if (limit !== null && isPast(name, value, limit)) {
        // One more damaged message is news; one more in a long queue is not.
        if (before === undefined || (name === 'quarantine' && value > before.value)) log.warn('alarm', { alarm: name, state: 'raised', value, limit, text });
        raised.set(name, { text, value });
      } else if (before !== undefined && (limit === null || isWellWithin(name, value, limit))) {
        raised.delete(name);
        log.info('alarm', { alarm: name, state: 'cleared', value, limit, text });
      }
      gauge.set(raised.has(name) ? 1 : 0, { alarm: name });
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleepUntil(after(clock.now(), LOOK_MS), closing.signal);
      if (closing.signal.aborted) return;
      try {
        look(await options.summary());
      } catch (cause) {
        log.error('queue', { what: 'the queue cannot be looked at', cause });
      }
    }
  }
  const running = run();

  return {
    raised: () => [...raised.values()].map(({ text }) => text),
    async close() {
      closing.abort();
      await running;
    },
  };
}

function isPast(name: Name, value: number, limit: number): boolean {
  if (name === 'free') return value < limit;
  return name === 'quarantine' ? value >= limit : value > limit;
}

function isWellWithin(name: Name, value: number, limit: number): boolean {
  if (name === 'free') return value >= limit * 1.1;
  return name === 'quarantine' ? value < limit : value <= limit * 0.9;
}

function textOf(name: Name, value: number): string {
  switch (name) {
    case 'messages':
      return `${value} messages are in the queue`;
    case 'oldest':
      return `the oldest message has waited for ${Math.round(value / MINUTE_MS)} minutes`;
    case 'free':
      return `${Math.round(value / MIB)} MiB are left for mail`;
    case 'quarantine':
      return `${value} messages are in quarantine, damaged or set aside by a filter`;
    default:
      return name satisfies never;
  }
}
