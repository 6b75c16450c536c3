/** A log that also remembers its last events about messages, so that an operator can ask where a mail went. */
import type { Log, LogFields } from '../core/log.ts';

export interface RecentEvents {
  readonly log: Log;
  /** Oldest first; of one message when `id` is given. */
  recent(id?: string): { readonly at: number; readonly event: string; readonly fields: LogFields }[];
}

export function createRecentEvents(behind: Log, capacity: number, now: () => number): RecentEvents {
  const ring: { at: number; event: string; fields: LogFields }[] = [];
  let next = 0;
  const remember = (event: string, fields: LogFields | undefined) => {
    if (fields?.['id'] === undefined) return;
    ring[next % capacity] = { at: now(), event, fields };
    next++;
  };
  return {
    log: {
      info(event, fields) { remember(event, fields); behind.info(event, fields); },
      warn(event, fields) { remember(event, fields); behind.warn(event, fields); },
      error(event, fields) { behind.error(event, fields); },
    },
    recent(id) {
      const from = Math.max(0, next - capacity);
      const all = Array.from({ length: next - from }, (_, n) => ring[(from + n) % capacity]).filter(one => one !== undefined);
      return id === undefined ? all : all.filter(one => one.fields['id'] === id);
    },
  };
}
