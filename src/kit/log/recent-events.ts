/** A log that also remembers: its last events about messages, so that an operator can ask where a mail went, and its last lines. */
import type { Log, LogFields } from '../../core/log.ts';

export interface RememberedLine {
  readonly at: number;
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
}

export interface RecentEvents {
  readonly log: Log;
  /** What another process has written already: remembered and handed on to the others, not written again. */
  readonly written: Log;
  /** Oldest first; of one message when `id` is given. */
  recent(id?: string): readonly RememberedLine[];
  /** The last lines, about messages or not, oldest first. */
  lines(): readonly RememberedLine[];
}

/** `writer` writes it, `others` hear it too. */
export function createRecentEvents(writer: Log, others: readonly Log[], kept: { readonly events: number; readonly lines: number }, now: () => number): RecentEvents {
  const events = createRing(kept.events);
  const lines = createRing(kept.lines);
  const hear = (level: RememberedLine['level'], writes: boolean) => (event: string, fields?: LogFields) => {
    const line = { at: now(), level, event, fields: fields ?? NO_FIELDS };
    if (line.fields['id'] !== undefined) events.add(line);
    lines.add(line);
    if (writes) writer[level](event, fields);
    for (const log of others) log[level](event, fields);
  };
  return {
    log: { info: hear('info', true), warn: hear('warn', true), error: hear('error', true) },
    written: { info: hear('info', false), warn: hear('warn', false), error: hear('error', false) },
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
