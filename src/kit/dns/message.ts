/** DNS messages (RFC 1035 §4), by dns-packet; what an answer means is decided here. Pure. */
import { AUTHENTIC_DATA, RECURSION_DESIRED, decode, encode, type Answer as Rr, type DecodedPacket } from 'dns-packet';

/** What each kind of record holds; names in lower case without the final dot. */
export interface RecordData {
  MX: { readonly preference: number; readonly exchange: string };
  A: string;
  AAAA: string;
  TXT: string;
  PTR: string;
  TLSA: { readonly usage: number; readonly selector: number; readonly matchingType: number; readonly association: Uint8Array };
}
export type RecordKind = keyof RecordData;

export type Parsed<K extends RecordKind> =
  | { readonly kind: 'found'; readonly records: readonly RecordData[K][]; readonly ttl: number; readonly authentic: boolean; readonly owner: string }
  | { readonly kind: 'none'; readonly noSuchDomain: boolean; readonly ttl: number; readonly authentic: boolean }
  /** The chain of aliases leaves the message: ask again for `name`. */
  | { readonly kind: 'alias'; readonly name: string; readonly ttl: number; readonly authentic: boolean }
  | { readonly kind: 'truncated' }
  /** The server will not or cannot answer. */
  | { readonly kind: 'failed'; readonly code: string; readonly broken?: true }
  /** Not an answer to our question: somebody else's, or a forgery. */
  | { readonly kind: 'stray' };

const UDP_OCTETS = 1280; // what passes any IPv6 path unfragmented
const HEADER_OCTETS = 12;
const RESPONSE = 0x80;
const TRUNCATED = 0x02;
const ALIASES = 16;
const NEGATIVE_TTL = 3600; // RFC 2308 §5: no more than three hours
const LONGEST_TTL = 86_400;

/** AD in a question asks for an honest AD in the answer (RFC 6840 §5.7). */
export function encodeQuery(id: number, name: string, kind: RecordKind, edns: boolean): Buffer {
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ type: kind, name, class: 'IN' }],
    ...(edns ? { additionals: [{ type: 'OPT', name: '.', udpPayloadSize: UDP_OCTETS, flags: 0, extendedRcode: 0, ednsVersion: 0, flag_do: false, options: [] }] } : {}),
  });
}

export function parseAnswer<K extends RecordKind>(octets: Buffer, id: number, name: string, kind: K): Parsed<K> {
  if (octets.length < HEADER_OCTETS || octets.readUInt16BE(0) !== id || (octets.readUInt8(2) & RESPONSE) === 0) return { kind: 'stray' };
  const message = decodeSafely(octets);
  // Some servers cut in the middle of a record.
  if (message === null) return (octets.readUInt8(2) & TRUNCATED) === 0 ? { kind: 'failed', code: 'an unreadable answer' } : { kind: 'truncated' };
  const question = message.questions?.[0];
  if (question === undefined || question.type !== kind || plain(question.name) !== name) {
    // Some servers leave the question out when they refuse; a refusal is all it can be then.
    return question === undefined && codeOf(octets) !== 'NOERROR' ? { kind: 'failed', code: codeOf(octets) } : { kind: 'stray' };
  }
  if (message.flag_tc) return { kind: 'truncated' };
  const code = codeOf(octets);
  if (code !== 'NOERROR' && code !== 'NXDOMAIN') return { kind: 'failed', code };
  return follow(message, name, kind, code === 'NXDOMAIN');
}

/** From alias to alias (RFC 1034 §3.6.2) to the records, all in one message if the server is a good one. */
function follow<K extends RecordKind>(message: DecodedPacket, name: string, kind: K, noSuchDomain: boolean): Parsed<K> {
  const authentic = message.flag_ad;
  const answers = message.answers ?? [];
  let ttl = LONGEST_TTL;
  let owner = name;
  for (let n = 0; n <= ALIASES; n++) {
    const records: RecordData[K][] = [];
    for (const rr of answers) {
      if (rr.type !== kind || plain(rr.name) !== owner) continue;
      const record = readRecord(rr, kind);
      if (record === null) return { kind: 'failed', code: 'a malformed record' };
      records.push(record);
      ttl = Math.min(ttl, ttlOf(rr));
    }
    if (records.length > 0) return { kind: 'found', records, ttl, authentic, owner };
    const alias = answers.find(rr => rr.type === 'CNAME' && plain(rr.name) === owner);
    if (alias === undefined) {
      const negative = soaTtl(message);
      // Aliases without an end: a referral to another server's data unless the end is said not to exist.
      if (n > 0 && !noSuchDomain && negative === null) return { kind: 'alias', name: owner, ttl, authentic };
      // Without SOA a negative answer must not be kept (RFC 2308 §5).
      return { kind: 'none', noSuchDomain, ttl: Math.min(ttl, negative ?? 0), authentic };
    }
    ttl = Math.min(ttl, ttlOf(alias));
    owner = plain(String((alias as { readonly data: unknown }).data));
  }
  return { kind: 'failed', code: 'a loop of aliases', broken: true };
}

function readRecord<K extends RecordKind>(rr: Rr, kind: K): RecordData[K] | null;
function readRecord(rr: Rr): RecordData[RecordKind] | null {
  if (rr.type === 'A' || rr.type === 'AAAA') return rr.data;
  if (rr.type === 'PTR') return plain(rr.data);
  if (rr.type === 'MX') return { preference: rr.data.preference ?? 0, exchange: plain(rr.data.exchange) };
  if (rr.type === 'TXT') return (Array.isArray(rr.data) ? rr.data : [rr.data]).map(String).join('');
  if (rr.type === 'TLSA') return { usage: rr.data.usage, selector: rr.data.selector, matchingType: rr.data.matchingType, association: rr.data.certificate };
  return null;
}

function soaTtl(message: DecodedPacket): number | null {
  const soa = message.authorities?.find(rr => rr.type === 'SOA');
  return soa?.type === 'SOA' ? Math.min(ttlOf(soa), soa.data.minimum ?? 0, NEGATIVE_TTL) : null;
}

/** With the top bit set it is zero (RFC 2181 §8). */
function ttlOf(rr: Rr): number {
  const ttl = 'ttl' in rr ? (rr.ttl ?? 0) : 0;
  return ttl > 0x7fffffff || ttl < 0 ? 0 : ttl;
}

function codeOf(octets: Buffer): string {
  const code = (octets[3] ?? 0) & 0x0f;
  return CODES[code] ?? `RCODE ${code}`;
}

const CODES: readonly string[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

function plain(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}

function decodeSafely(octets: Buffer): DecodedPacket | null {
  try {
    return decode(octets);
  } catch {
    return null;
  }
}
