/**
 * Domains (RFC 5321 §4.1.2, RFC 5890). Inside the house a domain is lower-case UTF-8, without a trailing dot;
 * A-labels appear on wires that need them. Pure: node:url's IDNA functions keep no state and do no I/O.
 */
import { domainToASCII, domainToUnicode } from 'node:url';

const DOMAIN_OCTETS = 255; // RFC 5321 §4.5.3.1.2
const LABEL_OCTETS = 63; // RFC 1035 §2.3.4
const PLAIN = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/** The house's form of a domain name or address literal, or null when it is neither. */
export function parseDomain(text: string): string | null {
  if (text.startsWith('[')) return parseLiteral(text);
  const lower = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (lower === '' || lower.length > DOMAIN_OCTETS) return null;
  if (PLAIN.test(lower) && !lower.includes('xn--')) return labelsFit(lower) ? lower : null;
  return parseInternational(lower);
}

function parseInternational(lower: string): string | null {
  // Blanks, '%' and the like are the URL parser's to decode, not ours to accept.
  if (/[\u0000-\u002c\u002f\u003a-\u0060\u007b-\u007f]/.test(lower.replaceAll('_', ''))) return null;
  const ascii = domainToASCII(lower);
  if (ascii === '' || !PLAIN.test(ascii) || !labelsFit(ascii)) return null;
  const unicode = domainToUnicode(ascii);
  // An A-label that is none stays as it is among labels that were read: a domain that nothing leads back from.
  return unicode !== '' && domainToASCII(unicode) === ascii ? unicode : null;
}

function labelsFit(ascii: string): boolean {
  let from = 0;
  for (let dot = ascii.indexOf('.'); dot >= 0; dot = ascii.indexOf('.', from)) {
    if (dot - from > LABEL_OCTETS) return false;
    from = dot + 1;
  }
  return ascii.length - from <= LABEL_OCTETS && ascii.length <= DOMAIN_OCTETS;
}

/** A-labels for peers without SMTPUTF8; literals and ASCII names as they are. Null when IDNA refuses the name. */
export function asciiDomain(domain: string): string | null {
  if (domain.startsWith('[') || isAscii(domain)) return domain;
  const ascii = domainToASCII(domain);
  return ascii === '' ? null : ascii;
}

/** `[192.0.2.1]` and `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3) in canonical spelling. */
function parseLiteral(text: string): string | null {
  if (!text.endsWith(']')) return null;
  const inner = text.slice(1, -1);
  if (isIpv4(inner)) return text;
  const six = /^ipv6:(.+)$/i.exec(inner)?.[1];
  if (six === undefined) return null;
  const canonical = canonicalIpv6(six);
  return canonical === null ? null : `[IPv6:${canonical}]`;
}

/** The bare address inside a literal, or null for a name. */
export function literalAddress(domain: string): string | null {
  if (!domain.startsWith('[')) return null;
  const inner = domain.slice(1, -1);
  return /^ipv6:/i.test(inner) ? inner.slice(5) : inner;
}

export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

/** RFC 5952 spelling, or null. */
export function canonicalIpv6(text: string): string | null {
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(':')) return null;
  const url = URL.parse(`http://[${text}]/`);
  return url === null ? null : url.hostname.slice(1, -1);
}

export function isIp(text: string): boolean {
  return isIpv4(text) || canonicalIpv6(text) !== null;
}

export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
