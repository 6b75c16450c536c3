/**
 * From the first octet to a durable message. Small content stays in memory and goes into the index with the record;
 * large content goes to a body file, which is durable before the record names it.
 */
import type { Clock } from '../../core/clock.ts';
import type { Envelope, MessageId, Recipient } from '../../core/envelope.ts';
import type { Log } from '../../core/log.ts';
import type { Committed, Draft, Seal, StoredContent } from '../../core/queue-store.ts';
import type { Bell } from './bell.ts';
import type { BodyFiles, BodyWriter } from './body-files.ts';
import type { Birth, Claims } from './claims.ts';
import type { FinishedMessages } from './finished-messages.ts';
import type { Ground } from './upkeep/ground.ts';
import type { YoungMessages } from './journal/young-messages.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { dueKey, nothing, WriteFailure } from './lmdb-index.ts';
import type { StoredRecord } from './message-changes.ts';
import { MESSAGE_ID_LENGTH } from './message-id.ts';
import { formatAside } from './format/aside.ts';
import type { RecordFormat } from './format/record.ts';
import { contentInFile, contentInMemory } from './stored-content.ts';

/** Content that waits in memory before it is written to its body file. */
const WRITE_OCTETS = 256 * 1024;
/** About what a recipient takes in a record. */
const RECIPIENT_OCTETS = 200;

interface Options {
  readonly young: YoungMessages;
  readonly index: LmdbIndex;
  readonly bodies: BodyFiles;
  readonly ground: Ground;
  readonly format: RecordFormat;
  readonly claims: Claims;
  readonly finished: FinishedMessages;
  readonly bell: Bell;
  readonly clock: Clock;
  readonly log: Log;
  readonly inlineLimitOctets: number;
}

/** Where it stands from now on: claimed, in quarantine, or due. */
interface Place {
  readonly birth: Birth | null;
  readonly aside: string | undefined;
}

export type BeginDraft = (id: MessageId, envelope: Envelope, recipients: readonly Recipient[], key?: string) => Draft;

