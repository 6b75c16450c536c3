/**
 * The journal's octets, version 1. A segment is a file of fixed size. It begins with its header, twice, a block of 4096
 * octets each: magic, version, the number that it has drawn for this use, XXH3-64 over all before. Entries follow:
 *
 *   head (32): magic, kind, number of the use, number of the batch, octets of the record and of the content
 *   record | XXH3-64 over head and record | content | up to the next multiple of 64
 *
 * The record of a message is what the index would have (format/record.ts), and has the content's digest. An entry of
 * kind `gone` has ids for a record: messages that are finished, or in the index.
 *
 * A segment is used again and again without being emptied. What an earlier use left has another number, drawn by chance,
 * so that no content can pretend to be an entry. After damage the next entry is searched for, step by step.
 */
import type { MessageId } from '../../../core/envelope.ts';
import type { Kernels } from '../../../core/kernels.ts';
import { isMessageId, MESSAGE_ID_LENGTH } from '../message-id.ts';

export const NUMBER_OCTETS = 8;
const HEADER_MAGIC = Buffer.from('PHJOURNAL1'); // its last octet is the version
const HEADER_COPY_OCTETS = 4096;
/** Where entries begin. */
export const HEADER_OCTETS = 2 * HEADER_COPY_OCTETS;
const ENTRY_MAGIC = 0x5048_4a45; // PHJE
const HEAD_OCTETS = 32;
const CHECKSUM_OCTETS = 8;
const STEP_OCTETS = 64;
const kindMessage = 1;
const kindGone = 2;

export interface JournalMessage {
  readonly record: Buffer;
  readonly content: Buffer;
  readonly batch: number;
}

export interface Segment {
  /** What its entries must have; null: it was never used. `unreadable`: both copies are damaged, or of another version. */
  readonly number: Buffer | 'unreadable' | null;
  readonly messages: readonly JournalMessage[];
  readonly gone: readonly MessageId[];
  /** The last batch that has an entry here. It alone may have been cut short. */
  readonly lastBatch: number;
  /** Batches of entries that stand behind octets which are none: something before them is damaged, or was never finished. */
  readonly behindHoles: readonly number[];
}

export interface JournalFormat {
  header(number: Buffer): Buffer;
  /** What stands before the content. */
  message(number: Buffer, batch: number, record: Uint8Array, contentOctets: number): Buffer;
  gone(number: Buffer, batch: number, ids: readonly MessageId[]): Buffer;
  read(segment: Buffer): Segment;
}

/** On the disk, with what fills it up. */
export function entryOctets(recordOctets: number, contentOctets: number): number {
  return roundUp(HEAD_OCTETS + recordOctets + CHECKSUM_OCTETS + contentOctets);
}

export function goneOctets(ids: number): number {
  return entryOctets(ids * MESSAGE_ID_LENGTH, 0);
}

function roundUp(octets: number): number {
  return Math.ceil(octets / STEP_OCTETS) * STEP_OCTETS;
}

