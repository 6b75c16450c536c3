/**
 * How many deliveries at once: pure, with time and the pauses' length as arguments.
 *
 * A lane is one transport and one next hop. It starts with few deliveries at once, gets one more for each success and
 * one less for each failure that was the next hop's; as many failures in a row as it is wide, and it is closed for a
 * while, and then tries with one. (Postfix' feedback, with its pseudo-cohorts.)
 *
 *            success: wider             a cohort of failures           pause over
 *   open ───────────────────▶ open ───────────────────────▶ closed ───────────────▶ open, one wide
 *
 * Whoever waits longest goes next: a lane that started a delivery stands behind all others that could. Memory: lanes
 * with work are bounded by the work; of those without, IDLE_LANES are remembered.
 */
import type { Instant } from '../../core/clock.ts';
import type { Deferred } from '../../core/outcome.ts';
import type { Transport } from '../../core/transport.ts';
import { Chain, Link } from '../../kit/chain.ts';

export interface Lane {
  readonly transport: string;
  readonly nexthop: string;
  /** How wide it is now; never wider than the transport's perNexthop. */
  readonly width: number;
  readonly active: number;
  readonly waiting: number;
  /** What the next hop's trouble was when the lane was closed last. */
  readonly lastTrouble: Deferred | undefined;
}

/** How a delivery ended, as far as its next hop is concerned. */
export type Feedback = 'success' | 'trouble' | 'neutral';

export interface Lanes<Job> {
  find(transport: Transport, nexthop: string): Lane;
  /** Until when nothing should be tried there, or null. */
  closedUntil(lane: Lane, now: Instant): Instant | null;
  /** Its backlog would take longer than HORIZON_MS, and there are many of them: give some back to the queue. */
  isClogged(lane: Lane, now: Instant, share: number): boolean;
  /** When somebody who does not fit in should come again; the answers are as far apart as the deliveries are. */
  comeAgain(lane: Lane, now: Instant): Instant;
  add(lane: Lane, job: Job, now: Instant): void;
  /** The next delivery that may start, or undefined. It counts as under way from now on. */
  take(): { readonly lane: Lane; readonly job: Job } | undefined;
  /** It ended. With 'trouble', `pauseMs` is how long the lane will be closed, should it close. */
  ended(lane: Lane, now: Instant, feedback: Feedback, pauseMs?: number, trouble?: Deferred): void;
  /** Takes back who waits longest in vain: the newest of the lane. */
  dropNewest(lane: Lane): Job | undefined;
  /** All that waits in this lane, or everywhere. */
  drain(lane?: Lane): Job[];
  /** Lanes that have work now. */
  busy(): Iterable<Lane>;
  /** Lanes without work that are remembered. */
  idle(): Iterable<Lane>;
  /** Forgets closures: every one, or of the lanes wanted. */
  reopen(wanted?: (lane: Lane) => boolean): void;
  readonly size: number;
  readonly waiting: number;
  readonly active: number;
}

const FIRST_WIDTH = 2;
export const IDLE_LANES = 1000;
/** A lane with more work than it does in this time is clogged. */
const HORIZON_MS = 10_000;
/** Before so long a silence says nothing: a connection has to be made first, and we may have just started. */
const SILENT_MS = 1000;
const COME_AGAIN_MS = 1000;
const COME_AGAIN_AT_MOST_MS = 300_000;

interface Hall {
  /** Its limits are asked each time: a reload changes them. */
  readonly transport: Transport;
  active: number;
  /** Lanes that may start a delivery, who waits longest first. */
  readonly ready: Fifo<OwnLane<unknown>>;
}

class OwnLane<Job> extends Link implements Lane {
  readonly transport: string;
  readonly nexthop: string;
  readonly hall: Hall;
  readonly jobs = new Fifo<Job>();
  width: number;
  active = 0;
  isReady = false;
  /** Sum of 1/width over the failures since the last success. */
  cohorts = 0;
  closedAt = 0;
  closedUntil = 0;
  lastTrouble: Deferred | undefined = undefined;
  /** Smoothed time between two ends; 0 is not known. */
  paceMs = 0;
  lastEndAt = 0;
  /** Since it has work. */
  hasEnded = false;
  nextComeAgain = 0;

  constructor(hall: Hall, transport: string, nexthop: string) {
    super();
    this.hall = hall;
    this.transport = transport;
    this.nexthop = nexthop;
    this.width = Math.max(1, Math.min(FIRST_WIDTH, hall.transport.limits.perNexthop));
  }
  get waiting(): number {
    return this.jobs.length;
  }
}

