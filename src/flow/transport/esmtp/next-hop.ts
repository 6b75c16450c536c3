/**
 * One next hop: messages that wait for it, connections to it. A waiting message goes to an idle connection, else a
 * new one is opened while the limit allows, else its envelope is sent ahead on a busy one.
 */
import { after, type Instant } from '../../../core/clock.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { BriefMemory } from './brief-memory.ts';
import type { Destination, Relay } from '../../../core/transport.ts';
import type { DownRelays } from './down-relays.ts';
import type { SharedRead } from '../../../kit/net/shared-read.ts';
import { Connection, type Owner } from './connection.ts';
import type { Job } from './job.ts';
import { ownDeferral } from './outcomes.ts';
import { openSession, type Manner, type Session, type SessionContext } from './session.ts';

/** A limit that was learnt may have been a bad hour. */
const LIMIT_MS = 4 * 3_600_000;
const LEAST_STAY_MS = 60_000;
/** So long a next hop that turned a further connection away gets no more than it kept. */
const ENOUGH_MS = 60_000;

/** Seen by all next hops of one transport. */
export interface Shared extends SessionContext {
  /** Next hops none of whose relays could be reached. */
  readonly unreachable: BriefMemory<Outcome>;
  /** Recipients that next hops took in one transaction before they had enough. */
  readonly recipients: BriefMemory<number>;
  /** Relays that could not be used a while ago; others are tried before them. */
  readonly downRelays: DownRelays;
  /** No connection is kept for later. */
  retiring(): boolean;
  /** Longest idle first. */
  readonly idle: Set<Connection>;
  readonly reads: SharedRead;
  readonly counts: { connection(result: 'opened' | 'failed'): void };
}

type Opened = Extract<Session, { kind: 'open' }> & { readonly until?: Instant };

export class NextHop implements Owner {
  readonly #name: string;
  readonly #manner: Manner;
  /** What is remembered of it. */
  readonly #key: string;
  readonly #shared: Shared;
  readonly #empty: () => void;
  readonly #waiting: Job[] = [];
  readonly #connections = new Set<Connection>();
  readonly #idle: Connection[] = [];
  #openings = 0;
  /** Connections that it keeps, and until when we believe it. */
  #enough: { readonly connections: number; readonly until: Instant } | null = null;

  /** `key`: name and manner in one. `empty` is called when nothing waits and nothing is connected. */
  constructor(name: string, key: string, manner: Manner, shared: Shared, empty: () => void) {
    this.#name = name;
    this.#manner = manner;
    this.#key = key;
    this.#shared = shared;
    this.#empty = empty;
  }

  submit(job: Job): void {
    this.#waiting.push(job);
    this.#pump();
  }

  /** The caller gave up. */
  abandon(job: Job): void {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      job.decideRest(ownDeferral('4.3.2', 'message', 'We are stopping'));
      return;
    }
    for (const connection of this.#connections) connection.abandon(job);
  }

