/**
 * Leases on messages: taking them, proving them, giving them up.
 *
 * Two ways to a claim. *Born claimed*: a claimant has shown hunger, so a commit writes the message with a lease
 * instead of a due entry, and its content waits in memory; handing it out costs neither a transaction nor a read.
 * *Backlog*: due entries are read in order and turned into leases, all in one transaction.
 *
 * Whoever acts on a claim proves it by the token: the entry's version in the same transaction as the change.
 */
import type { Clock, Instant } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { Log } from '../../core/log.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { Claim, Held, News, StoredContent } from '../../core/queue-store.ts';
import { SteadyMap } from '../../kit/steady-map.ts';
import type { Bell } from './bell.ts';
import type { FirstDue } from './first-due.ts';
import type { FinishedMessages } from './finished-messages.ts';
import type { Lease } from './leases.ts';
import { createTokens, formatLease, parseLease } from './leases.ts';
import type { YoungMessages } from './journal/young-messages.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { dueKey, keysFrom, nothing, parseDueKey } from './lmdb-index.ts';
import type { StoredRecord } from './message-changes.ts';
import { withAttempt, withNews } from './message-changes.ts';
import type { RecordFormat } from './format/record.ts';
import type { Transitions } from './transitions.ts';

/** How long a message born claimed may wait in memory to be handed out. */
const PATIENCE_MS = 10_000;
/** The lease of a message born claimed before anyone has said how long leases are. */
const FIRST_LEASE_MS = 300_000;
/** Leases that other processes took are looked at this often. */
const LOOK_MS = 1000;
/** Messages in one transaction when many are given back. */
const BATCH = 500;
/** Idempotency keys of one message; what is past them goes at the next opening. */
const MOST_KEYS = 10_000;

interface Holding {
  readonly token: number;
  readonly leaseMs: number;
  expiresAt: Instant;
  record: StoredRecord;
  /** Idempotency keys that end with this message. */
  keys?: string[];
}

/** A message born claimed that nobody has asked for yet. */
interface Fresh {
  readonly id: MessageId;
  readonly token: number;
  readonly content: StoredContent;
  /** What it takes in memory. */
  readonly sizeOctets: number;
}

/** A message that is born claimed; born() or birthFailed() follows. */
export interface Birth {
  readonly token: number;
  readonly lease: Buffer;
  readonly expiresAt: Instant;
  readonly record: StoredRecord;
  /** What it takes in memory. */
  readonly sizeOctets: number;
}

export interface Claims {
  claim(want: { readonly now: Instant; readonly limit: number; readonly leaseMs: number }): Promise<readonly Claim[]>;
  claimFresh(want: { readonly now: Instant; readonly limit: number; readonly leaseMs: number }): readonly Claim[];
  record(claim: Claim, news: News): Promise<Held>;
  release(claim: Claim, next: { readonly due: Instant; readonly untried?: true } | 'finished', news?: News): Awaitable<Held>;
  /** Null: nobody is hungry, it is not due yet, or enough wait already. */
  bear(record: StoredRecord): Birth | null;
  /** The message is on the disk. */
  born(birth: Birth, content: StoredContent): void;
  /** It is not. */
  birthFailed(birth: Birth): void;
  /** The message named in an idempotency key keeps it in mind. */
  keyed(key: string, parent: MessageId): void;
  /** The message is no longer anyone's claim. */
  forget(id: MessageId): void;
  /** Something may be claimed at `now`: due, or under a lease that ran out. */
  ready(now: Instant): boolean;
  close(): Promise<void>;
}

interface Options {
  readonly young: YoungMessages;
  readonly firstDue: FirstDue;
  readonly index: LmdbIndex;
  readonly format: RecordFormat;
  readonly steps: Transitions;
  readonly finished: FinishedMessages;
  readonly bell: Bell;
  readonly clock: Clock;
  readonly log: Log;
  readonly tag: string;
  readonly freshMessages: number;
  readonly freshOctets: number;
}

