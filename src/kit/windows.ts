/**
 * How often something happened lately, by key: a sliding window of two halves, so that a key costs two numbers however
 * often it comes. Bounded: the key that was quiet longest is forgotten first.
 */
export interface Windows {
  /** Counts one more, or `times`; how many there were in the last `windowMs`, these included. */
  add(key: string, now: number, windowMs: number, times?: number): number;
  forget(key: string): void;
}

interface Counted {
  /** Which window `current` counts, by its number. */
  window: number;
  current: number;
  before: number;
}

export function createWindows(most: number): Windows {
  const counts = new Map<string, Counted>();
  return {
    add(key, now, windowMs, times = 1) {
      const window = Math.floor(now / windowMs);
      const known = counts.get(key);
      // Behind the others again: the first in the map is the one that was quiet longest.
      counts.delete(key);
      const steps = known === undefined ? Number.POSITIVE_INFINITY : window - known.window;
      const counted: Counted = { window, current: times + (steps === 0 ? known!.current : 0), before: steps === 0 ? known!.before : steps === 1 ? known!.current : 0 };
      counts.set(key, counted);
      if (counts.size > most) counts.delete(counts.keys().next().value as string);
      const left = 1 - (now - window * windowMs) / windowMs;
      return counted.current + Math.floor(counted.before * left);
    },
    forget: key => void counts.delete(key),
  };
}
