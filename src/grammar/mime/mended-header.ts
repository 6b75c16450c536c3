/**
 * The header of a message as a device's firmware writes it, made one that can be sent on: ASCII (RFC 5322 §2.2, RFC 2047),
 * a From, a Content-Type for letters beyond ASCII (RFC 2045 §5.2). What needs no change keeps its octets.
 */
import type { Address } from '../../core/envelope.ts';
import { domainOf, parseAddress } from '../address.ts';
import { isAscii } from '../domain.ts';
import { encodeWords } from './encoded-word.ts';
import type { HeaderField } from './field.ts';
import { decodeCharset, readNames } from './words.ts';

export interface HeaderWishes {
  /** What From becomes where it is missing or to be replaced; null: it is left alone. */
  readonly from: Address | null;
  readonly replaceFrom: boolean;
  /** Of octets above 127 where they are no UTF-8. */
  readonly charset: string;
  /** Null: the body is ASCII, or says itself what it is. */
  readonly bodyCharset: string | null;
  readonly subject: string;
}

const FAMILIAR = new Set(['from', 'to', 'cc', 'subject', 'date', 'message-id', 'mime-version', 'content-type', 'received', 'sender', 'reply-to', 'return-path']);
const ADDRESSES = new Set(['from', 'to', 'cc', 'bcc', 'sender', 'reply-to', 'resent-from', 'resent-to', 'resent-cc', 'disposition-notification-to']);
/** Before it no device's clock can have stood. */
const FIRST_YEAR = 2020;

/** Fields may lack altogether: a UPS sends a line of text. Lines that no header knows are then the message. */
export function hasHeader(fields: readonly HeaderField[]): boolean {
  return fields.some(({ name }) => FAMILIAR.has(name) || name.startsWith('x-'));
}

export function describesBody(fields: readonly HeaderField[]): boolean {
  return fields.some(({ name }) => name === 'content-type');
}

/** `header` without the empty line; null: nothing has to change. */
export function mendHeader(header: Buffer, fields: readonly HeaderField[], wishes: HeaderWishes): Buffer | null {
  const pieces: Buffer[] = [];
  const added = addedFields(fields, wishes);
  let at = 0;
  for (const field of fields) {
    const text = mendField(field, header, wishes);
    if (text === null) continue;
    pieces.push(header.subarray(at, field.start), Buffer.from(text));
    at = field.end;
  }
  if (at === 0 && added === '') return null;
  const rest = header.subarray(at);
  const open = rest.length > 0 && rest.at(-1) !== 0x0a;
  return Buffer.concat([...pieces, rest, Buffer.from(`${open ? '\r\n' : ''}${added}`)]);
}

function addedFields(fields: readonly HeaderField[], { from, replaceFrom, bodyCharset, subject }: HeaderWishes): string {
  const has = (name: string): boolean => fields.some((field) => field.name === name);
  let text = '';
  if (from !== null && !has('from')) text += `From: <${from}>\r\n`;
  const person = from !== null && replaceFrom && !has('reply-to') ? personIn(fields, from) : null;
  if (person !== null) text += `Reply-To: <${person}>\r\n`;
  if (!hasHeader(fields)) text += `Subject: ${encodeWords(subject)}\r\n`;
  if (bodyCharset !== null) {
    if (!has('mime-version')) text += 'MIME-Version: 1.0\r\n';
    text += `Content-Type: text/plain; charset=${bodyCharset}\r\nContent-Transfer-Encoding: 8bit\r\n`;
  }
  return text;
}

/** Who is to be answered though From no longer says so: somebody at the panel gave an address that can be written to. */
function personIn(fields: readonly HeaderField[], from: Address): Address | null {
  const value = fields.find(({ name }) => name === 'from')?.value ?? '';
  const address = parseAddress(/<([^<>]*)>$/.exec(value)?.[1]?.trim() ?? value);
  if (address === null || address === from || !isAscii(address)) return null;
  const domain = domainOf(address);
  return domain.includes('.') && !domain.startsWith('[') && !NOWHERE.test(domain) ? address : null;
}

/** Names that mean nothing beyond the office. */
const NOWHERE = /\.(?:local|localdomain|lan|home|internal|invalid|example|test|arpa)$/;

/** Null: as it is. An empty text takes the field out. */
function mendField(field: HeaderField, header: Buffer, { from, replaceFrom, charset, bodyCharset }: HeaderWishes): string | null {
  const { name, start, end } = field;
  if (from !== null && replaceFrom && name === 'from') return `From: ${displayName(field.value, charset)}<${from}>\r\n`;
  if (from !== null && replaceFrom && name === 'sender') return '';
  // A printer without a battery is born in 1970 each morning: the time of receipt says more.
  if (name === 'date' && isBeforeAllClocks(field.value)) return '';
  if (name === 'content-transfer-encoding' && bodyCharset !== null) return '';
  if (isAscii(header.toString('latin1', start, end))) return null;
  return `${header.toString('latin1', start, start + name.length)}: ${asciiValue(name, decoded(field.value, charset))}\r\n`;
}

function isBeforeAllClocks(value: string): boolean {
  const year = /\b(?:19|20)\d\d\b/.exec(value)?.[0];
  return year !== undefined && Number(year) < FIRST_YEAR;
}

function decoded(latin1: string, charset: string): string {
  const octets = Buffer.from(latin1, 'latin1');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    return decodeCharset(octets, charset);
  }
}

function asciiValue(name: string, value: string): string {
  const clean = value.replaceAll(/\p{Cc}+/gu, ' ');
  if (ADDRESSES.has(name)) return withoutLetters(clean.replaceAll(PHRASE, (whole, before: string, phrase: string) => (isAscii(phrase) ? whole : `${before} ${encodeWords(unquoted(phrase.trim()))} `)).trim());
  // A parameter has its own way to write letters (RFC 2231 §4).
  if (name.startsWith('content-')) return withoutLetters(clean.replaceAll(/(?<![\w-])([\w-]+)="([^"]*)"/g, (whole, key: string, text: string) => (isAscii(text) ? whole : `${key}*=utf-8''${percent(text)}`)));
  return name === 'subject' || name === 'comments' || name === 'organization' || name.startsWith('x-') ? encodeWords(clean) : withoutLetters(clean);
}

/** The words before an address in angle brackets. */
const PHRASE = /(^|[,;:])([^,;:<>"]+|\s*"(?:[^"\\]|\\.)*"\s*)(?=<)/g;

function withoutLetters(text: string): string {
  return text.replaceAll(/[^\u0000-\u007f]/g, '?');
}

function percent(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(/['()*!]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function unquoted(phrase: string): string {
  return /^"(.*)"$/s.exec(phrase)?.[1]?.replaceAll(/\\(.)/gs, '$1') ?? phrase;
}

function displayName(value: string, charset: string): string {
  const name = readNames(isAscii(value) ? value : asciiValue('from', decoded(value, charset)))[0] ?? '';
  if (name === '' || name.includes('@')) return '';
  return `${isAscii(name) ? `"${name.replaceAll(/["\\]/g, '\\$&')}"` : encodeWords(name)} `;
}
