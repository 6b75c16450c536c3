/** What a peer said it can do, in its EHLO reply (RFC 5321 §4.1.1.1). */
import type { Reply } from '../../../grammar/smtp/reply.ts';

export interface Extensions {
  readonly pipelining: boolean; // RFC 2920
  readonly eightBitMime: boolean; // RFC 6152
  readonly smtputf8: boolean; // RFC 6531
  readonly dsn: boolean; // RFC 3461
  readonly startTls: boolean; // RFC 3207
  /** Null: SIZE not offered. 0: no fixed limit (RFC 1870 §4). */
  readonly sizeLimit: number | null;
  readonly mechanisms: ReadonlySet<string>; // RFC 4954
  /** Every keyword in upper case with its parameters as written. */
  readonly keywords: ReadonlyMap<string, string>;
}

const SIZE = /^\d{1,20}$/; // RFC 1870 §4

export function parseExtensions(reply: Reply): Extensions {
  const keywords = new Map<string, string>();
  for (const line of reply.lines.slice(1)) {
    const [keyword = '', ...parameters] = line.trim().split(/\s+/);
    if (keyword !== '') keywords.set(keyword.toUpperCase(), parameters.join(' '));
  }
  const size = keywords.get('SIZE');
  return {
    pipelining: keywords.has('PIPELINING'),
    eightBitMime: keywords.has('8BITMIME'),
    smtputf8: keywords.has('SMTPUTF8'),
    dsn: keywords.has('DSN'),
    startTls: keywords.has('STARTTLS'),
    sizeLimit: size === undefined ? null : SIZE.test(size) ? Number(size) : 0,
    mechanisms: readMechanisms(keywords),
    keywords,
  };
}

function readMechanisms(keywords: ReadonlyMap<string, string>): Set<string> {
  const found = new Set<string>();
  for (const [keyword, parameters] of keywords) {
    // QUIRK: servers of the draft era say `AUTH=LOGIN PLAIN`, alone or beside the line of RFC 4954 (unit/esmtp/extensions).
    if (keyword !== 'AUTH' && !keyword.startsWith('AUTH=')) continue;
    for (const mechanism of `${keyword.slice(5)} ${parameters}`.toUpperCase().split(' ')) if (mechanism !== '') found.add(mechanism);
  }
  return found;
}

/** A peer that knows only HELO. */
export const noExtensions: Extensions = {
  pipelining: false,
  eightBitMime: false,
  smtputf8: false,
  dsn: false,
  startTls: false,
  sizeLimit: null,
  mechanisms: new Set(),
  keywords: new Map(),
};
