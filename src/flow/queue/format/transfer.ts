/**
 * Queued messages as one stream of octets, to be moved to another box: a line of JSON that says what this is, then for
 * each message a line of JSON, its content as it lies in the queue, and an LF; then a line that says how many there were,
 * so that half a file is known to be half. The record inside is the store's own, with its own version and checksum.
 */
import type { QueueEntry } from '../../../core/queue-store.ts';

export const TRANSFER_VERSION = 1;

export interface TransferHead {
  readonly id: string;
  readonly state: Exclude<QueueEntry['state'], 'claimed'>;
  /** Why it is in quarantine, and whether it is there for damage. */
  readonly why?: string;
  readonly judged?: true;
  /** Base64. */
  readonly record: string;
  readonly contentOctets: number;
  /** For people who look into the file. */
  readonly from?: string;
  readonly to?: readonly string[];
}

export interface TransferEnd {
  readonly end: true;
  readonly messages: number;
  /** Being delivered just then, and not among them. */
  readonly claimed: number;
}

const LF = 10;
/** A head names every recipient. */
const LONGEST_LINE = 64 * 1024 * 1024;

export function formatTransferStart(): Buffer {
  return line({ posthorn: 'queue export', version: TRANSFER_VERSION });
}

export function formatTransferHead(head: TransferHead): Buffer {
  return line(head);
}

export function formatTransferEnd(end: TransferEnd): Buffer {
  return line(end);
}

export const transferGap = Buffer.from('\n');

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

export class NotATransfer extends Error {}

export interface TransferReader {
  /** The next head or the end; null when the stream ends where none should. Whatever is left of the content before is skipped. */
  next(): Promise<TransferHead | TransferEnd | null>;
  /** The content of the head read last. Ends early when the stream does. */
  content(): AsyncGenerator<Uint8Array>;
}

/** Rejects with NotATransfer at the first line that is none. */
export async function openTransfer(octets: AsyncIterable<Uint8Array>): Promise<TransferReader> {
  const source = octets[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  let left = 0;

  async function more(): Promise<boolean> {
    const { value, done } = await source.next();
    if (done === true) return false;
    rest = rest.length === 0 ? value : Buffer.concat([rest, value]);
    return true;
  }

  async function readLine(): Promise<unknown> {
    let from = 0;
    for (let end = rest.indexOf(LF); ; end = rest.indexOf(LF, from)) {
      if (end >= 0) {
        const text = Buffer.from(rest.buffer, rest.byteOffset, end).toString();
        rest = rest.subarray(end + 1);
        try {
          return JSON.parse(text) as unknown;
        } catch {
          throw new NotATransfer(`no line of a queue export: ${text.slice(0, 60)}`);
        }
      }
      from = rest.length;
      if (from > LONGEST_LINE) throw new NotATransfer('a line without an end');
      if (!(await more())) return null;
    }
  }

  async function* content(): AsyncGenerator<Uint8Array> {
    while (left > 0) {
      if (rest.length === 0 && !(await more())) return;
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  const first = (await readLine()) as { readonly posthorn?: unknown; readonly version?: unknown } | null;
  if (first?.posthorn !== 'queue export') throw new NotATransfer('this is no queue export');
  if (first.version !== TRANSFER_VERSION) throw new NotATransfer(`a queue export of version ${String(first.version)} is not known here`);
  let before = false;

  return {
    async next() {
      for await (const _ of content()) continue;
      if (left > 0) return null;
      if (before) {
        if (rest.length === 0 && !(await more())) return null;
        rest = rest.subarray(1);
      }
      const found = await readLine();
      if (found === null) return null;
      if (isEnd(found)) return found;
      if (!isHead(found)) throw new NotATransfer('a line that is neither a message nor the end');
      left = found.contentOctets;
      before = true;
      return found;
    },
    content,
  };
}

function isEnd(found: unknown): found is TransferEnd {
  return typeof found === 'object' && found !== null && 'end' in found && 'messages' in found && typeof found.messages === 'number';
}

function isHead(found: unknown): found is TransferHead {
  const head = found as Partial<TransferHead> | null;
  return typeof head === 'object' && head !== null && typeof head.id === 'string' && typeof head.record === 'string'
    && Number.isSafeInteger(head.contentOctets) && (head.contentOctets ?? -1) >= 0
    && (head.state === 'waiting' || head.state === 'held' || head.state === 'quarantined');
}