  /** Connections leave as they become idle. */
  close(): void {
    for (const connection of this.#connections) connection.leave();
  }

  retire(): void {
    for (const connection of this.#connections) connection.retire();
  }

  take(): Job | null {
    return this.#waiting.shift() ?? null;
  }

  giveBack(job: Job): void {
    this.#waiting.unshift(job);
  }

  idle(connection: Connection): void {
    const { idle, settings } = this.#shared;
    this.#idle.push(connection);
    idle.add(connection);
    if (idle.size > settings.limits.idle) idle.values().next().value?.leave();
  }

  busy(connection: Connection): void {
    this.#shared.idle.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  gone(connection: Connection): void {
    this.busy(connection);
    if (!this.#connections.delete(connection)) return;
    this.#pump();
  }

  mostRecipients(): number {
    return this.#shared.recipients.recall(this.#name)?.fact ?? Number.POSITIVE_INFINITY;
  }

  tooMany(accepted: number): void {
    const { recipients, settings } = this.#shared;
    recipients.note(this.#name, Math.min(accepted, this.mostRecipients()), after(settings.clock.now(), LIMIT_MS));
  }

  #pump(mayOpen = true): void {
    for (let connection = this.#idle.at(-1); connection !== undefined && this.#waiting.length > 0; connection = this.#idle.at(-1)) {
      this.busy(connection);
      connection.offer();
    }
    const most = mayOpen && this.#waiting.length > 0 ? this.#mostConnections() : 0;
    while (this.#waiting.length > this.#openings && this.#connections.size + this.#openings < most) void this.#open();
    for (const connection of this.#connections) {
      if (this.#waiting.length <= this.#openings) break;
      connection.offer();
    }
    if (this.#waiting.length === 0 && this.#openings === 0 && this.#connections.size === 0) this.#empty();
  }

  #mostConnections(): number {
    const { clock, limits } = this.#shared.settings;
    if (this.#enough !== null && clock.now() >= this.#enough.until) this.#enough = null;
    return Math.min(limits.connectionsPerNexthop, Math.max(1, this.#enough?.connections ?? limits.connectionsPerNexthop));
  }

  async #open(): Promise<void> {
    const { counts, settings } = this.#shared;
    this.#openings++;
    const session = await this.#establish();
    this.#openings--;
    counts.connection(session.kind === 'open' ? 'opened' : 'failed');
    if (session.kind === 'open') {
      session.wire.share(this.#shared.reads);
      const connection = new Connection(session.wire, session.extensions, session.peer, settings, this, session.until);
      this.#connections.add(connection);
      this.#shared.unreachable.forget(this.#key);
      connection.start();
      if (this.#shared.signal.aborted) connection.leave();
      else if (this.#shared.retiring()) connection.retire();
    } else if (this.#connections.size > 0) {
      this.#enough = { connections: this.#connections.size, until: after(settings.clock.now(), ENOUGH_MS) };
    } else if (this.#openings === 0) {
      this.#failAll(session);
    }
    // One that failed is not followed by another try: who waits is served by the connections there are, or fails with the last.
    this.#pump(session.kind === 'open');
  }

  /** Nobody is connected and nobody will be: who waits gets the reason. */
  #failAll(session: Exclude<Session, { kind: 'open' }>): void {
    const { clock, delayMs } = this.#shared.settings;
    if (session.kind === 'next' && session.outcome.kind === 'deferred' && delayMs > 0) this.#shared.unreachable.note(this.#key, session.outcome, after(clock.now(), delayMs));
    for (const job of this.#waiting.splice(0)) job.decideRest(session.outcome);
  }

  /** One that stands in is left when the first may be back. */
  #reached(session: Opened, found: Destination, relay: Relay): Opened {
    const { downRelays } = this.#shared;
    downRelays.forget(relay);
    const [first] = found.relays;
    if (found.failover !== true || first === undefined || first === relay) return session;
    const { clock } = this.#shared.settings;
    // Never at once, or a first that refuses quickly and a stand-in that is left would keep us busy.
    return { ...session, until: downRelays.until(first) ?? after(clock.now(), LEAST_STAY_MS) };
  }

  async #establish(): Promise<Opened | Exclude<Session, { kind: 'open' }>> {
    const { settings, signal } = this.#shared;
    try {
      const found = await settings.destinations.find(this.#name, signal);
      if (found.kind === 'settled') return { kind: 'stop', outcome: found.outcome };
      let last: Exclude<Session, { kind: 'open' }> | null = null;
      for (const relay of this.#shared.downRelays.lastOf(found.relays)) {
        const tried = await openSession(this.#shared, ownOf(found, relay), relay, this.#manner);
        if (tried.kind === 'open') return this.#reached(tried, found, relay);
        // One that answers speaks for the domain; of our smarthosts each speaks for itself.
        if (tried.kind === 'stop' && (found.failover !== true || signal.aborted)) return tried;
        if (found.failover === true || tried.outcome.kind === 'deferred') this.#shared.downRelays.note(relay);
        // One that could not be asked may be better than one that lacks what is demanded, or says no.
        if (last === null || tried.outcome.kind === 'deferred') last = tried;
      }
      if (last !== null) return last;
      throw new Error(`no relays for ${this.#name}`);
    } catch (error) {
      settings.log.error('esmtp', { nexthop: this.#name, cause: error });
      return { kind: 'stop', outcome: ownDeferral('4.3.0', 'message', 'Local trouble') };
    }
  }
}

/** As this relay is to be met. */
function ownOf(found: Destination, { auth }: Relay): Destination {
  if (auth === undefined) return found;
  const { auth: _, ...rest } = found;
  return auth === null ? rest : { ...rest, auth };
}

/** What is said without trying, while a next hop is known to be unreachable. */
export function stillUnreachable(found: { readonly fact: Outcome; readonly until: Instant }): Outcome {
  return found.fact.kind === 'deferred' ? { ...found.fact, notBefore: found.until } : found.fact;
}