export function createJournalFormat(kernels: Pick<Kernels, 'hash'>): JournalFormat {
  function entry(kind: number, number: Buffer, batch: number, record: Uint8Array, contentOctets: number): Buffer {
    const end = HEAD_OCTETS + record.length;
    const octets = Buffer.allocUnsafe(end + CHECKSUM_OCTETS);
    octets.writeUInt32BE(ENTRY_MAGIC, 0);
    octets.writeUInt32BE(kind, 4);
    number.copy(octets, 8);
    octets.writeUInt32BE(batch, 16);
    octets.writeUInt32BE(record.length, 20);
    octets.writeUInt32BE(contentOctets, 24);
    octets.writeUInt32BE(0, 28);
    octets.set(record, HEAD_OCTETS);
    octets.writeBigUInt64BE(kernels.hash(octets.subarray(0, end), 0n), end);
    return octets;
  }

  function headerAt(segment: Buffer, at: number): Buffer | null {
    const end = at + HEADER_MAGIC.length + NUMBER_OCTETS;
    if (segment.length < end + CHECKSUM_OCTETS || !segment.subarray(at, at + HEADER_MAGIC.length).equals(HEADER_MAGIC)) return null;
    return segment.readBigUInt64BE(end) === kernels.hash(segment.subarray(at, end), 0n) ? segment.subarray(at + HEADER_MAGIC.length, end) : null;
  }

  interface Found {
    readonly kind: number;
    readonly batch: number;
    readonly record: Buffer;
    readonly content: Buffer;
    readonly end: number;
  }

  function entryAt(segment: Buffer, at: number, number: Buffer): Found | null {
    if (at + HEAD_OCTETS + CHECKSUM_OCTETS > segment.length || segment.readUInt32BE(at) !== ENTRY_MAGIC || number.compare(segment, at + 8, at + 8 + NUMBER_OCTETS) !== 0) return null;
    const recordEnd = at + HEAD_OCTETS + segment.readUInt32BE(at + 20);
    const contentOctets = segment.readUInt32BE(at + 24);
    if (recordEnd + CHECKSUM_OCTETS + contentOctets > segment.length) return null;
    if (segment.readBigUInt64BE(recordEnd) !== kernels.hash(segment.subarray(at, recordEnd), 0n)) return null;
    const content = recordEnd + CHECKSUM_OCTETS;
    return {
      kind: segment.readUInt32BE(at + 4),
      batch: segment.readUInt32BE(at + 16),
      record: segment.subarray(at + HEAD_OCTETS, recordEnd),
      content: segment.subarray(content, content + contentOctets),
      end: roundUp(content + contentOctets),
    };
  }

  return {
    header(number) {
      const octets = Buffer.alloc(HEADER_OCTETS);
      HEADER_MAGIC.copy(octets);
      number.copy(octets, HEADER_MAGIC.length);
      const end = HEADER_MAGIC.length + NUMBER_OCTETS;
      octets.writeBigUInt64BE(kernels.hash(octets.subarray(0, end), 0n), end);
      octets.copy(octets, HEADER_COPY_OCTETS, 0, end + CHECKSUM_OCTETS);
      return octets;
    },
    message: (number, batch, record, contentOctets) => entry(kindMessage, number, batch, record, contentOctets),
    gone: (number, batch, ids) => entry(kindGone, number, batch, Buffer.from(ids.join(''), 'latin1'), 0),
    read(segment) {
      const number = headerAt(segment, 0) ?? headerAt(segment, HEADER_COPY_OCTETS) ?? (segment.subarray(0, HEADER_OCTETS).some((octet) => octet !== 0) ? 'unreadable' : null);
      const messages: JournalMessage[] = [];
      const gone: MessageId[] = [];
      let lastBatch = 0;
      const behindHoles: number[] = [];
      if (number === null || number === 'unreadable') return { number, messages, gone, lastBatch, behindHoles };
      let missed = false;
      for (let at = HEADER_OCTETS; at < segment.length;) {
        const found = entryAt(segment, at, number);
        if (found === null) {
          missed = true;
          at += STEP_OCTETS;
          continue;
        }
        if (missed) behindHoles.push(found.batch);
        missed = false;
        if (found.kind === kindMessage) messages.push(found);
        else if (found.kind === kindGone) gone.push(...idsIn(found.record));
        lastBatch = Math.max(lastBatch, found.batch);
        at = found.end;
      }
      return { number, messages, gone, lastBatch, behindHoles };
    },
  };
}

function idsIn(record: Buffer): MessageId[] {
  const ids: MessageId[] = [];
  for (let at = 0; at + MESSAGE_ID_LENGTH <= record.length; at += MESSAGE_ID_LENGTH) {
    const id = record.toString('latin1', at, at + MESSAGE_ID_LENGTH);
    if (isMessageId(id)) ids.push(id);
  }
  return ids;
}
