/**
 * Messages that are durable in the journal and not in the index yet: most are finished before they would get there.
 * What is claimed and takes longer, and what nobody has claimed, goes into the index in one transaction with its like,
 * after a moment; at once, when somebody wants to see or change it there. Then it is in the index as if it had always
 * been: what is written to it afterwards comes behind in the order of the index's writes.
 */
import type { Clock, Instant } from '../../../core/clock.ts';
import { after } from '../../../core/clock.ts';
import type { MessageId } from '../../../core/envelope.ts';
import type { Awaitable } from '../../../core/intake.ts';
import type { QueueEntry } from '../../../core/queue-store.ts';
import type { RecordFormat } from '../format/record.ts';
import type { LmdbIndex } from '../lmdb-index.ts';
import { dueKey, nothing } from '../lmdb-index.ts';
import type { StoredRecord } from '../message-changes.ts';
import { SteadyMap } from '../../../kit/steady-map.ts';
import { whole } from '../stored-content.ts';
import type { Ground } from '../upkeep/ground.ts';
import type { Journal, SegmentNumber } from './journal.ts';

/** How long a claimed message stays young. Most are finished by then. */
const YOUTH_MS = 1000;
/** Then so many enter together, and so much later the next. More come in than can enter so: the journal gets crowded, and tells. */
const SOME = 64;
const PAUSE_MS = 10;
/**
 * What nobody has claimed will not be finished soon: it only waits for company, for so long or until it is so much, lest its
 * content grows old in memory.
 */
const COMPANY_MS = 250;
const COMPANY_OCTETS = 1024 * 1024;
const BITE = 16;
/**
 * Each commit of the index keeps the disk from the journal, and somebody waits for that: a large one for milliseconds. So a
 * few are company enough, and enter in the moment behind a write to the journal, when the client has yet to send its next
 * mail. Where they come faster than one in so long, many share a commit: what all of them cost counts there.
 */
const FEW = 8;
const CALM_MS = 0.5;
/** Content in memory; more goes the old way. */
const MOST_OCTETS = 8 * 1024 * 1024;

/** A lease that a message is born with. */
export interface YoungLease {
  readonly token: number;
  readonly lease: Buffer;
}

export interface YoungMessage {
  readonly record: StoredRecord;
  readonly content: readonly Uint8Array[];
  readonly claimed: YoungLease | null;
  /** What Ground gave for it. */
  readonly takenOctets: number;
}

export interface YoungMessages {
  /** True once it is durable. False: it is for the caller to store, nobody holds it. */
  add(message: YoungMessage): Awaitable<boolean>;
  /** It is finished, and the index never heard of it. False: it is in the index, or on its way. */
  finish(id: MessageId): boolean;
  get(id: MessageId): QueueEntry | null;
  /** Earliest due time of what nobody has claimed. */
  firstDue(): Instant | null;
  /** Now on its way into the index; what is written to the index after this call finds it there. */
  enter(id: MessageId): void;
  /** The same for all that nobody has claimed. */
  enterUnclaimed(): void;
  /** Everything, and there once it resolves; rejects when the index cannot be written. */
  settleAll(): Promise<unknown>;
  /** Into the index with everything, also with what is being added. */
  close(): Promise<void>;
}

/** What a journal has to say. */
export interface JournalNews {
  readonly crowded: (segment: SegmentNumber) => void;
  readonly failed: (cause: unknown) => void;
}

interface Options {
  readonly index: LmdbIndex;
  readonly ground: Pick<Ground, 'landed' | 'unused'>;
  readonly format: RecordFormat;
  readonly clock: Clock;
  readonly openJournal: (news: JournalNews) => Promise<Journal>;
  readonly journalFailed: (cause: unknown) => void;
  /** The index could not be written; it is tried again. */
  readonly failed: (cause: unknown) => void;
}

