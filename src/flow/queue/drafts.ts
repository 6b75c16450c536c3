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
import { contentInFile, contentInMemory, whole } from './stored-content.ts';

/** Content that waits in memory before it is written to its body file. */
const WRITE_OCTETS = 256 * 1024;
/** About what a recipient takes in a record. */
const RECIPIENT_OCTETS = 200;

export interface DraftRooms {
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
  /** Told what came of each commit. */
  readonly committed: (committed: Committed) => void;
}

export interface DraftTerms {
  readonly id: MessageId;
  readonly envelope: Envelope;
  readonly recipients: readonly Recipient[];
  readonly idempotencyKey: string | undefined;
}

/** Where it stands from now on: claimed, in quarantine, or due. */
interface Place {
  readonly birth: Birth | null;
  readonly aside: string | undefined;
}

/** One object for a message, not a closure for each of its methods: it lives until its message is finished. */
export class StoredDraft implements Draft {
  readonly id: MessageId;
  readonly #rooms: DraftRooms;
  readonly #terms: DraftTerms;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  #sizeOctets = 0;
  #file: BodyWriter | null = null;
  #writing: Promise<void> | null = null;
  #failure: unknown = null;
  #sealed = false;

  constructor(rooms: DraftRooms, terms: DraftTerms) {
    this.id = terms.id;
    this.#rooms = rooms;
    this.#terms = terms;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#sealed) throw new Error('draft is sealed');
    if (this.#failure !== null) return undefined;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    this.#sizeOctets += chunk.length;
    return this.#buffered > WRITE_OCTETS ? this.#begin() : undefined;
  }

  async commit(seal: Seal): Promise<Committed> {
    if (this.#sealed) throw new Error('draft is sealed');
    this.#sealed = true;
    const committed = await this.#commit(seal);
    this.#rooms.committed(committed);
    return committed;
  }

  discard(): void {
    if (this.#sealed) return;
    this.#sealed = true;
    this.#forget();
  }

  async #commit(seal: Seal): Promise<Committed> {
    const { id } = this;
    const { bodies, ground, claims, young, bell, log } = this.#rooms;
    if (this.#failure === null && seal.facts.sizeOctets !== this.#sizeOctets) {
      this.#forget();
      return this.#refused(new Error(`sealed as ${seal.facts.sizeOctets} octets, ${this.#sizeOctets} were written`));
    }
    const inFile = this.#file !== null || this.#writing !== null || this.#sizeOctets > this.#rooms.inlineLimitOctets;
    const record = this.#record(seal, inFile);
    let birth: Birth | null = null;
    let taken: number | null = null;
    try {
      const pieces = this.#chunks;
      if (inFile) await this.#commitFile(record);
      const grown = (inFile ? 0 : this.#sizeOctets) + seal.trace.length + record.message.recipients.length * RECIPIENT_OCTETS;
      const granted = ground.take(grown);
      if (granted === false || (granted !== true && !(await granted))) throw new WriteFailure('full', 'the index has no room to grow');
      taken = grown;
      birth = seal.aside === undefined ? claims.bear(record) : null;
      if (this.#terms.idempotencyKey === undefined && !inFile && seal.aside === undefined && (await young.add({ record, content: pieces, claimed: birth, takenOctets: grown }))) {
        taken = null; // until it is finished, or in the index
      } else {
        const stored = await this.#storeOnce(record, inFile ? null : pieces, { birth, aside: seal.aside });
        if (stored !== id) {
          if (birth !== null) claims.birthFailed(birth);
          if (inFile) void bodies.remove(id, seal.facts);
          return { kind: 'committed', id: stored, repeated: true };
        }
      }
      if (birth !== null) claims.born(birth, this.#contentAtHand(seal, inFile ? [] : pieces));
      if (seal.aside === undefined) bell.ring();
      else log.info('queue', { what: 'set aside', id, why: seal.aside });
      return { kind: 'committed', id };
    } catch (error) {
      if (birth !== null) claims.birthFailed(birth);
      if (inFile && this.#file !== null) void bodies.remove(id, seal.facts);
      this.#forget();
      return this.#refused(error);
    } finally {
      if (taken !== null) ground.landed(taken);
    }
  }

  #record(seal: Seal, inFile: boolean): StoredRecord {
    const { envelope, recipients } = this.#terms;
    return {
      message: {
        id: this.id,
        envelope: seal.envelope ?? envelope,
        recipients: seal.recipients ?? recipients,
        facts: seal.facts,
        trace: seal.trace,
        acceptedAt: this.#rooms.clock.now(),
        attempts: 0,
      },
      due: seal.due,
      held: false,
      inFile,
    };
  }

  /** The first draft under a key is stored, the second finds it. */
  async #storeOnce(record: StoredRecord, pieces: readonly Uint8Array[] | null, place: Place): Promise<MessageId> {
    const { index, claims, finished } = this.#rooms;
    const { id } = this;
    const key = this.#terms.idempotencyKey;
    const content = pieces === null ? null : whole(pieces);
    finished.flush(); // deletions that wait ride along
    if (key === undefined) {
      await index.settled(this.#store(record, content, place));
      return id;
    }
    const first = await index.settled(
      index.keys.ifNoExists(key, () => {
        void index.keys.put(key, Buffer.from(id, 'latin1'));
        void this.#store(record, content, place);
      }),
    );
    if (!first) return (index.keys.getBinary(key)?.toString('latin1') ?? id) as MessageId;
    claims.keyed(key, key.slice(0, MESSAGE_ID_LENGTH) as MessageId);
    return id;
  }

  /** All of it in this turn of the event loop, so all of it in one transaction. */
  #store(record: StoredRecord, content: Uint8Array | null, { birth, aside }: Place): Promise<boolean> {
    const { index, format } = this.#rooms;
    const { id } = record.message;
    void index.messages.put(id, format.format(record));
    if (content === null) void index.files.put(id, nothing);
    else void index.bodies.put(id, content as Buffer);
    if (aside !== undefined) return index.quarantine.put(id, formatAside({ why: aside, judged: true }));
    return birth === null ? index.due.put(dueKey(record.due, id), nothing) : index.leases.put(id, birth.lease, birth.token);
  }

  #contentAtHand(seal: Seal, pieces: readonly Uint8Array[]): StoredContent {
    if (pieces.length > 0 || seal.facts.sizeOctets === 0) return contentInMemory(seal.facts, seal.trace, pieces);
    // Written by us a moment ago, and not checked: a claim that finds it changed reads nothing of it.
    return contentInFile(seal.facts, seal.trace, () => checked(this.#rooms.bodies, this.id, seal));
  }

  async #commitFile(record: StoredRecord): Promise<void> {
    await this.#begin();
    if (this.#failure !== null) throw this.#failure;
    await this.#file!.commit(record.message.facts);
  }

  #begin(): Promise<void> {
    this.#writing ??= this.#spill();
    return this.#writing;
  }

  /** Hands what is buffered to the body file. One write at a time; its failure waits for commit(). */
  async #spill(): Promise<void> {
    try {
      this.#file ??= await this.#rooms.bodies.create(this.id);
      while (this.#chunks.length > 0) {
        const pieces = this.#chunks;
        this.#chunks = [];
        this.#buffered = 0;
        await this.#file.write(pieces);
      }
    } catch (error) {
      this.#failure = error;
      this.#chunks = [];
    } finally {
      this.#writing = null;
    }
  }

  #forget(): void {
    this.#chunks = [];
    const removed = (this.#writing ?? Promise.resolve()).then(() => this.#file?.discard());
    removed.catch((cause: unknown) => this.#rooms.log.error('queue', { what: 'draft could not be removed', id: this.id, cause }));
  }

  #refused(error: unknown): Committed {
    const cause = error instanceof WriteFailure ? error.cause : error;
    const full = error instanceof WriteFailure ? error.kind === 'full' : isDiskFull(error);
    this.#rooms.log.error('queue', { what: full ? 'no room for a message' : 'a message could not be stored', id: this.id, cause });
    return full ? { kind: 'full' } : { kind: 'broken', why: String(cause) };
  }
}

async function* checked(bodies: BodyFiles, id: MessageId, seal: Seal): AsyncGenerator<Uint8Array> {
  const read = await bodies.read(id, seal.facts);
  if (read.kind === 'corrupt') throw new Error(read.why);
  if (read.kind === 'octets') yield read.octets;
  else yield* read.open();
}

function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
