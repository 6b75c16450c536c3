/** The kernels again, slow and obvious: one octet after the other, whole input in one piece. The oracle. */
import type { ContentFacts } from '../../src/core/content.ts';
import { slowXxh128 } from './slow-xxh3.ts';

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1');
const octetsOf = (text: string): Buffer => Buffer.from(text, 'latin1');

export function slowFacts(octets: Uint8Array): ContentFacts {
  const text = latin1(octets);
  const atHeaderEnd = text.startsWith('\r\n') ? 2 : text.indexOf('\r\n\r\n') + 4;
  const headerEnd = atHeaderEnd === 3 ? text.length : atHeaderEnd;
  return {
    sizeOctets: octets.length,
    has8bit: octets.some((octet) => octet > 127),
    hasNul: octets.includes(0),
    bareCr: text.match(/\r(?!\n)/g)?.length ?? 0,
    bareLf: text.match(/(?<!\r)\n/g)?.length ?? 0,
    longestLine: Math.max(...text.split('\r\n').map((line) => line.length)),
    headerEnd,
    header8bit: octets.subarray(0, headerEnd).some((octet) => octet > 127),
    digest: slowXxh128(octets),
  };
}

/** `content` is null while the data has no end. */
export function slowReceive(wire: Uint8Array): { content: Buffer; ended: boolean; position: number } {
  const text = `\r\n${latin1(wire)}`;
  const end = text.indexOf('\r\n.\r\n');
  const stuffed = end < 0 ? text : text.slice(0, end + 2);
  return {
    content: octetsOf(stuffed.replaceAll('\r\n.', '\r\n').slice(2)),
    ended: end >= 0,
    position: end < 0 ? wire.length : end + 3,
  };
}

export function slowStuff(content: Uint8Array): Buffer {
  const text = `\r\n${latin1(content)}`;
  const stuffed = text.replaceAll('\r\n.', '\r\n..');
  return octetsOf(`${stuffed}${stuffed.endsWith('\r\n') ? '' : '\r\n'}.\r\n`.slice(2));
}
