/**
 * Many deadlines, one sleep. Sockets move their deadline several times a message, so moving one is an addition and a
 * comparison: the clock is asked to wake us at the earliest moment known, and on waking we look who is really late.
 */
import type { Clock, Instant } from '../core/clock.ts';
import { after } from '../core/clock.ts';
import { Chain, Link } from './chain.ts';

export interface Deadlines {
  /** All at once: whoever waits is told now. */
  expire(): void;
  /** `passed` is called once for each time that set() was not followed by another set() or clear() in time. */
  open(passed: () => void): Deadline;
  close(): void;
}

export interface Deadline {
  set(ms: number): void;
  clear(): void;
}

class Watched extends Link {
  at: Instant;
  readonly passed: () => void;

  constructor(at: Instant, passed: () => void) {
    super();
    this.at = at;
    this.passed = passed;
  }
}

export function openDeadlines(clock: Clock): Deadlines {
  const active = new Chain<Watched>();
  let armed: AbortController | null = null;
  let armedFor = Number.POSITIVE_INFINITY;

  function arm(when: Instant): void {
    armed?.abort('rearmed');
    const mine = new AbortController();
    armed = mine;
    armedFor = when;
    void clock.sleepUntil(when, mine.signal).then(() => {
      if (armed === mine) wake();
    });
  }

  function wake(): void {
    armed = null;
    armedFor = Number.POSITIVE_INFINITY;
    const now = clock.now();
    for (const one of active.all()) {
      if (one.at > now || !active.has(one)) continue;
      active.remove(one);
      one.passed();
    }
    let earliest = Number.POSITIVE_INFINITY;
    for (const one of active.all()) earliest = Math.min(earliest, one.at);
    if (earliest < armedFor) arm(earliest as Instant);
  }

  return {
    open(passed) {
      const mine = new Watched(clock.now(), passed);
      return {
        set(ms) {
          mine.at = after(clock.now(), ms);
          if (!active.has(mine)) active.append(mine);
          if (mine.at < armedFor) arm(mine.at);
        },
        clear() {
          active.remove(mine);
        },
      };
    },
    expire() {
      const late = active.all();
      for (const one of late) active.remove(one);
      for (const one of late) one.passed();
    },
    close() {
      for (const one of active.all()) active.remove(one);
      armed?.abort('rearmed');
      armed = null;
    },
  };
}
