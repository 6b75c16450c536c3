/** What a peer said it can do, in its EHLO reply (RFC 5321 §4.1.1.1). */
import type { Reply } from '../../../grammar/smtp/reply.ts';

export interface Extensions {
  readonly pipelining: boolean; // RFC 2920
  readonly eightBitMime: boolean; // RFC 6152
  readonly smtputf8: boolean; // RFC 6531
  readonly dsn: boolean; // RFC 3461
  readonly startTls: boolean; // RFC 3207
  readonly chunking: boolean; // RFC 3030
  readonly binaryMime: boolean; // RFC 3030 §3, with CHUNKING
  readonly requireTls: boolean; // RFC 8689
  /** Courier's XVERP: one copy, and the peer encodes the sender. */
  readonly verp: boolean;
  /** Courier's XSECURITY=…STARTTLS: the peer passes the demand for TLS on. */
  readonly security: boolean;
  /** Null: SIZE not offered. 0: no fixed limit (RFC 1870 §4). */
  readonly sizeLimit: number | null;
  readonly limits: PeerLimits; // RFC 9422
  readonly mechanisms: ReadonlySet<string>; // RFC 4954
  /** Every keyword in upper case with its parameters as written. */
  readonly keywords: ReadonlyMap<string, string>;
}

/** Infinity where the peer named none. */
export interface PeerLimits {
  /** Transactions in one session. */
  readonly mails: number;
  /** Recipients, and different domains among them, in one transaction. */
  readonly recipients: number;
  readonly domains: number;
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
    chunking: keywords.has('CHUNKING'),
    binaryMime: keywords.has('CHUNKING') && keywords.has('BINARYMIME'),
    requireTls: keywords.has('REQUIRETLS'),
    // QUIRK: Postfix announces a bare XVERP, whose parameter is another; only Courier's is meant (unit/esmtp/extensions).
    verp: keywords.has('XVERP=COURIER'),
    security: [...keywords.keys()].some(keyword => keyword.startsWith('XSECURITY=') && keyword.slice(10).split(',').includes('STARTTLS')),
    sizeLimit: size === undefined ? null : SIZE.test(size) ? Number(size) : 0,
    limits: readLimits(keywords.get('LIMITS')),
    mechanisms: readMechanisms(keywords),
    keywords,
  };
}

const unlimited: PeerLimits = { mails: Number.POSITIVE_INFINITY, recipients: Number.POSITIVE_INFINITY, domains: Number.POSITIVE_INFINITY };

/** `RCPTMAX=20 MAILMAX=5`; what is not understood is not there (RFC 9422 §3). */
function readLimits(text: string | undefined): PeerLimits {
  if (text === undefined) return unlimited;
  const named = new Map(text.split(' ').map(word => word.toUpperCase().split('=', 2) as [string, string | undefined]));
  const limit = (name: string) => (/^0*[1-9]\d{0,5}$/.test(named.get(name) ?? '') ? Number(named.get(name)) : Number.POSITIVE_INFINITY);
  return { mails: limit('MAILMAX'), recipients: limit('RCPTMAX'), domains: limit('RCPTDOMAINMAX') };
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
  chunking: false,
  binaryMime: false,
  requireTls: false,
  verp: false,
  security: false,
  sizeLimit: null,
  limits: unlimited,
  mechanisms: new Set(),
  keywords: new Map(),
};
