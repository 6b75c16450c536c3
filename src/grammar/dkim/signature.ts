/**
 * DKIM-Signature (RFC 6376 §3.5), and what is hashed of the header, "relaxed" (§3.4.2). Header octets are Latin-1
 * characters here, so that those above 127 (RFC 6532) are hashed as they stand.
 */
import type { HeaderField } from '../mime/field.ts';

export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256';

/** Signed once more than they are there, so that nobody can add another (RFC 6376 §8.15). */
const SEALED: readonly string[] = ['from', 'reply-to', 'subject', 'to', 'cc'];
/** RFC 6376 §5.4.1, and what mailing lists and automata say of themselves. */
const WORTH_SIGNING: ReadonlySet<string> = new Set([
  ...SEALED, 'date', 'message-id', 'sender', 'in-reply-to', 'references', 'mime-version', 'content-type', 'content-transfer-encoding', 'content-disposition', 'content-description',
  'resent-date', 'resent-from', 'resent-sender', 'resent-to', 'resent-cc', 'resent-message-id',
  'list-id', 'list-help', 'list-unsubscribe', 'list-unsubscribe-post', 'list-subscribe', 'list-post', 'list-owner', 'list-archive', 'auto-submitted', 'tls-required',
]);

export interface SignedHeader {
  /** h=, each name as often as it is hashed. */
  readonly names: readonly string[];
  /** Those that are there, relaxed, with their line ends. */
  readonly hashed: string;
}

export function selectFields(header: Buffer, fields: readonly HeaderField[], worth: (name: string) => boolean = isWorthSigning, sealed: readonly string[] = SEALED): SignedHeader {
  const names: string[] = [];
  let hashed = '';
  // From the bottom up, as verifiers count instances (RFC 6376 §5.4.2).
  for (const { name, start, end } of fields.toReversed()) {
    if (!worth(name)) continue;
    names.push(name);
    hashed += `${relaxedField(header.toString('latin1', start, end))}\r\n`;
  }
  return { names: [...names, ...sealed], hashed };
}

export function isWorthSigning(name: string): boolean {
  return WORTH_SIGNING.has(name);
}

/** Without its line end. */
export function relaxedField(field: string): string {
  const colon = field.indexOf(':');
  const value = field.slice(colon + 1).replaceAll(/\r?\n/g, '').replaceAll(/[\t ]+/g, ' ').trim();
  return `${field.slice(0, colon).trimEnd().toLowerCase()}:${value}`;
}

export interface SignatureTags {
  readonly algorithm: DkimAlgorithm;
  /** In A-labels. */
  readonly domain: string;
  readonly selector: string;
  /** Seconds. */
  readonly at: number;
  readonly expiresAt?: number;
  readonly names: readonly string[];
  /** Base64. */
  readonly bodyHash: string;
}

/** The field up to and with `b=`: it is hashed so, and the signature follows it. */
export function formatUnsigned({ algorithm, domain, selector, at, expiresAt, names, bodyHash }: SignatureTags): string {
  const expiry = expiresAt === undefined ? '' : ` x=${expiresAt};`;
  return `DKIM-Signature: v=1; a=${algorithm}; c=relaxed/relaxed;\r\n\td=${domain}; s=${selector}; t=${at};${expiry}\r\n\th=${foldList(names)};\r\n\tbh=${bodyHash};\r\n\tb=`;
}

/** RFC 6376 §3.5: blanks in base64 and around colons mean nothing. */
export function formatSignature(unsigned: string, signature: string): string {
  return `${unsigned}${signature.replaceAll(/.{72}(?=.)/g, '$&\r\n\t')}\r\n`;
}

const LINE = 72;

function foldList(names: readonly string[]): string {
  let out = '';
  let line = 3;
  for (const [n, name] of names.entries()) {
    const word = n === names.length - 1 ? name : `${name}:`;
    if (line + word.length > LINE) {
      out += '\r\n\t ';
      line = 2;
    }
    out += word;
    line += word.length;
  }
  return out;
}
