/** The first address of a message's From field, found as simple programs find it (RFC 5322 §3.4, §3.6.2). Pure. */
import type { Address } from '../../core/envelope.ts';
import { domainOf, parseAddress } from '../address.ts';
import { isNamed, parseRawFields, valueOf } from './edit.ts';

const LONGEST = 65_536;

/** Null: no From, or no address in it. */
export function firstAuthor(header: Uint8Array): Address | null {
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength).toString('utf8').replaceAll('\r\n', '\n');
  for (const field of parseRawFields(text)) {
    if (!isNamed(field, 'from')) continue;
    const found = firstAddress(valueOf(field).slice(0, LONGEST));
    if (found !== null) return found;
  }
  return null;
}

/** One pass: strings, comments and names are stepped over; what stands between `<` and `>`, or alone, is an address. */
function firstAddress(value: string): Address | null {
  let depth = 0;
  let word = '';
  for (let at = 0; at <= value.length; at++) {
    const letter = value[at];
    if (depth > 0) {
      if (letter === '\\') at++;
      else if (letter === '(') depth++;
      else if (letter === ')') depth--;
      continue;
    }
    if (letter === '"') {
      const end = endOfString(value, at);
      word += value.slice(at, end);
      at = end - 1;
    } else if (letter === '(') depth = 1;
    else if (letter === '<') {
      const end = value.indexOf('>', at);
      const inside = value.slice(at + 1, end < 0 ? undefined : end).trim();
      // A source route names relays first (RFC 5322 §4.4).
      const address = whole(inside.startsWith('@') ? inside.slice(inside.indexOf(':') + 1) : inside);
      if (address !== null) return address;
      word = '';
      if (end < 0) return null;
      at = end;
    } else if (letter === undefined || letter === ',' || letter === ';') {
      const address = whole(word.trim());
      if (address !== null) return address;
      word = '';
    } else if (letter === ':') word = ''; // a group's name
    else word += letter;
  }
  return null;
}

function whole(text: string): Address | null {
  const address = parseAddress(text);
  return address === null || domainOf(address) === '' ? null : address;
}

function endOfString(value: string, start: number): number {
  for (let at = start + 1; at < value.length; at++) {
    if (value[at] === '\\') at++;
    else if (value[at] === '"') return at + 1;
  }
  return value.length;
}
