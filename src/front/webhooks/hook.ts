/**
 * One hook: what is pushed is put together, kept in the outbox, and sent in order, a request at a time, until it is taken.
 *
 *   push ──▶ together for a moment ──▶ outbox ──▶ POST ──▶ 2xx: removed
 *                                        ▲         └─ anything else: the same again, later and later
 *
 * If the plug is pulled: before the outbox has it, the event is lost; after the POST and before the removal it is sent
 * again under the same id.
 */
import { after, type Chance, type Clock, type Instant } from '../../core/clock.ts';
import type { EventOutbox, Parcel } from '../../core/event-outbox.ts';
import type { Log } from '../../core/log.ts';
import type { WebhookAnswer, WebhookState } from '../../core/operations.ts';
import type { HttpAnswer, HttpClient, HttpFailure } from '../../kit/net/http-client.ts';
import type { EventKind } from './event.ts';
import { signatureFields } from './signature.ts';

export interface HookRule {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  readonly events: ReadonlySet<EventKind>;
  readonly keep: number;
  readonly timeoutMs: number;
}

export interface HookOptions {
  readonly rule: HookRule;
  readonly me: string;
  readonly version: string;
  readonly outbox: EventOutbox;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Counts what became of events. */
  tally(result: 'taken' | 'lost', events: number): void;
}

/** As long as the deletion of a message waits for company, so that both ride on one sync. */
const TOGETHER_MS = 10;
const IN_A_PARCEL = 100;
const PARCEL_CHARACTERS = 64 * 1024;
const IN_A_REQUEST = 100;
/** An event has a kilobyte or two; this is for those with long answers in them. */
const OCTETS_PER_EVENT = 1024;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 3_600_000;
/** Nobody wants to hear of it any more. */
const LONGEST_LIFE_MS = 3 * 86_400_000;
const ANSWER_OCTETS = 64 * 1024;
const ROUND_MS = 60_000;
/** The request itself was not understood; perhaps a smaller one is. */
const DISLIKED = new Set([400, 413, 422]);

export class Hook {
  readonly #options: HookOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #texts: string[] = [];
  #characters = 0;
  #lingering: AbortController | null = null;
  #adding = new Set<Promise<void>>();
  #idle: AbortController | null = null;
  #inARequest = IN_A_REQUEST;
  #trouble: { since: Instant; attempts: number; why: string; nextAt: Instant } | null = null;
  #sent = 0;
  #lastTakenAt: Instant | null = null;
  #expired = 0;
  #lostTold = 0;
  #lostCounted = 0;

