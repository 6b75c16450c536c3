/**
 * Reads the whole queue and compares it with itself: each record with its checksum and its place, each content with its
 * digest, each place with its message. LMDB checks none of this, and a card that lies says nothing.
 *
 * With 'repair': a single flipped bit is flipped back, a message without a place is due now, a place without a message
 * goes. What cannot be mended is set aside, and what is left of it is written to a file.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../../core/clock.ts';
import type { MessageId } from '../../../core/envelope.ts';
import type { Kernels } from '../../../core/kernels.ts';
import type { CorruptContent, Finding, StoredContent, StoredMessage, Verified } from '../../../core/queue-store.ts';
import type { BodyFiles } from '../body-files.ts';
import { same } from '../body-files.ts';
import { leasesOf } from '../claims.ts';
import type { LmdbIndex } from '../lmdb-index.ts';
import { dueKey, keysFrom, nothing, parseDueKey } from '../lmdb-index.ts';
import { parseAside, type Aside } from '../format/aside.ts';
import type { StoredRecord } from '../message-changes.ts';
import { mendBit } from './mending.ts';
import { isMessageId } from '../message-id.ts';
import type { RecordFormat } from '../format/record.ts';
import type { Transitions } from '../transitions.ts';

/** Keys read at once; other work gets its turn between. */
const STEP = 50;
/** No lease is so long: its time was flipped. */
const LONGEST_LEASE_MS = 24 * 3_600_000;