export function createDrafts({ young, index, bodies, ground, format, claims, finished, bell, clock, log, inlineLimitOctets }: Options): BeginDraft {
  /** All of it in this turn of the event loop, so all of it in one transaction. */
  function store(record: StoredRecord, content: Uint8Array | null, { birth, aside }: Place): Promise<boolean> {
    const { id } = record.message;
    void index.messages.put(id, format.format(record));
    if (content === null) void index.files.put(id, nothing);
    else void index.bodies.put(id, content as Buffer);
    if (aside !== undefined) return index.quarantine.put(id, formatAside({ why: aside, judged: true }));
    return birth === null ? index.due.put(dueKey(record.due, id), nothing) : index.leases.put(id, birth.lease, birth.token);
  }

  return (id, envelope, recipients, key) => {
    let chunks: Uint8Array[] = [];
    let buffered = 0;
    let sizeOctets = 0;
    let file: BodyWriter | null = null;
    let writing: Promise<void> | null = null;
    let failure: unknown = null;
    let state: 'open' | 'sealed' = 'open';

    /** Hands what is buffered to the body file. One write at a time; its failure waits for commit(). */
    async function spill(): Promise<void> {
      try {
        file ??= await bodies.create(id);
        while (chunks.length > 0) {
          const pieces = chunks;
          chunks = [];
          buffered = 0;
          await file.write(pieces);
        }
      } catch (error) {
        failure = error;
        chunks = [];
      } finally {
        writing = null;
      }
    }

    function begin(): Promise<void> {
      writing ??= spill();
      return writing;
    }

    function forget(): void {
      chunks = [];
      const removed = (writing ?? Promise.resolve()).then(() => file?.discard());
      removed.catch((cause: unknown) => log.error('queue', { what: 'draft could not be removed', id, cause }));
    }

    async function commitFile(record: StoredRecord): Promise<void> {
      await begin();
      if (failure !== null) throw failure;
      await file!.commit(record.message.facts);
    }

    function refused(error: unknown): Committed {
      const cause = error instanceof WriteFailure ? error.cause : error;
      const full = error instanceof WriteFailure ? error.kind === 'full' : isDiskFull(error);
      log.error('queue', { what: full ? 'no room for a message' : 'a message could not be stored', id, cause });
      return full ? { kind: 'full' } : { kind: 'broken', why: String(cause) };
    }

    /** The first draft under a key is stored, the second finds it. */
    async function storeOnce(record: StoredRecord, content: Uint8Array | null, place: Place): Promise<MessageId> {
      if (key === undefined) {
        await index.settled(store(record, content, place));
        return id;
      }
      const first = await index.settled(
        index.keys.ifNoExists(key, () => {
          void index.keys.put(key, Buffer.from(id, 'latin1'));
          void store(record, content, place);
        }),
      );
      if (!first) return (index.keys.getBinary(key)?.toString('latin1') ?? id) as MessageId;
      claims.keyed(key, key.slice(0, MESSAGE_ID_LENGTH) as MessageId);
      return id;
    }

    function contentAtHand(seal: Seal, pieces: readonly Uint8Array[]): StoredContent {
      if (pieces.length > 0 || seal.facts.sizeOctets === 0) return contentInMemory(seal.facts, seal.trace, pieces);
      // Written by us a moment ago, and not checked: a claim that finds it changed reads nothing of it.
      return contentInFile(seal.facts, seal.trace, () => checked(seal));
    }

    async function* checked(seal: Seal): AsyncGenerator<Uint8Array> {
      const read = await bodies.read(id, seal.facts);
      if (read.kind === 'corrupt') throw new Error(read.why);
      if (read.kind === 'octets') yield read.octets;
      else yield* read.open();
    }

    return {
      id,
      write(chunk) {
        if (state !== 'open') throw new Error('draft is sealed');
        if (failure !== null) return undefined;
        chunks.push(chunk);
        buffered += chunk.length;
        sizeOctets += chunk.length;
        return buffered > WRITE_OCTETS ? begin() : undefined;
      },

      async commit(seal) {
        if (state !== 'open') throw new Error('draft is sealed');
        state = 'sealed';
        if (failure === null && seal.facts.sizeOctets !== sizeOctets) {
          forget();
          return refused(new Error(`sealed as ${seal.facts.sizeOctets} octets, ${sizeOctets} were written`));
        }
        const inFile = file !== null || writing !== null || sizeOctets > inlineLimitOctets;
        const record: StoredRecord = {
          message: {
            id,
            envelope: seal.envelope ?? envelope,
            recipients: seal.recipients ?? recipients,
            facts: seal.facts,
            trace: seal.trace,
            acceptedAt: clock.now(),
            attempts: 0,
          },
          due: seal.due,
          held: false,
          inFile,
        };
        let birth: Birth | null = null;
        let taken: number | null = null;
        try {
          const pieces = chunks;
          if (inFile) await commitFile(record);
          const grown = (inFile ? 0 : sizeOctets) + seal.trace.length + record.message.recipients.length * RECIPIENT_OCTETS;
          const granted = ground.take(grown);
          if (granted === false || (granted !== true && !(await granted))) throw new WriteFailure('full', 'the index has no room to grow');
          taken = grown;
          birth = seal.aside === undefined ? claims.bear(record) : null;
          if (key === undefined && !inFile && seal.aside === undefined && (await young.add({ record, content: pieces, claimed: birth, landed: () => ground.landed(grown) }))) {
            taken = null; // until it is finished, or in the index
            birth?.born(contentAtHand(seal, pieces));
            bell.ring();
            return { kind: 'committed', id };
          }
          finished.flush(); // deletions that wait ride along
          const content = inFile ? null : pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
          const stored = await storeOnce(record, content, { birth, aside: seal.aside });
          if (stored !== id) {
            birth?.failed();
            if (inFile) void bodies.remove(id, seal.facts);
            return { kind: 'committed', id: stored, repeated: true };
          }
          birth?.born(contentAtHand(seal, inFile ? [] : pieces));
          if (seal.aside === undefined) bell.ring();
          else log.info('queue', { what: 'set aside', id, why: seal.aside });
          return { kind: 'committed', id };
        } catch (error) {
          birth?.failed();
          if (inFile && file !== null) void bodies.remove(id, seal.facts);
          forget();
          return refused(error);
        } finally {
          if (taken !== null) ground.landed(taken);
        }
      },

      discard() {
        if (state !== 'open') return;
        state = 'sealed';
        forget();
      },
    };
  };
}

function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
