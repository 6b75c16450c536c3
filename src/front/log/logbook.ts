/** All places that log lines go to. They may change while it is written to; there is always one. */
import type { Log, LogFields } from '../../core/log.ts';
import { usualLog, type LogTarget } from '../../grammar/config/log-targets.ts';
import type { LogMemory } from '../../kit/log/log-memory.ts';
import { openTarget, type OpenTarget, type TargetOptions } from './targets.ts';

export interface Logbook extends Log {
  readonly dropped: number;
  /** Writes what is gathered before it returns, as far as the readers take it. */
  flush(): void;
  /** These places from now on; those that stay go on as they are. */
  use(host: string, targets: readonly LogTarget[]): void;
  /** Files that were moved away are begun anew. */
  reopen(): void;
  close(): Promise<void>;
}

interface Place {
  readonly target: LogTarget;
  readonly open: OpenTarget;
}

/** `memory`: remembers all of it. */
export function openLogbook(first: TargetOptions, targets: readonly LogTarget[] = usualLog, memory?: LogMemory): Logbook {
  let options = first;
  let places: readonly Place[] = [];
  let droppedBefore = 0;
  /** The place whose lines are remembered; null: there is none that has every line, and as JSON. */
  let model: Place | null = null;
  use(first.host, targets);
  memory?.onLook(() => model?.open.hurry());

  /** What the one before has gathered is remembered by it, what the next one has is remembered already. */
  function follow(next: Place | null): void {
    if (next === model) return;
    model?.open.hurry();
    model = null;
    next?.open.hurry();
    model = next;
  }

  function openPlace(target: LogTarget): Place {
    const place: Place = { target, open: openTarget(target, memory === undefined ? options : { ...options, gathered: lines => { if (place === model) memory.add(lines); } }) };
    return place;
  }

  function use(host: string, next: readonly LogTarget[]): void {
    const sameHost = host === options.host;
    options = { ...options, host };
    const before = places;
    const kept = before.filter(place => sameHost && next.some(target => sameTarget(target, place.target)));
    const troubles: { readonly target: LogTarget; readonly cause: unknown }[] = [];
    const opened = next.flatMap((target): Place[] => {
      const known = kept.find(place => sameTarget(place.target, target));
      if (known !== undefined) return [known];
      try {
        return [openPlace(target)];
      } catch (cause) {
        troubles.push({ target, cause });
        return [];
      }
    });
    places = opened.length > 0 ? opened : usualLog.map(openPlace);
    follow(places.find(({ target: { kind, format, level } }) => kind !== 'syslog' && format === 'json' && level === 'info') ?? null);
    for (const { open } of before.filter(place => !places.includes(place))) {
      droppedBefore += open.dropped;
      void open.close();
    }
    for (const { target, cause } of troubles) error('log', { what: 'cannot be opened', path: target.kind === 'file' ? target.path : target.kind, cause });
  }

  function error(event: string, fields?: LogFields): void {
    for (const { open } of places) open.error(event, fields);
    if (model === null) memory?.keep.error(event, fields);
  }

  return {
    get dropped() { return places.reduce((sum, { open }) => sum + open.dropped, droppedBefore); },
    use,
    info(event, fields) {
      for (const { open } of places) open.info(event, fields);
      if (model === null) memory?.keep.info(event, fields);
    },
    warn(event, fields) {
      for (const { open } of places) open.warn(event, fields);
      if (model === null) memory?.keep.warn(event, fields);
    },
    error,
    flush() { for (const { open } of places) open.flush(); },
    reopen() {
      for (const { target, open } of places) {
        try {
          open.reopen();
        } catch (cause) {
          error('log', { what: 'cannot be opened anew; the old file goes on', path: target.kind === 'file' ? target.path : target.kind, cause });
        }
      }
    },
    async close() {
      await Promise.all(places.map(({ open }) => open.close()));
    },
  };
}

function sameTarget(one: LogTarget, other: LogTarget): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
