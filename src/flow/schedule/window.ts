/**
 * The window on the queue: however many messages wait on the disk, so many at most are in memory. It fills from what is
 * due, earliest first; full, it stays closed until it has emptied to the low mark, or until nothing moves for a while.
 *
 *   filling ── as many as fit ──▶ full ── emptied to `low`, or a moment passed ──▶ filling
 *                                   │ mail that came in just now has a reserve of its own, and goes on
 *                                   │ clogged by slow next hops: they give some back (runner.relieve)
 *                                   └ every `fillMs`: the newest give way to what is due on the disk (runner.giveWay)
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { after, type Chance, type Clock, type Instant } from '../../core/clock.ts';
import type { Claim, QueueStore } from '../../core/queue-store.ts';
import { Interrupter } from '../../kit/interrupter.ts';
import type { Tally } from './tally.ts';

export interface WindowSize {
  readonly messages: number;
  /** One message larger than that still goes, alone. */
  readonly octets: number;
  /** A full window is not filled again before it holds no more than this; absent: at once. */
  readonly low?: number;
  /** How often the newest give way to older mail while the window is full; absent or 0: never. */
  readonly fillMs?: number;
}

export interface WindowOptions {
  readonly store: QueueStore;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly leaseMs: number;
  readonly tally: Tally;
  /** Asked at each decision, so that a reload changes it. */
  readonly size: WindowSize;
  held(): { readonly messages: number; readonly octets: number };
  /** Each of them is held from now on. */
  take(claims: readonly Claim[], now: Instant): void;
  /** The window is full and nothing moved. */
  relieve(): void;
  /** So many of the newest that have not started go back to the queue. */
  giveWay(messages: number): void;
}

export interface Window {
  /** Something may be due. */
  ring(): void;
  /** Something held is held no longer. */
  freed(): void;
  /** Takes nothing more. */
  close(): Promise<void>;
  /** Ends when close() does: the store's own bell is silent too. */
  readonly silent: Promise<void>;
}

/** Beyond a full window, so large a part of it again for mail that came in just now: older mail must not keep it out. */
const RESERVE = 1 / 4;
/** In one claim: while so many are read and begun, nothing else has a turn. */
const AT_ONCE = 250;
/** Between two claims when the store says that something is due and hands out nothing. */
const PATIENCE_MS = 1000;
/** How long a full window may stand still before what clogs it is given back. */
const RELIEF_MS = 1000;
const LONGEST_TROUBLE_MS = 60_000;
/** A clock set back further than this was wrong before, and so are the due times that were reckoned by it. */
const SET_BACK_MS = 60_000;

export function openWindow(options: WindowOptions): Window {
  const { store, clock, chance, leaseMs, tally, size } = options;
  const closing = new AbortController();
  let rung = false;
  /** What it waits for is room. */
  let full: 'messages' | 'octets' | null = null;
  let sleeping: Interrupter | null = null;
  let nextFill = clock.now() as number;

  function room(): number {
    const { messages, octets } = options.held();
    return octets >= size.octets ? 0 : Math.max(0, size.messages - messages);
  }

  function ring(): void {
    rung = true;
    sleeping?.abort();
  }

  async function sleep(until: Instant): Promise<void> {
    if (rung || closing.signal.aborted || until <= clock.now()) return;
    sleeping = new Interrupter();
    await clock.sleepUntil(until, sleeping);
    sleeping = null;
  }

  function takeFresh(): void {
    const { messages, octets } = options.held();
    const limit = Math.ceil(size.messages * (1 + RESERVE)) - messages;
    if (limit <= 0 || octets >= size.octets * (1 + RESERVE)) return;
    const now = clock.now();
    const claims = store.claimFresh?.({ now, limit, leaseMs }) ?? [];
    if (claims.length > 0) options.take(claims, now);
  }

  async function waitForRoom(): Promise<void> {
    full = options.held().octets >= size.octets ? 'octets' : 'messages';
    await sleep(after(clock.now(), RELIEF_MS));
    full = null;
    if (room() > 0) {
      await nextTurn(); // what ends in the same turn makes room for a larger claim
      return;
    }
    options.relieve();
    const now = clock.now();
    const { fillMs = 0 } = size;
    if (fillMs === 0 || room() > 0 || now < nextFill) return;
    nextFill = after(now, fillMs);
    const due = await store.nextDue();
    if (due !== null && due <= now) options.giveWay(Math.max(1, size.messages >> 2));
  }

  async function run(): Promise<void> {
    let troubleMs = 0;
    let latest = clock.now();
    while (!closing.signal.aborted) {
      const most = room();
      rung = false;
      try {
        if (most === 0) {
          await waitForRoom();
          continue;
        }
        const now = clock.now();
        if (now < latest - SET_BACK_MS) await store.order('all', { kind: 'flush', now });
        latest = now;
        const limit = Math.min(most, AT_ONCE);
        const claims = await store.claim({ now, limit, leaseMs });
        options.take(claims, now);
        if (claims.length > 0) await nextTurn();
        if (claims.length >= limit) continue;
        nextFill = after(now, size.fillMs ?? 0); // nothing older is left behind
        const due = await store.nextDue();
        troubleMs = 0;
        // A lease that somebody left behind when he died runs out without a word: so look once a lease.
        const until = Math.min(due ?? Number.POSITIVE_INFINITY, after(now, leaseMs));
        await sleep((claims.length === 0 ? Math.max(until, after(now, PATIENCE_MS)) : until) as Instant);
      } catch (cause) {
        tally.bug('store', 'the queue cannot be read', { cause });
        troubleMs = Math.min(LONGEST_TROUBLE_MS, Math.max(PATIENCE_MS, troubleMs * 2));
        // Several processes over one store must not come back in step.
        await clock.sleepUntil(after(clock.now(), chance.between(troubleMs, troubleMs * 2)), closing.signal);
      }
    }
  }

  async function listen(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        for await (const _ of store.wake(closing.signal)) {
          if (full === null) ring();
          else takeFresh();
        }
      } catch (cause) {
        tally.bug('store', 'the queue cannot wake us', { cause });
      }
      if (closing.signal.aborted) return;
      await clock.sleepUntil(after(clock.now(), PATIENCE_MS), closing.signal);
      ring();
    }
  }

  const silent = listen();
  const loop = run();
  return {
    silent,
    ring,
    freed() {
      if (full === null || room() === 0) return;
      if (full === 'octets' || options.held().messages <= Math.min(size.low ?? size.messages, size.messages - 1)) ring();
    },
    async close() {
      closing.abort();
      ring();
      await loop;
    },
  };
}
