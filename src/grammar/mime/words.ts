/** Header text for people: encoded words (RFC 2047 §6) read, and the names behind addresses. */
import type { HeaderField } from './field.ts';

const WORD = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([QB])\?([^?\s]*)\?=/gi;
const BETWEEN = /(=\?[^?\s]+\?[QB]\?[^?\s]*\?=)\s+(?==\?[^?\s]+\?[QB]\?[^?\s]*\?=)/gi;

/** Octets above 127 come as Latin-1; they are UTF-8 (RFC 6532 §3.2) where they can be. */
export function decodeText(value: string): string {
  const raw = readable(value);
  // Blanks between two encoded words are no text (RFC 2047 §6.2), and a character may be cut by the border.
  const joined = raw.replaceAll(BETWEEN, '$1');
  let pending: { charset: string; octets: Buffer[] } | null = null;
  let out = '';
  let at = 0;
  const flush = (): void => {
    if (pending !== null) out += decodeCharset(Buffer.concat(pending.octets), pending.charset);
    pending = null;
  };
  for (const found of joined.matchAll(WORD)) {
    const [whole, charset = '', how = '', text = ''] = found;
    if (found.index > at) {
      flush();
      out += joined.slice(at, found.index);
    }
    at = found.index + whole.length;
    const octets = how.toUpperCase() === 'B' ? Buffer.from(text, 'base64') : quoted(text);
    if (pending !== null && pending.charset !== charset.toLowerCase()) flush();
    pending ??= { charset: charset.toLowerCase(), octets: [] };
    pending.octets.push(octets);
  }
  flush();
  return (out + joined.slice(at)).replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').replaceAll(/(\p{M}{8})\p{M}+/gu, '$1');
}

function quoted(text: string): Buffer {
  return Buffer.from(text.replaceAll('_', ' ').replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1');
}

function readable(latin1: string): string {
  if (!/[\u0080-\u00ff]/.test(latin1) || /[^\u0000-\u00ff]/.test(latin1)) return latin1;
  return decodeCharset(Buffer.from(latin1, 'latin1'), 'utf-8');
}

const UNICODE = /^(?:|(?:us-)?ascii|utf-?8)$/i;
const WINDOWS = new TextDecoder('windows-1252');

/** A charset that nobody knows, or octets that are not of it, are read as UTF-8, or as Windows has it: never an error. */
export function decodeCharset(octets: Uint8Array, charset: string): string {
  if (!UNICODE.test(charset)) {
    try {
      return new TextDecoder(charset, { fatal: true }).decode(octets);
    } catch {
      // Nobody's charset, or not its octets.
    }
  }
  // A header of a thousand such fields must not cost a thousand decoders and exceptions.
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('utf8');
  return Buffer.from(text).equals(octets) ? text.replace(/^\ufeff/, '') : WINDOWS.decode(octets);
}

/** Display names, or addresses where there is none, of an address field's value (RFC 5322 §3.4). */
export function readNames(value: string): readonly string[] {
  return splitMailboxes(value).map(nameOf).filter(name => name !== '');
}

function splitMailboxes(value: string): readonly string[] {
  const pieces: string[] = [];
  let piece = '';
  let quote = false;
  let depth = 0;
  let angle = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at] as string;
    if (character === '\\' && (quote || depth > 0)) {
      piece += character + (value[++at] ?? '');
      continue;
    }
    if (quote) quote = character !== '"';
    else if (depth > 0) depth += character === '(' ? 1 : character === ')' ? -1 : 0;
    else if (character === '"') quote = true;
    else if (character === '(') depth = 1;
    else if (character === '<') angle = true;
    else if (character === '>') angle = false;
    else if (!angle && (character === ',' || character === ';')) {
      pieces.push(piece);
      piece = '';
      continue;
    } else if (!angle && character === ':' && /^[^"@]*$/.test(piece)) {
      piece = ''; // a group's name
      continue;
    }
    piece += character;
  }
  return [...pieces, piece];
}

function nameOf(mailbox: string): string {
  const open = mailbox.lastIndexOf('<');
  if (open >= 0) {
    const name = decodeText(unquoted(mailbox.slice(0, open))).trim();
    return name === '' ? decodeText(mailbox.slice(open + 1).replace(/>.*$/s, '')).trim() : name;
  }
  // QUIRK: `address (Name)` is how names were once written, and programs of that age still do.
  const comment = /^([^()]*)\(((?:[^()\\]|\\.)*)\)\s*$/s.exec(mailbox);
  const named = comment === null ? '' : decodeText((comment[2] as string).replaceAll(/\\(.)/gs, '$1')).trim();
  return named === '' ? decodeText(comment?.[1] ?? mailbox).trim() : named;
}

function unquoted(phrase: string): string {
  return phrase.replaceAll(/"((?:[^"\\]|\\.)*)"/gs, (_, inner: string) => inner.replaceAll(/\\(.)/gs, '$1'));
}

export function fieldText(fields: readonly HeaderField[], name: string): string {
  return fields.find(field => field.name === name)?.value ?? '';
}
