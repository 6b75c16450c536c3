/**
 * The loop that empties the queue: claim → route → lane → deliver → record → report → release.
 *
 *   claimed ──▶ deliveries wait in lanes ──▶ on the wire ──▶ all ended ──▶ quietly done: released as finished
 *                       │ clogged                                    └──▶ recorded ──▶ reported ──▶ released
 *                       └──▶ released untried
 *
 * If the plug is pulled: before `record` resolved, the deliveries on the wire repeat; after it, only what was deferred;
 * before the report was queued, the report repeats under the same idempotency key; after it, nothing.
 */
import { after, type Chance, type Clock, type Instant } from '../../core/clock.ts';
import type { MessageId, Origin } from '../../core/envelope.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { Links } from '../../core/links.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { NexthopView } from '../../core/operations.ts';
import type { Deferred, Outcome, Outcomes } from '../../core/outcome.ts';
import type { Claim, CorruptContent, Held, QueueStore, RecipientState, Selection, StoredContent, StoredMessage } from '../../core/queue-store.ts';
import type { Reporter } from '../../core/report.ts';
import type { Route, Router, Transport } from '../../core/transport.ts';
import { Interrupter } from '../../kit/interrupter.ts';
import { SteadyMap } from '../../kit/steady-map.ts';
import { ourBug, weighAnswer, whoseTurn, type Attempt, type Job } from './attempt.ts';
import type { CalendarSettings } from './calendar.ts';
import { createConclusion, type Conclude } from './conclusion.ts';
import { contentOf } from './content.ts';
import { createLanes, type Feedback } from './lanes.ts';
import { viewOf } from './lanes-view.ts';
import { openLeases, type Leases } from './leases.ts';
import { createRouting, type Routing } from './routing.ts';
import { cancelOutcomes, isQuietlyDone, pauseMs } from './settlement.ts';
import { createSidings, type Sidings } from './sidings.ts';
import { createTally, type Tally } from './tally.ts';
import { openWindow, type Window, type WindowSize } from './window.ts';

export interface RunnerOptions {
  readonly store: QueueStore;
  readonly router: Router;
  readonly transports: ReadonlyMap<string, Transport>;
  /** The way of mail that is past warntime (backuprelay), given the one it would take. */
  late?(route: Route): Route;
  /** Absent: every way is always there. */
  readonly links?: Links;
  readonly reporter: Reporter;
  /** Those in force for a message that came so; without one, what is usual. Asked at each decision, so that a reload swaps them. */
  settings(origin?: Origin): CalendarSettings;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How much may be claimed at once; asked at each decision. */
  readonly window: WindowSize;
  readonly leaseMs: number;
  /** Told of each outcome, recipient by recipient; must not throw. */
  heard?(message: StoredMessage, recipient: RecipientState, outcome: Outcome): void;
  /** A delivery that takes longer is told to stop, and given up a minute later. */
  readonly longestDeliveryMs?: number;
}

export interface Runner {
  /** Makes messages due now, and forgets which next hops were in trouble: all, or those on these ways. Gives how many messages obeyed. */
  flush(which?: Selection, ways?: (route: Route) => boolean): Promise<number>;
  /** A link went down: who waits here for it gives his place to others. */
  withdraw(): void;
  /** Next hops with work, or left alone just now; the busiest first. */
  nexthops(): readonly NexthopView[];
  /** Takes nothing new, finishes what is on the wire within `graceMs`, gives the rest back untried. */
  close(options: { readonly graceMs: number }): Promise<void>;
}

const LONGEST_DELIVERY_MS = 6 * 3_600_000;
/** After the grace, for what a stopped transport has to say. */
const LAST_WORDS_MS = 2000;

export function openRunner(options: RunnerOptions): Runner {
  return new RunningRunner(options);
}

