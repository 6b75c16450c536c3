/**
 * Addresses and paths (RFC 5321 §4.1.2, RFC 6531 §3.3).
 * Inside the house an address is `local-part@domain` with the domain as domain.ts has it and the local-part as
 * written, except that quotes that were not needed are gone. A local-part may contain `@` only in quotes, so the
 * last `@` always separates. Domain-less addresses (`postmaster`) exist and have the domain ''.
 */
import type { Address, ReversePath } from '../core/envelope.ts';
import { asciiDomain, isAscii, parseDomain } from './domain.ts';

/** RFC 5321 §4.5.3.1.1 has 64; QUIRK: VERP and SRS senders exceed it daily, so only the sum is limited. */
const ADDRESS_OCTETS = 320;
const AT = 0x40;
const DOT_ATOM = /^[^\u0000-\u0020\u007f"(),:;<>@[\\\]]+$/;

export type Path =
  | { readonly kind: 'path'; readonly address: ReversePath; readonly route: readonly string[]; readonly end: number }
  | { readonly kind: 'bad'; readonly why: string };

/**
 * Reads `<…>` at `start`; `end` is the offset behind `>`. The null path is address null.
 * A source route is taken off and given in `route`: RFC 5321 §3.3 lets us ignore it.
 */
export function parsePath(text: string, start: number): Path {
  if (text[start] !== '<') return bad('the address is not in <…>');
  const close = closingBracket(text, start + 1);
  if (close < 0) return bad('the address has no closing >');
  let inner = text.slice(start + 1, close);
  const route: string[] = [];
  if (inner.startsWith('@')) {
    const colon = inner.indexOf(':');
    if (colon < 0) return bad('the source route has no colon');
    for (const hop of inner.slice(0, colon).split(',')) {
      const domain = hop.startsWith('@') ? parseDomain(hop.slice(1)) : null;
      if (domain === null) return bad('the source route is not a list of @domains');
      route.push(domain);
    }
    inner = inner.slice(colon + 1);
    if (inner === '') return bad('the source route leads to no address');
  }
  if (inner === '') return { kind: 'path', address: null, route, end: close + 1 };
  const address = parseAddress(inner);
  if (address === null) return bad('the address is not local-part@domain');
  return { kind: 'path', address, route, end: close + 1 };
}

function closingBracket(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '>') return at;
  }
  return -1;
}

/** The only maker of an Address. */
export function parseAddress(text: string): Address | null {
  if (text.length > ADDRESS_OCTETS || Buffer.byteLength(text) > ADDRESS_OCTETS) return null;
  const at = text.startsWith('"') ? endOfQuoted(text) : text.indexOf('@');
  const raw = at < 0 ? text : text.slice(0, at);
  const local = parseLocalPart(raw);
  if (local === null) return null;
  if (at < 0 || at === text.length) return local as Address;
  if (text[at] !== '@') return null;
  const domain = parseDomain(text.slice(at + 1));
  return domain === null ? null : (`${local}@${domain}` as Address);
}

function endOfQuoted(text: string): number {
  for (let at = 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function parseLocalPart(raw: string): string | null {
  if (!raw.startsWith('"')) return isDotAtom(raw) ? raw : null;
  if (raw.length < 2 || !raw.endsWith('"')) return null;
  let plain = '';
  for (let at = 1; at < raw.length - 1; at++) {
    let char = raw[at] as string;
    if (char === '"') return null;
    if (char === '\\') {
      char = raw[++at] ?? '';
      if (at >= raw.length - 1) return null;
    }
    // qtextSMTP is printable ASCII or UTF-8 (RFC 5321 §4.1.2, RFC 6531 §3.3): no control character, quoted or not.
    if (char < ' ' || char === '\u007f') return null;
    plain += char;
  }
  if (plain === '') return null;
  return isDotAtom(plain) ? plain : `"${plain.replaceAll(/["\\]/g, '\\$&')}"`;
}

function isDotAtom(text: string): boolean {
  return DOT_ATOM.test(text) && !text.startsWith('.') && !text.endsWith('.') && !text.includes('..');
}

function bad(why: string): Path {
  return { kind: 'bad', why };
}

export function localPart(address: Address): string {
  const at = separator(address);
  return at < 0 ? address : address.slice(0, at);
}

/** Lower-case UTF-8; '' when the address has none. */
export function domainOf(address: Address): string {
  const at = separator(address);
  return at < 0 ? '' : address.slice(at + 1);
}

/** By hand, since a look from the end leaves compiled code for each address, a dozen times for a message. */
function separator(address: Address): number {
  let at = address.length - 1;
  while (at >= 0 && address.charCodeAt(at) !== AT) at--;
  // `"a@b"` without a domain: the @ is inside the quotes.
  return at >= 0 && address.startsWith('"') && at < address.lastIndexOf('"') ? -1 : at;
}

/** Local-part without quotes and escapes: what a mailbox is called. */
export function unquotedLocalPart(address: Address): string {
  const local = localPart(address);
  return local.startsWith('"') ? local.slice(1, -1).replaceAll(/\\(.)/g, '$1') : local;
}

/** Needs SMTPUTF8 whatever is done to the domain (RFC 6531 §3.5). */
export function needsSmtputf8(address: Address): boolean {
  return !isAscii(localPart(address));
}

/** `<…>` for MAIL and RCPT. With `ascii`, the domain in A-labels; null when it cannot be written so. */
export function formatPath(address: ReversePath, ascii: boolean): string | null {
  if (address === null) return '<>';
  if (!ascii) return `<${address}>`;
  if (isAscii(address)) return `<${address}>`;
  const domain = asciiDomain(domainOf(address));
  if (domain === null || needsSmtputf8(address)) return null;
  return `<${localPart(address)}@${domain}>`;
}
