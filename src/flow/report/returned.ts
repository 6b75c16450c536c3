/** The part that returns the message, or its header: read only as far as it is sent. */
import type { StoredContent } from '../../core/queue-store.ts';

type Octets = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

export interface Returned {
  /** From the start each time. */
  read(): Octets;
  readonly whole: boolean;
  readonly has8bit: boolean;
  readonly header8bit: boolean;
}

/** RFC 5322 §2.1.1. */
const LINE_LONGEST = 998;

export function returnWhole(content: StoredContent, trace: Uint8Array): Returned {
  const trace8bit = has8bit(trace);
  return { read: () => content.read(), whole: true, has8bit: content.facts.has8bit || trace8bit, header8bit: content.facts.header8bit || trace8bit };
}

/** The header in whole lines, no more than `limitOctets` of it, and nothing in it that could not be sent as text. */
export async function returnHeader(content: StoredContent, traceOctets: number, limitOctets: number): Promise<Returned> {
  const wanted = Math.min(traceOctets + content.facts.headerEnd, limitOctets);
  const pieces: Uint8Array[] = [];
  let octets = 0;
  for await (const piece of content.read()) {
    const part = piece.subarray(0, wanted - octets);
    pieces.push(part);
    octets += part.length;
    if (octets >= wanted) break;
  }
  const lines = Buffer.concat(pieces).toString('latin1').replaceAll('\0', '').replaceAll(/\r(?!\n)/g, ' ').split(/\r?\n/);
  // The last is empty when the header is whole, and half a line when it was cut.
  lines.pop();
  while (lines.length > 0 && lines.at(-1) === '') lines.pop();
  const text = lines.map(line => `${line.slice(0, LINE_LONGEST)}\r\n`).join('');
  const header = Buffer.from(text, 'latin1');
  const high = has8bit(header);
  return { read: () => [header], whole: false, has8bit: high, header8bit: high };
}

/** Whether `token` occurs anywhere: a boundary must not (RFC 2046 §5.1.1). */
export async function occursIn(octets: Octets, token: string): Promise<boolean> {
  let tail = '';
  for await (const piece of octets) {
    const text = tail + Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1');
    if (text.includes(token)) return true;
    tail = text.slice(-(token.length - 1));
  }
  return false;
}

export function has8bit(octets: Uint8Array): boolean {
  for (const octet of octets) if (octet > 127) return true;
  return false;
}