class RunningRunner implements Runner {
  readonly #options: RunnerOptions;
  readonly #tally: Tally;
  readonly #lanes = createLanes<Job>();
  readonly #routing: Routing;
  readonly #leases: Leases;
  readonly #write: Conclude;
  readonly #window: Window;
  readonly #sidings: Sidings;
  readonly #attempts = new SteadyMap<MessageId, Attempt>();
  /** Releases under way that nobody waits for; they still count as claimed, so that memory stays bounded. */
  #releasing = 0;
  #octets = 0;
  #pumping = false;
  /** Aborted when close() begins. */
  readonly #closing = new AbortController();
  #drained: (() => void) | null = null;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#tally = createTally(options.log, options.metrics, options.heard);
    const { store, clock, router, transports, leaseMs } = options;
    this.#routing = createRouting(router, transport => transports.get(transport)?.limits.recipients ?? Number.MAX_SAFE_INTEGER, this.#tally, options.late ?? (route => route));
    this.#write = createConclusion({ store, clock, reporter: options.reporter, tally: this.#tally, settings: origin => options.settings(origin), ...(options.links === undefined ? {} : { links: options.links }) });
    this.#sidings = createSidings({
      lanes: this.#lanes, clock, ...(options.links === undefined ? {} : { links: options.links }),
      settings: job => options.settings(job.attempt.claim.message.envelope.origin),
      share: () => Math.max(1, options.window.messages >> 2),
      bring: (job, outcomes, suspended) => this.#bring(job, outcomes, suspended),
      end: job => this.#end(job),
    });
    this.#leases = openLeases({
      store, clock, leaseMs, tally: this.#tally, longestDeliveryMs: options.longestDeliveryMs ?? LONGEST_DELIVERY_MS,
      attempts: () => this.#attempts.values(), giveUp: job => this.#giveUp(job),
    });
    this.#window = openWindow({
      store, clock, chance: options.chance, leaseMs, tally: this.#tally, size: options.window,
      held: () => ({ messages: this.#claimed(), octets: this.#octets }),
      take: (claims, now) => {
        for (const claim of claims) this.#take(claim, now);
        this.#pump();
        this.#tally.claimed(this.#attempts.size, this.#lanes.size);
      },
      relieve: () => this.#sidings.relieve(),
      giveWay: messages => this.#sidings.giveWay(messages),
    });
  }

  async flush(which: Selection = 'all', ways?: (route: Route) => boolean): Promise<number> {
    this.#lanes.reopen(ways === undefined ? undefined : lane => ways({ kind: 'route', transport: lane.transport, nexthop: lane.nexthop }));
    for (const transport of this.#options.transports.values()) transport.forgive?.(ways === undefined ? 'flush' : 'link');
    const obeyed = await this.#options.store.order(which, { kind: 'flush', now: this.#options.clock.now() });
    this.#window.ring();
    return obeyed;
  }

  withdraw(): void {
    this.#sidings.withdraw();
    this.#freed();
  }

  nexthops(): readonly NexthopView[] {
    return viewOf(this.#lanes, this.#options.clock.now());
  }

  async close({ graceMs }: { readonly graceMs: number }): Promise<void> {
    const { clock } = this.#options;
    this.#closing.abort();
    await this.#window.close();
    for (const job of this.#lanes.drain()) this.#sidings.passOver(job, clock.now());
    await this.#drain(graceMs);
    for (const attempt of this.#attempts.values()) for (const job of attempt.jobs) job.abort?.abort();
    // A transport that was told to stop says what it knows; what it does not say is the next attempt's.
    await this.#drain(LAST_WORDS_MS);
    this.#leases.close();
    await this.#window.silent;
  }

  /** Waits until nothing is claimed, or for so long. */
  async #drain(ms: number): Promise<void> {
    const { clock } = this.#options;
    if (this.#claimed() === 0) return;
    const enough = new AbortController();
    this.#drained = () => enough.abort();
    await clock.sleepUntil(after(clock.now(), ms), enough.signal);
    this.#drained = null;
  }

  #claimed(): number {
    return this.#attempts.size + this.#releasing;
  }

  // ——— one message ———

  /** One message that breaks us must not take the rest of its claim with it; its lease runs out. */
  #take(claim: Claim, now: Instant): void {
    try {
      this.#begin(claim, now);
    } catch (cause) {
      this.#tally.bug('runner', 'a message cannot be begun', { id: claim.id, cause });
      const attempt = this.#attempts.get(claim.id);
      if (attempt === undefined) return;
      attempt.lost = true;
      this.#forget(attempt);
    }
  }

  #begin(claim: Claim, now: Instant): void {
    const { message } = claim;
    const known = this.#attempts.get(claim.id);
    if (known !== undefined) {
      // The clock jumped past our own lease: what is under way here goes on under the new one.
      known.claim = claim;
      known.renewedAt = now;
      known.lost = false;
      return;
    }
    const attempt: Attempt = {
      claim, written: null, octets: message.facts.sizeOctets + message.trace.length, jobs: [], left: 0, outcomes: new Map(), untriedDue: null, offline: null,
      renewedAt: now, lost: false, concluding: false, over: false, content: claim.content ?? null,
    };
    this.#attempts.set(claim.id, attempt);
    this.#octets += attempt.octets;
    if (message.cancelled !== undefined) {
      const outcomes = cancelOutcomes(message, message.cancelled.reason);
      for (const recipient of message.recipients) {
        const outcome = outcomes.get(recipient.id);
        if (outcome !== undefined) this.#settled(attempt, recipient, outcome);
      }
      this.#conclude(attempt);
      return;
    }
    const turn = whoseTurn(message.recipients, now);
    // One more than there are, until all are routed: the attempt cannot end meanwhile.
    attempt.left = 1;
    const only = turn.length === 1 ? turn[0] : undefined;
    if (only !== undefined) {
      const route = this.#routing.one(message, only, (recipient, outcome) => this.#settled(attempt, recipient, outcome));
      if (!(route instanceof Promise)) {
        if (route !== null) this.#enter(attempt, route, turn, now);
        this.#routed(attempt);
        return;
      }
    }
    this.#leases.beat();
    this.#routeAll(attempt, turn, now).catch(this.#surprised(attempt));
  }

  async #routeAll(attempt: Attempt, turn: readonly RecipientState[], now: Instant): Promise<void> {
    const groups = await this.#routing.all(attempt.claim.message, turn, (recipient, outcome) => this.#settled(attempt, recipient, outcome));
    for (const { route, recipients } of groups) this.#enter(attempt, route, recipients, now);
    this.#routed(attempt);
    this.#pump();
  }

  /** Without a delivery. */
  #settled(attempt: Attempt, recipient: RecipientState, outcome: Outcome): void {
    attempt.outcomes.set(recipient.id, outcome);
    this.#tally.delivery(attempt.claim.message, recipient, outcome, null);
  }

  #enter(attempt: Attempt, route: Route, recipients: readonly RecipientState[], now: Instant): void {
    const transport = this.#options.transports.get(route.transport);
    const { message } = attempt.claim;
    if (transport === undefined) {
      this.#tally.bug('transport', 'no such transport', { id: message.id, transport: route.transport, nexthop: route.nexthop });
      for (const recipient of recipients) this.#settled(attempt, recipient, misrouted);
      return;
    }
    const lane = this.#lanes.find(transport, route.nexthop);
    const job: Job = { attempt, transport, lane, recipients, abort: null, ageMs: 0, giveUpAgeMs: null, ended: false };
    attempt.jobs.push(job);
    attempt.left++;
    if (this.#closing.signal.aborted) this.#sidings.passOver(job, now);
    else if (!this.#sidings.turnsAway(job, route, now)) this.#lanes.add(lane, job, now);
  }

  #routed(attempt: Attempt): void {
    if (--attempt.left === 0) this.#conclude(attempt);
  }

  // ——— one delivery ———

  /** Starts all that may start. Not entered twice: a delivery that ends at once comes back here. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let next = this.#lanes.take(); next !== undefined; next = this.#lanes.take()) {
        if (next.job.attempt.lost) this.#ended(next.job, null, 'neutral');
        else this.#start(next.job);
      }
    } finally {
      this.#pumping = false;
    }
    if (this.#attempts.size > 0) this.#leases.beat();
  }

  #start(job: Job): void {
    const { attempt } = job;
    job.abort = new Interrupter();
    const content = contentOf(attempt, this.#options.store, this.#tally);
    if (content instanceof Promise) content.then(found => this.#send(job, found)).catch(this.#surprised(attempt));
    else this.#send(job, content);
  }

  #send(job: Job, content: StoredContent | CorruptContent): void {
    const { attempt, lane, recipients, transport } = job;
    if (content.kind === 'corrupt') {
      this.#bring(job, new Map(recipients.map(({ id }) => [id, ourBug])));
      this.#ended(job, null, 'neutral');
      return;
    }
    const { id, message } = attempt.claim;
    const wrong = (cause: unknown) => {
      if (!job.ended) this.#weigh(job, NOBODY, cause);
    };
    try {
      transport
        .deliver({ id, nexthop: lane.nexthop, envelope: message.envelope, recipients, content }, job.abort as Interrupter)
        .then(answered => this.#weigh(job, answered), wrong)
        .catch(this.#surprised(attempt));
    } catch (cause) {
      wrong(cause);
    }
  }

  #weigh(job: Job, answered: Outcomes, cause?: unknown): void {
    // Given up, or it answers again: the first word stands.
    if (job.ended) return this.#tally.bug('transport', 'answered after it was given up', { id: job.attempt.claim.id, transport: job.transport.name });
    if (!(answered instanceof Map)) return this.#weigh(job, NOBODY, cause ?? new TypeError('the answer is not a map of outcomes'));
    const { outcomes, feedback, trouble, bugs } = weighAnswer(job.recipients, answered);
    if (cause !== undefined) this.#tally.bug('transport', 'delivery threw', { id: job.attempt.claim.id, transport: job.transport.name, nexthop: job.lane.nexthop, cause });
    else for (const bug of bugs) this.#tally.bug('transport', bug, { id: job.attempt.claim.id, transport: job.transport.name, nexthop: job.lane.nexthop });
    this.#bring(job, outcomes);
    this.#ended(job, trouble ?? null, feedback);
  }

  /** Our own code threw: nothing is written, and the lease runs out. */
  #surprised(attempt: Attempt): (cause: unknown) => void {
    return cause => {
      attempt.lost = true;
      this.#forget(attempt);
      this.#freed();
      this.#tally.bug('runner', 'an attempt broke off; it will repeat', { id: attempt.claim.id, cause });
    };
  }

  #bring(job: Job, outcomes: Outcomes, suspended = false): void {
    const { attempt } = job;
    if (attempt.lost) return;
    for (const recipient of job.recipients) {
      const outcome = outcomes.get(recipient.id) as Outcome;
      attempt.outcomes.set(recipient.id, outcome);
      this.#tally.delivery(attempt.claim.message, recipient, outcome, job.lane, suspended);
    }
  }

  /** A delivery that had started is over: its place is free, and its lane has learnt something. */
  #ended(job: Job, trouble: Deferred | null, feedback: Feedback): void {
    const { lane } = job;
    const now = this.#options.clock.now();
    if (trouble === null) this.#lanes.ended(lane, now, feedback);
    else {
      this.#lanes.ended(lane, now, feedback, pauseMs(this.#options.settings(), trouble, now), trouble);
      const closedUntil = this.#lanes.closedUntil(lane, now);
      if (closedUntil !== null) {
        this.#tally.closed(lane, trouble);
        this.#sidings.suspendAll(lane, trouble, closedUntil);
      }
    }
    this.#end(job);
    this.#pump();
  }

  #giveUp(job: Job): void {
    this.#bring(job, new Map(job.recipients.map(({ id }) => [id, abandoned])));
    this.#ended(job, null, 'neutral');
  }

  #end(job: Job): void {
    job.ended = true;
    const { attempt } = job;
    if (--attempt.left === 0) this.#conclude(attempt);
  }

  // ——— after the last delivery ———

  #conclude(attempt: Attempt): void {
    if (attempt.over) return;
    attempt.concluding = true;
    const { claim, outcomes } = attempt;
    if (!attempt.lost && attempt.untriedDue === null && isQuietlyDone(claim.message, outcomes)) {
      this.#forget(attempt);
      return this.#finish(claim, outcomes);
    }
    this.#leases.beat();
    this.#write(attempt)
      .catch((cause: unknown) => this.#tally.bug('store', 'an outcome cannot be recorded; the attempt will repeat', { id: claim.id, cause }))
      .finally(() => {
        this.#forget(attempt);
        // It was given back and at once handed out again, before we had put it away.
        if (attempt.written !== null && attempt.claim !== attempt.written) {
          this.#take(attempt.claim, this.#options.clock.now());
          this.#pump();
        }
        this.#freed();
      });
  }

  /** Most messages are gone at once. Nobody waits for the others; they still count as claimed. */
  #finish(claim: Claim, outcomes: Outcomes): void {
    const { store, clock } = this.#options;
    const gone = (held: Held): void => (held === 'held' ? this.#tally.completed(claim.message, clock.now()) : this.#tally.leaseLost());
    const stays = (cause: unknown): void => this.#tally.bug('store', 'a finished message cannot be removed', { id: claim.id, cause });
    let released: Awaitable<Held>;
    try {
      released = store.release(claim, 'finished', { at: clock.now(), outcomes });
      if (!(released instanceof Promise)) gone(released);
    } catch (cause) {
      stays(cause);
      return this.#freed();
    }
    if (!(released instanceof Promise)) return this.#freed();
    this.#releasing++;
    released.then(gone).catch(stays).finally(() => {
      this.#releasing--;
      this.#freed();
    });
  }

  #forget(attempt: Attempt): void {
    if (attempt.over) return;
    this.#attempts.delete(attempt.claim.id);
    this.#octets -= attempt.octets;
    attempt.content = null;
    attempt.over = true;
  }

  #freed(): void {
    this.#window.freed();
    if (this.#claimed() === 0) this.#drained?.();
  }
}

const NOBODY: Outcomes = new Map();
/** The route names a transport that is not there: routing, not the recipient (RFC 3463 §3.4). */
const misrouted: Deferred = { kind: 'deferred', status: '4.3.5', blame: 'message' };
const abandoned: Deferred = { ...ourBug, uncertain: true };