interface Options {
  readonly index: LmdbIndex;
  readonly bodies: BodyFiles;
  readonly format: RecordFormat;
  readonly steps: Transitions;
  readonly kernels: Kernels;
  readonly clock: Clock;
  /** What is left of a message is written there: QID.eml, QID.record. */
  readonly rescued: (name: string, octets: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => Promise<string>;
  /** Finished, and about to be deleted. */
  readonly hidden: (id: MessageId) => boolean;
  readonly content: (id: MessageId, message: StoredMessage) => StoredContent | CorruptContent | Promise<StoredContent | CorruptContent>;
}

export type Verify = (how: 'look' | 'repair') => AsyncGenerator<Verified>;

export function createVerification({ index, bodies, format, steps, kernels, clock, rescued, hidden, content }: Options): Verify {
  const finding = (id: string, part: Finding['part'], why: string, became: Finding['became'] = 'left', file?: string): Finding => ({
    kind: 'finding', id, part, why, became, ...(file === undefined ? {} : { file }),
  });
  const sound = (id: MessageId) => (octets: Buffer): boolean => typeof format.parse(octets, id) !== 'string';

  /** Inside a transaction, or just to look: where the message stands. */
  function placesOf(id: MessageId, record: StoredRecord): readonly string[] {
    return [
      ...(index.quarantine.doesExist(id) ? ['quarantine'] : []),
      ...(index.leases.doesExist(id) ? ['a lease'] : []),
      ...(record.held ? ['hold'] : []),
      ...(index.due.doesExist(dueKey(record.due, id)) ? ['a due time'] : []),
    ];
  }

  function asideOf(id: MessageId): Aside | null {
    const octets = index.quarantine.getBinary(id);
    return octets === undefined ? null : parseAside(octets);
  }

  async function* message(id: MessageId, wanted: boolean): AsyncGenerator<Finding> {
    const octets = index.messages.getBinary(id);
    if (octets === undefined || hidden(id)) return;
    // Who holds a lease has the record in memory, and writes it anew; its attempt finds the content out by itself.
    const repair = wanted && !index.leases.doesExist(id);
    let record = format.parse(octets, id);
    if (typeof record === 'string') {
      const why = record;
      const mended = repair ? await mendRecord(id, octets) : null;
      if (mended === null) {
        yield repair ? await setAside(id, null, 'record', why) : finding(id, 'record', why);
        return;
      }
      record = mended;
      yield finding(id, 'record', why, 'mended');
    }
    const found = await checkContent(id, record, repair);
    if (found !== null) yield found;
    if (found?.became === 'set-aside') return;
    // It may be on its way from one place to another while we look: what is wrong twice is wrong.
    for (let look = 0; look < 2; look++) {
      const now = index.messages.getBinary(id);
      const still = now === undefined || hidden(id) ? '' : format.parse(now, id);
      if (typeof still === 'string' || placesOf(id, still).length === 1) return;
      record = still;
      await nextTurn();
    }
    const places = placesOf(id, record);
    const why = places.length === 0 ? 'it stands nowhere: nobody would try it' : `it stands in two places: ${places.join(', ')}`;
    yield finding(id, 'place', why, repair && (await putInPlace(id)) ? 'mended' : 'left');
  }

  /** Due now, out of quarantine; null when it is more than a bit. */
  async function mendRecord(id: MessageId, damaged: Buffer): Promise<StoredRecord | null> {
    const mended = await mendBit(damaged, sound(id));
    const record = mended === null ? null : format.parse(mended, id);
    if (mended === null || record === null || typeof record === 'string') return null;
    const now = clock.now();
    const after: StoredRecord = record.held ? record : { ...record, due: now };
    return await index.transaction(() => {
      if (index.messages.getBinary(id)?.equals(damaged) !== true) return null;
      void index.messages.put(id, format.format(after));
      if (asideOf(id)?.judged === true) return after;
      void index.quarantine.remove(id);
      if (!after.held) void index.due.put(dueKey(after.due, id), nothing);
      return after;
    });
  }

  async function checkContent(id: MessageId, record: StoredRecord, repair: boolean): Promise<Finding | null> {
    const read = await content(id, record.message);
    const aside = asideOf(id);
    const why = aside?.why;
    if (read.kind === 'content') {
      // A judgement is not undone by looking at the disk.
      if (aside === null || aside.judged === true) return null;
      // It was set aside and there is nothing wrong with it (any more).
      if (!repair) return finding(id, 'place', `in quarantine (${why}), but sound`);
      await restore(id);
      return finding(id, 'place', `in quarantine (${why}), but sound`, 'mended');
    }
    // Delivered and gone while it was read.
    if (!index.messages.doesExist(id) || hidden(id)) return null;
    if (!repair) return finding(id, 'content', read.why);
    const octets = index.bodies.getBinary(id);
    const mended = octets === undefined ? null : await mendBit(octets, (tried) => same(kernels.digest(tried), record.message.facts.digest));
    if (mended === null) return setAside(id, record, 'content', read.why);
    await index.transaction(() => {
      if (index.messages.doesExist(id)) void index.bodies.put(id, mended);
    });
    if (aside !== null && aside.judged !== true) await restore(id);
    return finding(id, 'content', read.why, 'mended');
  }

  async function restore(id: MessageId): Promise<void> {
    await index.transaction(() => {
      const octets = index.messages.getBinary(id);
      const record = octets === undefined ? '' : format.parse(octets, id);
      if (typeof record === 'string' || !index.quarantine.doesExist(id)) return;
      void index.quarantine.remove(id);
      void index.messages.put(id, format.format({ ...record, due: clock.now(), held: false }));
      void index.due.put(dueKey(clock.now(), id), nothing);
    });
  }

  async function setAside(id: MessageId, record: StoredRecord | null, part: Finding['part'], why: string): Promise<Finding> {
    await index.transaction(() => steps.toQuarantine(id, why));
    const raw = record === null ? index.messages.getBinary(id) : undefined;
    if (raw !== undefined) await rescued(`${id}.record`, [raw]);
    const octets = index.bodies.getBinary(id);
    const path = octets === undefined ? await bodies.find(id) : null;
    const trace = record?.message.trace ?? new Uint8Array(0);
    if (octets !== undefined) return finding(id, part, why, 'set-aside', await rescued(`${id}.eml`, [trace, octets]));
    return path === null ? finding(id, part, why, 'set-aside') : finding(id, part, why, 'set-aside', await rescued(`${id}.eml`, bodies.octets(path)));
  }

  /** One place for each message: what says most wins; who has none is due now. */
  function putInPlace(id: MessageId): Promise<boolean> {
    return index.transaction(() => {
      const octets = index.messages.getBinary(id);
      const record = octets === undefined ? '' : format.parse(octets, id);
      if (typeof record === 'string') return false;
      const places = placesOf(id, record);
      if (places.length === 1) return true;
      if (index.quarantine.doesExist(id)) void index.leases.remove(id);
      if (places.length > 0) {
        void index.due.remove(dueKey(record.due, id));
        if (record.held) void index.leases.remove(id);
        return true;
      }
      const now = clock.now();
      void index.messages.put(id, format.format({ ...record, due: now }));
      void index.due.put(dueKey(now, id), nothing);
      return true;
    });
  }

  /** A due entry without its message, or not its own. */
  async function* dues(repair: boolean): AsyncGenerator<Finding> {
    for await (const key of keysOf('due')) {
      const { id } = parseDueKey(key);
      const stray = (): string | null => {
        const octets = index.messages.getBinary(id);
        if (octets === undefined) return 'a due time of no message';
        const record = format.parse(octets, id);
        return typeof record === 'string' || dueKey(record.due, id) === key ? null : 'a due time that is not that of its message';
      };
      if (!index.due.doesExist(key)) continue; // claimed meanwhile
      const why = stray();
      if (why === null || !index.due.doesExist(key)) continue;
      if (repair) await index.transaction(() => (stray() === null ? false : index.due.remove(key)));
      yield finding(isMessageId(id) ? id : '', 'place', why, repair ? 'removed' : 'left');
    }
  }

  async function* leases(repair: boolean): AsyncGenerator<Finding> {
    for (const { id, token, lease } of leasesOf(index)) {
      if (hidden(id)) continue;
      const tooLong = lease.expiresAt > clock.now() + LONGEST_LEASE_MS;
      if (!tooLong && index.messages.doesExist(id)) continue;
      if (!steps.stands(id, token)) continue;
      if (repair) await index.transaction(() => (steps.stands(id, token) ? steps.giveBack(id, clock.now()) : undefined));
      yield finding(id, 'place', tooLong ? 'a lease that would never run out' : 'a lease of no message', repair ? 'mended' : 'left');
    }
  }

  /** Content in the index that belongs to no record. */
  async function* leftovers(repair: boolean): AsyncGenerator<Finding> {
    for await (const id of keysOf('bodies')) {
      const octets = index.messages.doesExist(id) ? undefined : index.bodies.getBinary(id);
      if (octets === undefined || index.messages.doesExist(id) || hidden(id as MessageId)) continue;
      if (!repair) {
        yield finding(id, 'leftover', 'content of no message');
        continue;
      }
      const file = await rescued(`${id.replaceAll(/[^0-9A-F.]/g, '_')}.eml`, [octets]);
      await index.transaction(() => (index.messages.doesExist(id) ? undefined : void index.bodies.remove(id)));
      yield finding(id, 'leftover', 'content of no message', 'removed', file);
    }
  }

  /** The index may move to other files meanwhile. */
  async function* keysOf(which: 'due' | 'bodies' | 'messages'): AsyncGenerator<string> {
    for (let from = '0'; ; ) {
      const keys = keysFrom(index[which], from, STEP);
      yield* keys;
      if (keys.length < STEP) return;
      from = `${keys.at(-1)!}\0`;
      await nextTurn();
    }
  }

  return async function* verify(how) {
    const repair = how === 'repair';
    const strays = new Map<string, MessageId>();
    let messages = 0;
    let octets = 0;
    for await (const key of keysOf('messages')) {
      const record = recordUnder(key);
      if (record !== null && record.message.id !== key) {
        // The key was flipped, the record was not: it knows its name.
        strays.set(key, record.message.id);
        continue;
      }
      yield* message(key as MessageId, repair);
      messages++;
      octets += record?.message.facts.sizeOctets ?? 0;
      if (messages % 1000 === 0) yield { kind: 'checked', messages, octets };
    }
    for (const [key, id] of strays) {
      const moved = repair && (await rename(key, id));
      yield finding(id, 'record', `filed under ${JSON.stringify(key)}`, moved ? 'mended' : 'left');
      messages++;
    }
    yield* dues(repair);
    yield* leases(repair);
    yield* leftovers(repair);
    yield { kind: 'checked', messages, octets, last: true };
  };

  function recordUnder(key: string): StoredRecord | null {
    const octets = index.messages.getBinary(key);
    if (octets === undefined) return null;
    const own = format.idIn(octets);
    const record = own === null ? '' : format.parse(octets, own);
    return typeof record === 'string' ? null : record;
  }

  /** Under its own name again, due now; its content stands there already, for it was filed under the right key. */
  function rename(key: string, id: MessageId): Promise<boolean> {
    return index.transaction(() => {
      const octets = index.messages.getBinary(key);
      const record = octets === undefined ? '' : format.parse(octets, id);
      if (typeof record === 'string' || index.messages.doesExist(id)) return false;
      const now = clock.now();
      void index.due.remove(dueKey(record.due, id));
      void index.leases.remove(id);
      void index.messages.remove(key);
      void index.quarantine.remove(key);
      void index.messages.put(id, format.format(record.held ? record : { ...record, due: now }));
      if (!record.held && !index.quarantine.doesExist(id)) void index.due.put(dueKey(now, id), nothing);
      return true;
    });
  }
}