  constructor(options: HookOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get rule(): HookRule {
    return this.#options.rule;
  }

  push(event: string, urgent: boolean): void {
    this.#texts.push(event);
    this.#characters += event.length;
    if (urgent || this.#texts.length >= IN_A_PARCEL || this.#characters >= PARCEL_CHARACTERS) this.#keep();
    else this.#linger();
  }

  state(): WebhookState {
    const { rule, outbox } = this.#options;
    const { events, octets, oldestAt } = outbox.waiting(rule.name);
    return {
      name: rule.name, host: new URL(rule.url).origin, events: [...rule.events], waiting: { events: events + this.#texts.length, octets, oldestAt },
      lost: this.#lost(), sent: this.#sent, lastTakenAt: this.#lastTakenAt, trouble: this.#trouble,
    };
  }

  async test(id: string): Promise<WebhookAnswer> {
    const { clock } = this.#options;
    const event = JSON.stringify({ id, type: 'test', at: new Date(clock.now()).toISOString() });
    const answer = await this.#post(this.#bodyOf(event, 0));
    return { taken: isTaken(answer), said: wordsOf(answer) };
  }

  /** What waits is kept; what is on the wire is given up and comes again. */
  async close(): Promise<void> {
    this.#keep();
    this.#closing.abort();
    this.#idle?.abort();
    await Promise.all(this.#adding);
    await this.#running;
    await this.#options.client.close();
  }

  // ——— keeping ———

  #linger(): void {
    if (this.#lingering !== null) return;
    const mine = new AbortController();
    this.#lingering = mine;
    const { clock } = this.#options;
    void clock.sleepUntil(after(clock.now(), TOGETHER_MS), mine.signal).then(() => {
      if (this.#lingering === mine) this.#keep();
    });
  }

  #keep(): void {
    this.#lingering?.abort();
    this.#lingering = null;
    if (this.#texts.length === 0) return;
    const parcel = { events: this.#texts.length, text: this.#texts.join(',') };
    this.#texts = [];
    this.#characters = 0;
    const { rule, outbox } = this.#options;
    const adding = outbox.add(rule.name, parcel, { events: rule.keep, octets: rule.keep * OCTETS_PER_EVENT }).then(() => {
      this.#adding.delete(adding);
      this.#countLost();
      this.#idle?.abort();
    });
    this.#adding.add(adding);
  }

  #lost(): number {
    return this.#options.outbox.waiting(this.rule.name).lost + this.#expired;
  }

  #countLost(): void {
    const lost = this.#lost();
    if (lost > this.#lostCounted) this.#options.tally('lost', lost - this.#lostCounted);
    this.#lostCounted = lost;
  }

  // ——— sending ———

  async #run(): Promise<void> {
    const { clock, outbox, rule } = this.#options;
    while (!this.#closing.signal.aborted) {
      const now = clock.now();
      if (this.#trouble !== null && this.#trouble.nextAt > now && this.#trouble.nextAt - now <= LONGEST_PAUSE_MS * 2) {
        await clock.sleepUntil(this.#trouble.nextAt, this.#closing.signal);
        continue;
      }
      const parcels = outbox.peek(rule.name, this.#inARequest);
      if (parcels.length === 0) {
        this.#idle = new AbortController();
        await clock.sleepUntil(after(now, ROUND_MS), this.#idle.signal);
        this.#idle = null;
        continue;
      }
      const stale = parcels.findLast(parcel => now - parcel.at > LONGEST_LIFE_MS);
      if (stale === undefined) await this.#send(parcels);
      else await this.#expire(parcels, stale.key);
    }
  }

  async #send(parcels: readonly Parcel[]): Promise<void> {
    const { clock, outbox, rule, log } = this.#options;
    const lost = this.#lost();
    const answer = await this.#post(this.#bodyOf(parcels.map(parcel => parcel.text).join(','), lost - this.#lostTold));
    if (this.#closing.signal.aborted && answer.kind !== 'answer') return;
    const now = clock.now();
    if (!isTaken(answer)) return this.#failed(answer, now);
    const events = eventsIn(parcels);
    await outbox.remove(rule.name, parcels.at(-1)?.key ?? '');
    this.#options.tally('taken', events);
    this.#sent += events;
    this.#lastTakenAt = now;
    this.#lostTold = lost;
    this.#inARequest = Math.min(IN_A_REQUEST, this.#inARequest * 2);
    if (this.#trouble !== null) log.info('webhook', { hook: rule.name, what: 'takes events again', attempts: this.#trouble.attempts });
    this.#trouble = null;
  }

  #failed(answer: HttpAnswer | HttpFailure, now: Instant): void {
    const { rule, chance, log, outbox } = this.#options;
    const why = wordsOf(answer);
    const attempts = (this.#trouble?.attempts ?? 0) + 1;
    if (answer.kind === 'answer' && DISLIKED.has(answer.status)) this.#inARequest = 1;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 20));
    const asked = answer.kind === 'answer' ? retryAfterMs(answer.headers.get('retry-after'), now) : 0;
    const nextAt = after(now, Math.max(chance.between(Math.ceil(pause * 0.75), pause), Math.min(asked, LONGEST_PAUSE_MS)));
    if (this.#trouble === null) log.warn('webhook', { hook: rule.name, what: 'does not take events', why, waiting: outbox.waiting(rule.name).events });
    this.#trouble = { since: this.#trouble?.since ?? now, attempts, why, nextAt };
  }

  async #expire(parcels: readonly Parcel[], upTo: string): Promise<void> {
    this.#expired += eventsIn(parcels.filter(parcel => parcel.key <= upTo));
    await this.#options.outbox.remove(this.rule.name, upTo);
    this.#countLost();
  }

  #bodyOf(events: string, lost: number): string {
    const { me, rule } = this.#options;
    return `{"gateway":${JSON.stringify(me)},"hook":${JSON.stringify(rule.name)},"lost":${lost},"events":[${events}]}`;
  }

  #post(body: string): Promise<HttpAnswer | HttpFailure> {
    const { rule, client, clock, version } = this.#options;
    return client.request({
      method: 'POST', url: rule.url, body, timeoutMs: rule.timeoutMs, limitOctets: ANSWER_OCTETS, signal: this.#closing.signal,
      headers: { 'content-type': 'application/json', 'user-agent': `Posthorn/${version}`, ...signatureFields(rule.secret, body, clock.now()) },
    });
  }
}

function isTaken(answer: HttpAnswer | HttpFailure): boolean {
  return answer.kind === 'answer' && answer.status >= 200 && answer.status < 300;
}

function wordsOf(answer: HttpAnswer | HttpFailure): string {
  if (answer.kind !== 'answer') return `${answer.kind}: ${answer.why}`;
  return answer.status >= 300 && answer.status < 400 ? `HTTP ${answer.status}: redirects are not followed` : `HTTP ${answer.status}`;
}

function eventsIn(parcels: readonly Parcel[]): number {
  return parcels.reduce((sum, parcel) => sum + parcel.events, 0);
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
export function retryAfterMs(field: string | undefined, now: number): number {
  if (field === undefined) return 0;
  const ms = /^\d{1,9}$/.test(field) ? Number(field) * 1000 : Date.parse(field) - now;
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}