export function createClaims(options: Options): Claims {
  const { young, firstDue, index, format, steps, finished, bell, clock, log, tag } = options;
  const nextToken = createTokens(tag);
  const holdings = new SteadyMap<MessageId, Holding>();
  const fresh: Fresh[] = [];
  let freshCount = 0;
  let freshOctets = 0;
  let hungry = false;
  let usualLeaseMs = FIRST_LEASE_MS;
  let lookAt = 0 as Instant;
  let lastLease: { readonly expiresAt: Instant; readonly octets: Buffer } = { expiresAt: -1 as Instant, octets: nothing };

  function lease(expiresAt: Instant): Buffer {
    // Leases of one millisecond are the same octets.
    if (lastLease.expiresAt !== expiresAt) lastLease = { expiresAt, octets: formatLease({ expiresAt, holder: tag }) };
    return lastLease.octets;
  }

  function holdingOf(claim: Claim): Holding | null {
    const holding = holdings.get(claim.id);
    return holding !== undefined && holding.token === claim.token ? holding : null;
  }

  async function giveBackAll(leases: readonly { readonly id: MessageId; readonly token: number }[], now: Instant): Promise<void> {
    for (const { id } of leases) young.enter(id);
    for (let from = 0; from < leases.length; from += BATCH) {
      const batch = leases.slice(from, from + BATCH);
      await index.transaction(() => {
        for (const { id, token } of batch) if (steps.stands(id, token)) steps.giveBack(id, now);
      });
    }
  }

  function expired(now: Instant): { readonly id: MessageId; readonly token: number }[] {
    if (now < lookAt && lookAt <= after(now, LOOK_MS)) return [];
    let next = after(now, LOOK_MS);
    const found: { readonly id: MessageId; readonly token: number }[] = [];
    for (const { id, token, lease } of leasesOf(index)) {
      if (finished.has(id)) continue;
      if (lease.expiresAt <= now) found.push({ id, token });
      else if (lease.expiresAt < next) next = lease.expiresAt;
    }
    lookAt = next;
    return found;
  }

  /** Something in the index, or on its way there, is due. */
  function anyDue(now: Instant): boolean {
    const fresh = young.firstDue();
    if (fresh !== null && fresh <= now) return true;
    const stored = firstDue();
    return stored !== null && stored <= now;
  }

  function takeFresh(into: Claim[], most: number, now: Instant, leaseMs: number): void {
    const stale: Fresh[] = [];
    while (into.length < most) {
      const next = fresh.shift();
      if (next === undefined) break;
      freshCount--;
      freshOctets -= next.sizeOctets;
      const holding = holdings.get(next.id);
      if (holding === undefined || holding.token !== next.token) continue;
      if (holding.expiresAt < after(now, leaseMs)) {
        stale.push(next);
        holdings.delete(next.id);
      } else into.push({ id: next.id, token: next.token, message: holding.record.message, content: next.content });
    }
    // They waited too long to promise a whole lease: due again, like anyone else.
    if (stale.length > 0) {
      giveBackAll(stale, now).then(
        () => bell.ring(),
        (error: unknown) => log.error('queue', { what: 'leases could not be given back', cause: error }),
      );
    }
  }

  /** One transaction: leases that ran out become due entries, due entries become leases. */
  async function takeBacklog(most: number, now: Instant, leaseMs: number, ranOut: readonly { readonly id: MessageId; readonly token: number }[]): Promise<Claim[]> {
    young.enterUnclaimed();
    const expiresAt = after(now, leaseMs);
    const taken: { readonly claim: Claim; readonly holding: Holding }[] = [];
    await index.transaction(() => {
      for (const { id, token } of ranOut) if (steps.stands(id, token)) steps.giveBack(id, now);
      for (const key of keysFrom(index.due, '0', most, dueKey(after(now, 1), ''))) {
        const { id } = parseDueKey(key);
        void index.due.remove(key);
        const octets = index.messages.getBinary(id);
        if (octets === undefined) continue;
        const record = format.parse(octets, id);
        if (typeof record === 'string') {
          steps.toQuarantine(id, record);
          continue;
        }
        const token = nextToken();
        void index.leases.put(id, lease(expiresAt), token);
        const keys = keysFrom(index.keys, id, MOST_KEYS, `${id}\uffff`);
        taken.push({
          claim: { id, token, message: record.message },
          holding: { token, leaseMs, expiresAt, record, ...(keys.length > 0 ? { keys } : {}) },
        });
      }
    });
    for (const { claim, holding } of taken) holdings.set(claim.id, holding);
    return taken.map(({ claim }) => claim);
  }

  /** It is in the index, or on its way there. */
  async function finish({ id, token }: Claim, { record, keys, expiresAt }: Holding): Promise<Held> {
    young.enter(id);
    const ended = { id, token, ...(record.inFile ? { file: record.message.facts } : {}), ...(keys === undefined ? {} : { keys }) };
    // Past the expiry somebody else may hold it; only the disk knows.
    if (expiresAt <= clock.now()) return finished.settle(ended);
    await finished.add(ended);
    return 'held';
  }

  async function putBack(claim: Claim, holding: Holding, next: { readonly due: Instant; readonly untried?: true }, news: News | undefined): Promise<Held> {
    const now = clock.now();
    const told = news === undefined ? holding.record.message : withNews(holding.record.message, news);
    const record = { ...holding.record, due: next.due, message: next.untried === true ? told : withAttempt(told, news?.at ?? now) };
    young.enter(claim.id);
    finished.flush();
    const held = await index.transaction(() => {
      if (!steps.stands(claim.id, claim.token)) return false;
      steps.putBack(claim.id, record, true, now);
      return true;
    });
    if (held) bell.ring();
    return held ? 'held' : 'lease-lost';
  }

  return {
    async claim({ now, limit, leaseMs }) {
      usualLeaseMs = leaseMs;
      const ranOut = expired(now);
      const backlog = ranOut.length > 0 || anyDue(now);
      const claims: Claim[] = [];
      // Fresh mail leaves half the places to older mail that is due.
      takeFresh(claims, backlog ? Math.ceil(limit / 2) : limit, now, leaseMs);
      if (backlog && claims.length < limit) {
        try {
          claims.push(...(await takeBacklog(limit - claims.length, now, leaseMs, ranOut)));
        } catch (error) {
          log.error('queue', { what: 'no leases could be taken', cause: error });
        }
        takeFresh(claims, limit, now, leaseMs);
      }
      hungry = claims.length < limit;
      return claims.sort((one, other) => dueOf(one) - dueOf(other));
    },

    claimFresh({ now, limit, leaseMs }) {
      const claims: Claim[] = [];
      takeFresh(claims, limit, now, leaseMs);
      return claims;
    },

    async record(claim, news) {
      const holding = holdingOf(claim);
      if (holding === null) return 'lease-lost';
      const message = withNews(holding.record.message, news);
      const changed = message !== holding.record.message;
      if (changed) holding.record = { ...holding.record, message };
      young.enter(claim.id);
      const expiresAt = after(clock.now(), holding.leaseMs);
      finished.flush();
      const held = await index.settled(
        index.leases.ifVersion(claim.id, claim.token, () => {
          if (changed) void index.messages.put(claim.id, format.format(holding.record));
          void index.leases.put(claim.id, lease(expiresAt), claim.token);
        }),
      );
      if (held) holding.expiresAt = expiresAt;
      else lost(claim);
      return held ? 'held' : 'lease-lost';
    },

    release(claim, next, news) {
      const holding = holdingOf(claim);
      if (holding === null) return 'lease-lost';
      lost(claim);
      if (next !== 'finished') return putBack(claim, holding, next, news);
      return holding.keys === undefined && young.finish(claim.id) ? 'held' : finish(claim, holding);
    },

    bear(record) {
      const now = clock.now();
      const size = memoryOctets(record);
      if (!hungry && !bell.awaited) return null;
      if (record.due > now || freshCount >= options.freshMessages || freshOctets + size > options.freshOctets) return null;
      freshCount++;
      freshOctets += size;
      const expiresAt = after(now, usualLeaseMs + PATIENCE_MS);
      return { token: nextToken(), lease: lease(expiresAt), expiresAt, record, sizeOctets: size };
    },

    born({ token, expiresAt, record, sizeOctets }, content) {
      const { id } = record.message;
      holdings.set(id, { token, leaseMs: usualLeaseMs, expiresAt, record });
      fresh.push({ id, token, content, sizeOctets });
    },

    birthFailed({ sizeOctets }) {
      freshCount--;
      freshOctets -= sizeOctets;
    },

    keyed(key, parent) {
      const holding = holdings.get(parent);
      if (holding !== undefined) (holding.keys ??= []).push(key);
    },

    forget(id) {
      holdings.delete(id);
    },

    ready(now) {
      if (fresh.length > 0) return true;
      if (anyDue(now)) return true;
      const ranOut = expired(now);
      if (ranOut.length > 0) lookAt = 0 as Instant; // whoever claims next must look again
      return ranOut.length > 0;
    },

    async close() {
      const mine = holdings.entries().map(([id, { token }]) => ({ id, token }));
      for (const { id } of mine) holdings.delete(id);
      fresh.length = 0;
      await giveBackAll(mine, clock.now());
    },
  };

  function lost(claim: Claim): void {
    if (holdings.get(claim.id)?.token === claim.token) holdings.delete(claim.id);
  }

  function dueOf(claim: Claim): number {
    return holdings.get(claim.id)?.record.due ?? 0;
  }
}

/** A body file waits on the disk. */
function memoryOctets({ message, inFile }: StoredRecord): number {
  return message.trace.length + (inFile ? 0 : message.facts.sizeOctets);
}

/** Every lease, read in steps that leave nothing open. */
export function* leasesOf(index: LmdbIndex): Generator<{ readonly id: MessageId; readonly token: number; readonly lease: Lease }> {
  const STEP = 200;
  for (let from = '0'; ; ) {
    const ids = keysFrom(index.leases, from, STEP) as MessageId[];
    for (const id of ids) {
      const entry = index.leases.getEntry(id);
      if (entry !== undefined) yield { id, token: entry.version ?? 0, lease: parseLease(entry.value) };
    }
    if (ids.length < STEP) return;
    from = `${ids.at(-1)!}\0`;
  }
}
