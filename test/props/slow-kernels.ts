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

/** RFC 2045 §6.7, one unit after the other. */
export function slowQuotedPrintable(octets: Uint8Array, as: 'text' | 'binary' = 'text'): Buffer {
  const text = latin1(octets);
  const breakAt = (at: number): boolean => as === 'text' && text.startsWith('\r\n', at);
  let out = '';
  let column = 0;
  for (let at = 0; at < text.length; at++) {
    if (breakAt(at)) {
      out += '\r\n';
      column = 0;
      at++;
      continue;
    }
    const octet = text[at]!;
    const hard = breakAt(at + 1) || at + 1 === text.length;
    const escape = `=${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
    let unit = /[!-<>-~]/.test(octet) || (/[ \t]/.test(octet) && !hard) ? octet : escape;
    if (column + unit.length > (hard ? 76 : 75)) {
      out += '=\r\n';
      column = 0;
    }
    if (column === 0 && (octet === '.' || text.startsWith('From ', at))) unit = escape;
    out += unit;
    column += unit.length;
  }
  return octetsOf(out);
}

/** Runs of blanks over 998 are kept wherever they stand, so that a decoder has to hold back no more than that. */
export function slowQuotedPrintableDecode(octets: Uint8Array): { octets: Buffer; faults: number } {
  const text = latin1(octets);
  let faults = 0;
  let out = '';
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at, at + 1100);
    const hex = /^=([0-9A-Fa-f]{2})/.exec(rest)?.[1];
    const soft = /^=[ \t]{0,997}(?:\r?\n|$)/.exec(rest)?.[0];
    const blanks = /^[ \t]+/.exec(text.slice(at))?.[0] ?? '';
    if (hex !== undefined) {
      out += String.fromCharCode(Number.parseInt(hex, 16));
      at += 3;
    } else if (soft !== undefined) at += soft.length;
    else if (blanks !== '') {
      at += blanks.length;
      if (blanks.length > 998 || !/^(?:\r?\n|$)/.test(text.slice(at, at + 2))) out += blanks;
    } else {
      if (text[at] === '=') faults++;
      out += text[at++]!;
    }
  }
  return { octets: octetsOf(out), faults };
}

export function slowBase64(octets: Uint8Array): Buffer {
  return octetsOf(Buffer.from(octets).toString('base64').replaceAll(/.{76}(?=.)/g, '$&\r\n'));
}

export function slowBase64Decode(octets: Uint8Array): { octets: Buffer; faults: number } {
  const text = latin1(octets).replaceAll(/[ \t\r\n]/g, '');
  const junk = text.replaceAll(/[A-Za-z0-9+/=]/g, '').length;
  const characters = text.replaceAll(/[^A-Za-z0-9+/=]/g, '');
  const pad = characters.indexOf('=');
  const used = pad < 0 ? characters : characters.slice(0, pad);
  const behind = pad < 0 ? 0 : characters.slice(pad).replaceAll('=', '').length;
  return { octets: Buffer.from(used, 'base64'), faults: junk + behind };
}

export function slowNormalise(octets: Uint8Array): Buffer {
  return octetsOf(latin1(octets).replaceAll(/\r\n|\r|\n/g, '\r\n'));
}

export function slowEscapes(octets: Uint8Array): number {
  return latin1(octets).replaceAll(/[\t\r\n !-<>-~]/g, '').length;
}
