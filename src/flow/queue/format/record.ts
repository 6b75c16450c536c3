/**
 * The stored record, version 2. Its first octet is the version; its last eight are XXH3-64 over all before them,
 * so that a flipped bit is noticed before anyone believes an envelope. Between them, in order:
 *
 *   flags (1), due and acceptedAt (float64 ms), attempts, id, content facts with digest, trace octets, envelope with
 *   origin, recipients, and the optional fields that the flags name.
 *
 * Numbers are written by octets.ts (`whole`), texts as their UTF-8 length and octets. Version 1 had no past outcomes and
 * is read for ever. Any other version is not guessed at: it is damaged until someone reads it.
 */
import type { Instant } from '../../../core/clock.ts';
import type { ContentFacts } from '../../../core/content.ts';
import type { MessageId } from '../../../core/envelope.ts';
import type { Kernels } from '../../../core/kernels.ts';
import type { RecipientState, StoredMessage } from '../../../core/queue-store.ts';
import type { PendingOrder, StoredRecord } from '../message-changes.ts';
import { readEnvelope, writeEnvelope } from './envelope.ts';
import { OctetReader, OctetWriter } from './octets.ts';
import { readRecipient, writeRecipient } from './recipient.ts';

export const RECORD_VERSION = 2;
const READ_VERSIONS: readonly (number | undefined)[] = [1, RECORD_VERSION];
const CHECKSUM_OCTETS = 8;
const DIGEST_OCTETS = 16;
/** Version, flags and two times. */
const BEFORE_ATTEMPTS = 18;

const held = 1;
const inFile = 2;
const wasTried = 4;
const wasWarned = 8;
const wasCancelled = 16;

export interface RecordFormat {
  format(record: StoredRecord): Buffer;
  /** A record that is not what was written, not that message's, or of a version that is not ours, is a reason in words. */
  parse(octets: Buffer, id: string): StoredRecord | string;
  /** The id that a record says it has, right or not. */
  idIn(octets: Buffer): string | null;
  formatOrder(order: PendingOrder): Buffer;
  /** Null: damaged. */
  parseOrder(octets: Buffer): PendingOrder | null;
}

export function createRecordFormat(kernels: Kernels): RecordFormat {
  const writer = new OctetWriter();
  const checksum = Buffer.alloc(CHECKSUM_OCTETS);

  return {
    format(record) {
      writer.clear();
      writeRecord(writer, record);
      checksum.writeBigUInt64BE(kernels.hash(writer.view(), 0n));
      writer.fixed(checksum);
      return writer.copy();
    },
    parse(octets, id) {
      const version = octets[0];
      if (!READ_VERSIONS.includes(version)) return `record version ${String(version)} is not known here`;
      const end = octets.length - CHECKSUM_OCTETS;
      if (end < 1) return 'record too short';
      const body = octets.subarray(0, end);
      if (octets.readBigUInt64BE(end) !== kernels.hash(body, 0n)) return 'record checksum does not match';
      try {
        const record = readRecord(new OctetReader(body));
        return record.message.id === id ? record : `record of ${record.message.id}`;
      } catch (error) {
        return `record cannot be read: ${String(error)}`;
      }
    },
    idIn(octets) {
      try {
        const reader = new OctetReader(octets);
        reader.fixed(BEFORE_ATTEMPTS);
        reader.whole();
        return reader.text();
      } catch {
        return null;
      }
    },
    formatOrder(order) {
      writer.clear();
      writer.octet((order.flush ? 1 : 0) | (order.hold ? 2 : 0) | (order.cancel === undefined ? 0 : 4));
      if (order.cancel !== undefined) writeCancel(writer, order.cancel);
      return writer.copy();
    },
    parseOrder(octets) {
      try {
        const reader = new OctetReader(octets);
        const flags = reader.octet();
        return { flush: (flags & 1) !== 0, hold: (flags & 2) !== 0, ...((flags & 4) !== 0 ? { cancel: readCancel(reader) } : {}) };
      } catch {
        return null;
      }
    },
  };
}

function writeRecord(w: OctetWriter, record: StoredRecord): void {
  const { message } = record;
  w.octet(RECORD_VERSION);
  w.octet(
    (record.held ? held : 0) |
      (record.inFile ? inFile : 0) |
      (message.lastAttemptAt === undefined ? 0 : wasTried) |
      (message.warnedAt === undefined ? 0 : wasWarned) |
      (message.cancelled === undefined ? 0 : wasCancelled),
  );
  w.float(record.due);
  w.float(message.acceptedAt);
  w.whole(message.attempts);
  w.text(message.id);
  writeFacts(w, message.facts);
  w.octets(message.trace);
  writeEnvelope(w, message.envelope);
  w.whole(message.recipients.length);
  for (const recipient of message.recipients) writeRecipient(w, recipient);
  if (message.lastAttemptAt !== undefined) w.float(message.lastAttemptAt);
  if (message.warnedAt !== undefined) w.float(message.warnedAt);
  if (message.cancelled !== undefined) writeCancel(w, message.cancelled);
}

function readRecord(r: OctetReader): StoredRecord {
  r.octet(); // version, known to be ours
  const flags = r.octet();
  const due = r.float() as Instant;
  const acceptedAt = r.float() as Instant;
  const attempts = r.whole();
  const id = r.text() as MessageId;
  const facts = readFacts(r);
  const trace = r.octets();
  const envelope = readEnvelope(r);
  const recipients: RecipientState[] = [];
  for (let left = r.whole(); left > 0; left--) recipients.push(readRecipient(r));
  const message: StoredMessage = {
    id,
    envelope,
    recipients,
    facts,
    trace,
    acceptedAt,
    attempts,
    ...((flags & wasTried) !== 0 ? { lastAttemptAt: r.float() as Instant } : {}),
    ...((flags & wasWarned) !== 0 ? { warnedAt: r.float() as Instant } : {}),
    ...((flags & wasCancelled) !== 0 ? { cancelled: readCancel(r) } : {}),
  };
  if (r.left > 0) throw new RangeError('octets left over');
  return { message, due, held: (flags & held) !== 0, inFile: (flags & inFile) !== 0 };
}

function writeCancel(w: OctetWriter, cancel: { readonly reason: string; readonly at: Instant }): void {
  w.float(cancel.at);
  w.text(cancel.reason);
}

function readCancel(r: OctetReader): { readonly reason: string; readonly at: Instant } {
  const at = r.float() as Instant;
  return { reason: r.text(), at };
}

function writeFacts(w: OctetWriter, facts: ContentFacts): void {
  if (facts.digest.length !== DIGEST_OCTETS) throw new Error(`a digest has ${DIGEST_OCTETS} octets, not ${facts.digest.length}`);
  w.octet((facts.has8bit ? 1 : 0) | (facts.hasNul ? 2 : 0) | (facts.header8bit ? 4 : 0));
  w.whole(facts.sizeOctets);
  w.whole(facts.bareCr);
  w.whole(facts.bareLf);
  w.whole(facts.longestLine);
  w.whole(facts.headerEnd);
  w.fixed(facts.digest);
}

function readFacts(r: OctetReader): ContentFacts {
  const flags = r.octet();
  return {
    has8bit: (flags & 1) !== 0,
    hasNul: (flags & 2) !== 0,
    header8bit: (flags & 4) !== 0,
    sizeOctets: r.whole(),
    bareCr: r.whole(),
    bareLf: r.whole(),
    longestLine: r.whole(),
    headerEnd: r.whole(),
    digest: r.fixed(DIGEST_OCTETS),
  };
}