interface Entry {
  /** As it is stored. The values that it was made of may go: they would be old before it is. */
  readonly record: Buffer;
  readonly due: Instant;
  readonly content: readonly Uint8Array[];
  readonly octets: number;
  readonly claimed: YoungLease | null;
  readonly takenOctets: number;
  readonly segment: SegmentNumber;
  readonly bornAt: Instant;
  entering: Promise<boolean> | null;
  /** It was finished while it was entering. */
  finished?: true;
}

export async function openYoungMessages({ index, ground, format, clock, openJournal, journalFailed, failed }: Options): Promise<YoungMessages> {
  const entries = new SteadyMap<MessageId, Entry>();
  let adding = 0;
  let added: (() => void) | null = null;
  const closing = new AbortController();
  let octets = 0;
  /** Undefined: to be looked for. */
  let firstDue: Instant | null | undefined = null;
  let raising = false;
  let expecting = false;
  let company = { since: clock.now(), size: 0, octets: 0 };
  let calmly: Promise<unknown> | null = null;
  const journal = await openJournal({
    crowded: leave,
    failed(cause) {
      journalFailed(cause);
      leave('all');
    },
  });

  function forget(id: MessageId, entry: Entry): void {
    if (entries.get(id) !== entry) return;
    entries.delete(id);
    octets -= entry.octets;
    if (entry.claimed === null) firstDue = undefined;
    journal.gone(id, entry.segment);
    if (entry.entering === null) ground.unused(entry.takenOctets);
    else ground.landed(entry.takenOctets);
  }

  function lookForDue(): Instant | null {
    let first: Instant | null = null;
    for (const { claimed, due } of entries.values()) if (claimed === null && (first === null || due < first)) first = due;
    return first;
  }

  /** One conditional write: another process may have taken it from our journal, believing us dead. */
  async function write(id: MessageId, entry: Entry): Promise<boolean> {
    const { record, due, content, claimed } = entry;
    try {
      return await index.settled(index.messages.ifNoExists(id, () => {
        void index.messages.put(id, record);
        void index.bodies.put(id, whole(content) as Buffer);
        if (claimed === null) void index.due.put(dueKey(due, id), nothing);
        else void index.leases.put(id, claimed.lease, claimed.token);
      }));
    } catch (cause) {
      entry.entering = null;
      if (entry.finished !== true) throw cause;
    }
    return true;
  }

  function enter(id: MessageId): Promise<boolean> | null {
    const entry = entries.get(id);
    if (entry === undefined) return null;
    if (entry.entering !== null) return entry.entering;
    const entering = write(id, entry);
    entry.entering = entering;
    entering.then(() => forget(id, entry), () => undefined);
    return entering;
  }

  /** All that nobody has claimed, and those of the others that are meant. */
  function enterThose(meant: (entry: Entry) => boolean): Promise<boolean>[] {
    const entering: Promise<boolean>[] = [];
    for (const [id, entry] of entries.entries()) if (entry.claimed === null || meant(entry)) entering.push(enter(id)!);
    return entering;
  }

  function leave(segment: SegmentNumber | 'all'): void {
    Promise.all(enterThose((entry) => segment === 'all' || entry.segment === segment)).catch(failed);
  }

  /** The oldest that are grown, few at a time: a large commit would keep the disk from the journal, and us from our clients. */
  async function raise(): Promise<void> {
    while (entries.size > 0 && !closing.signal.aborted) {
      const now = clock.now();
      const before = after(now, -YOUTH_MS);
      const entering: Promise<boolean>[] = [];
      let next = after(now, YOUTH_MS);
      for (const [id, entry] of entries.entries()) {
        if (entry.bornAt > before) {
          next = after(entry.bornAt, YOUTH_MS);
          break;
        }
        if (entry.entering !== null) continue;
        entering.push(enter(id)!);
        if (entering.length < SOME) continue;
        next = after(now, PAUSE_MS);
        break;
      }
      await Promise.all(entering).catch((cause: unknown) => {
        failed(cause);
        next = after(now, YOUTH_MS);
      });
      await clock.sleepUntil(next, closing.signal);
    }
    raising = false;
  }

  function grow({ claimed, octets: grown }: Entry): void {
    if (claimed === null) expectCompany(grown);
    if (raising) return;
    raising = true;
    void raise();
  }

  function expectCompany(more: number): void {
    if (company.size === 0) company.since = clock.now();
    company.size++;
    company.octets += more;
    if (company.octets > COMPANY_OCTETS) return void enterCompany();
    if (company.size >= FEW && calmly === null && clock.now() - company.since > company.size * CALM_MS) {
      calmly = enterCompany().finally(() => (calmly = null));
      return;
    }
    if (expecting || closing.signal.aborted) return;
    expecting = true;
    void clock.sleepUntil(after(clock.now(), COMPANY_MS), closing.signal).then(() => {
      expecting = false;
      return enterCompany();
    });
  }

  /** Resolves when the last of them is in. In bites: clients wait while one is written. */
  async function enterCompany(): Promise<void> {
    company = { since: clock.now(), size: 0, octets: 0 };
    const waiting = entries.entries().filter(([, { claimed, entering }]) => claimed === null && entering === null);
    let last: Promise<unknown> | null = null;
    // At the end close() brings them all.
    for (let at = 0; at < waiting.length && !closing.signal.aborted; at += BITE) {
      // Those who have their answer now are told first.
      await new Promise(setImmediate);
      last = Promise.all(waiting.slice(at, at + BITE).flatMap(([id]) => enter(id) ?? [])).catch(failed);
    }
    await last;
  }

  function add({ record, content, claimed, takenOctets }: YoungMessage): Awaitable<boolean> {
    const { id, trace, facts } = record.message;
    const size = trace.length + facts.sizeOctets;
    if (closing.signal.aborted || octets + size > MOST_OCTETS || !journal.takes(0, facts.sizeOctets)) return false;
    const stored = format.format(record);
    if (!journal.takes(stored.length, facts.sizeOctets)) return false;
    octets += size;
    adding++;
    return new Promise((resolve) => {
      const end = (isAdded: boolean): void => {
        if (!isAdded) octets -= size;
        if (--adding === 0) added?.();
        resolve(isAdded);
      };
      journal.append(stored, content, facts.sizeOctets, {
        written(segment) {
          const entry: Entry = { record: stored, due: record.due, content, octets: size, claimed, takenOctets, segment, bornAt: clock.now(), entering: null };
          entries.set(id, entry);
          if (claimed === null && firstDue !== undefined && (firstDue === null || record.due < firstDue)) firstDue = record.due;
          grow(entry);
          end(true);
        },
        failed: () => end(false),
      });
    });
  }

  return {
    add,
    finish(id) {
      const entry = entries.get(id);
      if (entry === undefined) return false;
      if (entry.entering !== null) {
        entry.finished = true;
        return false;
      }
      forget(id, entry);
      return true;
    },
    get(id) {
      const entry = entries.get(id);
      if (entry === undefined) return null;
      const record = format.parse(entry.record, id);
      if (typeof record === 'string') throw new Error(record); // we wrote it ourselves
      return { message: record.message, due: entry.due, state: entry.claimed === null ? 'waiting' : 'claimed' };
    },
    firstDue() {
      if (firstDue === undefined) firstDue = lookForDue();
      return firstDue;
    },
    enter: (id) => void enter(id)?.catch(failed),
    enterUnclaimed: () => void Promise.all(enterThose(() => false)).catch(failed),
    settleAll: () => Promise.all(enterThose(() => true)),
    async close() {
      closing.abort();
      if (adding > 0) await new Promise<void>((resolve) => (added = resolve));
      await Promise.all(enterThose(() => true)).catch(failed);
      await journal.close();
    },
  };
}
