/** Counters of all smarthosts with a limit, kept in one file through a restart; a crash forgets the last two seconds. */
import { readFileSync } from 'node:fs';
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { keepFile, nodeFileSystem, type FileSystem } from '../../kit/file/durable-file.ts';
import { apartMs, earliest, withCount, type RateLimit, type Slots } from './quota.ts';

export interface Quota {
  /** Takes room for what is to be sent; or says when there will be, and how much later for the next who comes. */
  take(sent: { readonly messages: number; readonly recipients: number }): { readonly kind: 'taken'; giveBack(): void } | { readonly kind: 'full'; readonly until: number; readonly apartMs: number; readonly why: string };
}

export interface Quotas {
  of(name: string, limits: { readonly messages: readonly RateLimit[]; readonly recipients: readonly RateLimit[] }): Quota;
  close(): Promise<void>;
}

export interface QuotaOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly files?: FileSystem;
}

const FILE = 'smarthost-counters.json';
const WRITE_MS = 2000;
const VERSION = 1;

export function openQuotas({ folder, clock, log, files = nodeFileSystem }: QuotaOptions): Quotas {
  const counters = readCounters(`${folder}/${FILE}`);
  const closing = new AbortController();
  let dirty = false;
  let writing: Promise<void> | null = null;

  function changed(): void {
    dirty = true;
    writing ??= keepUp();
  }
  /** One write at a time, and one more for what changed meanwhile. */
  async function keepUp(): Promise<void> {
    while (dirty) {
      await clock.sleepUntil(after(clock.now(), WRITE_MS), closing.signal);
      dirty = false;
      await write();
    }
    writing = null;
  }
  async function write(): Promise<void> {
    const text = JSON.stringify({ version: VERSION, counters: Object.fromEntries([...counters].map(([key, slots]) => [key, [...slots]])) });
    // Lost counters cost a warning from the provider at worst; mail is not held up for them.
    await keepFile(files, folder, FILE, [Buffer.from(`${text}\n`)]).catch((cause: unknown) => log.error('smarthosts', { what: 'the counters cannot be written', cause }));
  }

  return {
    of(name, { messages, recipients }) {
      const limits = [...messages.map(limit => ({ limit, kind: 'messages' as const })), ...recipients.map(limit => ({ limit, kind: 'recipients' as const }))]
        .map(one => ({ ...one, key: `${name} ${one.kind} ${one.limit.perMs}` }));
      return {
        take(sent) {
          const now = clock.now();
          let until: number = now;
          let why = '';
          let apart = 0;
          for (const { limit, kind, key } of limits) {
            const free = earliest(limit, counters.get(key) ?? new Map<number, number>(), sent[kind], now);
            if (free <= until) continue;
            until = free;
            apart = apartMs(limit, sent[kind]);
            why = `${name} takes ${limit.count} ${kind} in ${formatSpan(limit.perMs)}, and they are used up`;
          }
          if (until > now) return { kind: 'full', until, apartMs: apart, why };
          const add = (sign: 1 | -1) => {
            for (const { limit, kind, key } of limits) counters.set(key, withCount(limit, counters.get(key) ?? new Map<number, number>(), sign * sent[kind], now));
            changed();
          };
          add(1);
          return { kind: 'taken', giveBack: () => add(-1) };
        },
      };
    },
    async close() {
      closing.abort();
      await writing;
    },
  };
}

function readCounters(path: string): Map<string, Slots> {
  const counters = new Map<string, Slots>();
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as { readonly version?: unknown; readonly counters?: Readonly<Record<string, unknown>> };
    if (read.version !== VERSION) return counters;
    for (const [key, slots] of Object.entries(read.counters ?? {})) {
      if (!Array.isArray(slots)) continue;
      const whole = (slots as readonly unknown[]).flatMap(pair => (Array.isArray(pair) && Number.isSafeInteger(pair[0]) && Number.isSafeInteger(pair[1]) ? [[pair[0] as number, pair[1] as number] as const] : []));
      counters.set(key, new Map(whole));
    }
  } catch {
    // No file, or a damaged one: counting begins anew.
  }
  return counters;
}

function formatSpan(ms: number): string {
  for (const [unit, size] of [['days', 86_400_000], ['hours', 3_600_000], ['minutes', 60_000]] as const) if (ms % size === 0) return `${ms / size} ${unit}`;
  return `${ms / 1000} seconds`;
}
