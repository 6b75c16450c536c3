/** A log that also remembers: its last events about messages, so that an operator can ask where a mail went, and its last lines. */
import type { Log, LogFields } from '../core/log.ts';

export interface RememberedLine {
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
}

export interface RecentEvents {
  readonly log: Log;
  /** Oldest first; of one message when `id` is given. */
  recent(id?: string): readonly RememberedLine[];
  /** The last lines, about messages or not, oldest first. */
  lines(): readonly RememberedLine[];
}

/** `behind`: who hears everything after it was remembered. */
export function createRecentEvents(behind: readonly Log[], kept: { readonly events: number; readonly lines: number }, now: () => number): RecentEvents {
  const events = createRing(kept.events);
  const lines = createRing(kept.lines);
  const hear = (level: RememberedLine['level']) => (event: string, fields?: LogFields) => {
    const line = { at: now(), level, event, fields: fields ?? NO_FIELDS };
    if (line.fields['id'] !== undefined) events.add(line);
    lines.add(line);
    for (const log of behind) log[level](event, fields);
  };
  return {
    log: { info: hear('info'), warn: hear('warn'), error: hear('error') },
    recent: id => (id === undefined ? events.all() : events.all().filter(one => one.fields['id'] === id)),
    lines: () => lines.all(),
  };
}

const NO_FIELDS: LogFields = {};

function createRing(capacity: number): { add(line: RememberedLine): void; all(): RememberedLine[] } {
  const ring: RememberedLine[] = [];
  let next = 0;
  return {
    add(line) {
      ring[next % capacity] = line;
      next++;
    },
    all() {
      const from = Math.max(0, next - capacity);
      return Array.from({ length: next - from }, (_, n) => ring[(from + n) % capacity] as RememberedLine);
    },
  };
}