export function createLanes<Job>(): Lanes<Job> {
  const halls = new Map<string, Hall>();
  const hallList: Hall[] = [];
  const lanes = new Map<Hall, Map<string, OwnLane<Job>>>();
  /** Least recently used first. A lane goes to and fro with each delivery when there is little to do. */
  const idle = new Chain<OwnLane<Job>>();
  const busy = new Chain<OwnLane<Job>>();
  let nextHall = 0;
  let waiting = 0;
  let active = 0;

  function hallOf(transport: Transport): Hall {
    let hall = halls.get(transport.name);
    if (hall === undefined) {
      hall = { transport, active: 0, ready: new Fifo() };
      halls.set(transport.name, hall);
      hallList.push(hall);
      lanes.set(hall, new Map());
    }
    return hall;
  }

  function makeReady(lane: OwnLane<Job>): void {
    if (lane.isReady || lane.jobs.length === 0 || lane.active >= lane.width) return;
    lane.isReady = true;
    lane.hall.ready.push(lane);
  }

  function settle(lane: OwnLane<Job>): void {
    if (lane.jobs.length > 0 || lane.active > 0) return;
    idle.append(lane);
    if (idle.size > IDLE_LANES) forget(idle.first as OwnLane<Job>);
  }

  function forget(lane: OwnLane<Job>): void {
    idle.remove(lane);
    lanes.get(lane.hall)?.delete(lane.nexthop);
  }

  function expectedPaceMs(lane: OwnLane<Job>, now: Instant): number {
    const silentMs = now - lane.lastEndAt;
    return lane.active === 0 || silentMs < SILENT_MS ? lane.paceMs : Math.max(lane.paceMs, silentMs);
  }

  /** The lanes handed out are all ours; the interface hides what only this file may change. */
  const own = (lane: Lane) => lane as OwnLane<Job>;

  return {
    find(transport, nexthop) {
      const hall = hallOf(transport);
      const known = lanes.get(hall) as Map<string, OwnLane<Job>>;
      let lane = known.get(nexthop);
      if (lane === undefined) {
        lane = new OwnLane<Job>(hall, transport.name, nexthop);
        known.set(nexthop, lane);
        settle(lane);
      }
      return lane;
    },
    closedUntil(lane, now) {
      const { closedAt, closedUntil } = own(lane);
      // A clock that was set back must not keep a lane closed.
      return closedUntil > now && now >= closedAt ? (closedUntil as Instant) : null;
    },
    isClogged(lane, now, share) {
      return lane.waiting > share && lane.waiting * expectedPaceMs(own(lane), now) > HORIZON_MS;
    },
    comeAgain(lane, now) {
      const mine = own(lane);
      const next = Math.max(now + COME_AGAIN_MS, mine.nextComeAgain + Math.ceil(expectedPaceMs(mine, now)));
      mine.nextComeAgain = Math.min(next, now + COME_AGAIN_AT_MOST_MS);
      return mine.nextComeAgain as Instant;
    },
    add(lane, job, now) {
      const mine = own(lane);
      if (mine.jobs.length === 0 && mine.active === 0) {
        busy.append(mine);
        // It may have been forgotten between find() and add().
        lanes.get(mine.hall)?.set(mine.nexthop, mine);
        mine.lastEndAt = now;
        mine.hasEnded = false;
      }
      mine.jobs.push(job);
      waiting++;
      makeReady(mine);
    },
    take() {
      for (let n = 0; n < hallList.length; n++) {
        const hall = hallList[(nextHall + n) % hallList.length] as Hall;
        while (hall.active < hall.transport.limits.inAll) {
          const lane = hall.ready.shift() as OwnLane<Job> | undefined;
          if (lane === undefined) break;
          lane.isReady = false;
          if (lane.active >= lane.width) continue; // it got narrower since
          const job = lane.jobs.shift();
          if (job === undefined) continue;
          lane.active++;
          hall.active++;
          active++;
          waiting--;
          makeReady(lane);
          nextHall = (nextHall + n + 1) % hallList.length;
          return { lane, job };
        }
      }
      return undefined;
    },
    ended(lane, now, feedback, pauseMs = 0, trouble) {
      const mine = own(lane);
      mine.active--;
      mine.hall.active--;
      active--;
      // The first end may say how long a connection takes to make; the next ones, how far they are apart.
      const paceMs = mine.paceMs * 0.8 + Math.max(0, now - mine.lastEndAt) * 0.2;
      mine.paceMs = mine.hasEnded ? paceMs : Math.min(mine.paceMs, paceMs);
      mine.hasEnded = true;
      mine.lastEndAt = now;
      if (feedback === 'success') {
        mine.cohorts = 0;
        mine.closedUntil = 0;
        mine.lastTrouble = undefined;
        if (mine.width < mine.hall.transport.limits.perNexthop) mine.width++;
      } else if (feedback === 'trouble') {
        mine.cohorts += 1 / mine.width;
        mine.width = Math.max(1, mine.width - 1);
        mine.lastTrouble = trouble;
        if (mine.cohorts >= 1 && pauseMs > 0) {
          mine.closedAt = now;
          mine.closedUntil = now + pauseMs;
          mine.width = 1;
          // After the pause one failure is a whole cohort.
          mine.cohorts = 0;
        }
      }
      makeReady(mine);
      settle(mine);
    },
    dropNewest(lane) {
      const job = own(lane).jobs.pop();
      if (job !== undefined) waiting--;
      settle(own(lane));
      return job;
    },
    drain(lane) {
      const found: Job[] = [];
      for (const one of lane === undefined ? busy.all() : [own(lane)]) {
        for (let job = one.jobs.shift(); job !== undefined; job = one.jobs.shift()) found.push(job);
        settle(one);
      }
      waiting -= found.length;
      return found;
    },
    busy: () => busy.all(),
    idle: () => idle.all(),
    reopen(wanted) {
      for (const set of [idle, busy]) for (const lane of set.all()) {
        if (wanted?.(lane) === false) continue;
        lane.closedUntil = 0;
        lane.cohorts = 0;
      }
    },
    get size() {
      return idle.size + busy.size;
    },
    get waiting() {
      return waiting;
    },
    get active() {
      return active;
    },
  };
}

/** First in, first out in constant time; gives its memory back as it empties. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  get length(): number {
    return this.#items.length - this.#head;
  }
  push(item: T): void {
    this.#items.push(item);
  }
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
  pop(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items.pop();
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    }
    return item;
  }
}
