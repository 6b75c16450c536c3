/**
 * DNS: found, none or unavailable, never an exception. Asks recursive servers in turn, by HTTPS too, keeps answers as long as
 * their TTL says (a bounded number, the longest unused goes first), and asks once when many want the same.
 */
import { randomInt } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import type { Clock, Instant } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import { openDeadlines } from '../deadlines.ts';
import { askByTcp, askByUdp } from './exchange.ts';
import { encodeQuery, parseAnswer, type Parsed, type RecordData, type RecordKind } from './message.ts';
import type { HttpsUpstream } from './https.ts';
import type { NameServer } from './resolv-conf.ts';

export type Answer<T> =
  | {
      readonly kind: 'found';
      readonly records: readonly T[];
      /** Seconds it stays true. */
      readonly ttl: number;
      /** Validated by DNSSEC, says a server we trust to say so. */
      readonly authentic: boolean;
      /** Behind aliases: the name that has the records. */
      readonly owner?: string;
    }
  /** The name exists without such a record, or does not exist at all. */
  | { readonly kind: 'none'; readonly noSuchDomain: boolean; readonly authentic: boolean }
  /** `broken`: it is the zone that is wrong, a loop of aliases, and waiting does not mend it. */
  | { readonly kind: 'unavailable'; readonly why: string; readonly broken?: true };

export interface Resolver {
  mx(domain: string): Promise<Answer<RecordData['MX']>>;
  a(name: string): Promise<Answer<string>>;
  aaaa(name: string): Promise<Answer<string>>;
  txt(name: string): Promise<Answer<string>>;
  /** Of an IPv4 or IPv6 address. */
  ptr(address: string): Promise<Answer<string>>;
  tlsa(name: string): Promise<Answer<RecordData['TLSA']>>;
  /** What is being asked becomes unavailable. */
  close(): void;
}

export interface ResolverSettings {
  readonly servers: readonly NameServer[];
  /** Asked when none of `servers` answers, or when there are none. */
  readonly https?: readonly HttpsUpstream[];
  readonly clock: Clock;
  /** One server's time for one try. */
  readonly timeoutMs?: number;
  /** Rounds over all servers. */
  readonly attempts?: number;
  /** Answers kept. */
  readonly entries?: number;
  /** Believe the AD bit of servers elsewhere; one on this host is believed anyway. */
  readonly trustAd?: boolean;
}

type Any = Answer<RecordData[RecordKind]>;

const UNDER_WAY = 1000; // a socket each
const ALIAS_QUESTIONS = 8;
/** So long nobody waits again for servers that were silent, where HTTPS did answer. */
const DETOUR_MS = 60_000;
/** A connection, TLS and perhaps proxies come first. */
const HTTPS_TIMES = 3;
const UNAVAILABLE_MS = 5000; // RFC 9520 §3.2: a failure is kept for a second at least, five minutes at most

export function openResolver(settings: ResolverSettings): Resolver {
  const { servers, https = [], clock, timeoutMs = 3000, attempts = 2, entries = 10_000 } = settings;
  const deadlines = openDeadlines(clock);
  const kept = new Map<string, { readonly answer: Any; readonly until: Instant }>();
  const underWay = new Map<string, Promise<Any>>();
  /** The server that answered last is asked first. */
  let preferred = 0;
  let detourUntil = 0;
  const stopping = new AbortController();

  function lookup<K extends RecordKind>(kind: K, given: string): Promise<Answer<RecordData[K]>> {
    const name = ask(given);
    // What cannot be written as a question cannot exist (RFC 1035 §2.3.4).
    if (name === null) return Promise.resolve({ kind: 'none', noSuchDomain: true, authentic: false });
    const key = `${kind} ${name}`;
    return (recall(key) ?? underWay.get(key) ?? start(kind, name, key)) as Promise<Answer<RecordData[K]>>;
  }

  function recall(key: string): Promise<Any> | null {
    const found = kept.get(key);
    if (found === undefined) return null;
    const leftMs = found.until - clock.now();
    kept.delete(key);
    if (leftMs <= 0) return null;
    kept.set(key, found);
    return Promise.resolve(found.answer.kind === 'found' ? { ...found.answer, ttl: Math.floor(leftMs / 1000) } : found.answer);
  }

  function keep(key: string, answer: Any, ms: number): void {
    if (ms <= 0) return;
    kept.set(key, { answer, until: after(clock.now(), ms) });
    if (kept.size > entries) kept.delete(kept.keys().next().value as string);
  }

  function start(kind: RecordKind, name: string, key: string): Promise<Any> {
    const closed = stopping.signal.aborted;
    if (closed || underWay.size >= UNDER_WAY) return Promise.resolve({ kind: 'unavailable', why: closed ? 'we are stopping' : 'too many look-ups at once' });
    const asking = resolve(kind, name)
      .catch((error: unknown): [Any, number] => [{ kind: 'unavailable', why: `our own fault: ${String(error)}` }, 0])
      .then(([answer, ms]) => {
        underWay.delete(key);
        keep(key, answer, ms);
        return answer;
      });
    underWay.set(key, asking);
    return asking;
  }

  /** The answer, and how long it may be kept. */
  async function resolve(kind: RecordKind, first: string): Promise<[Any, number]> {
    let name = first;
    let ttl = Number.POSITIVE_INFINITY;
    let authentic = true;
    for (let n = 0; n < ALIAS_QUESTIONS; n++) {
      const parsed = await askAround(kind, name);
      if (parsed.kind === 'failed') return [{ kind: 'unavailable', why: `${kind} ${name}: ${parsed.code}`, ...(parsed.broken === true ? { broken: true as const } : {}) }, stopping.signal.aborted ? 0 : UNAVAILABLE_MS];
      ttl = Math.min(ttl, parsed.ttl);
      authentic &&= parsed.authentic;
      if (parsed.kind === 'found') return [{ kind: 'found', records: parsed.records, ttl, authentic, ...(parsed.owner === first ? {} : { owner: parsed.owner }) }, ttl * 1000];
      if (parsed.kind === 'none') return [{ kind: 'none', noSuchDomain: parsed.noSuchDomain, authentic }, ttl * 1000];
      name = parsed.name;
    }
    return [{ kind: 'unavailable', why: `${kind} ${first}: a loop of aliases`, broken: true }, UNAVAILABLE_MS];
  }

  type Final = Exclude<Parsed<RecordKind>, { kind: 'stray' | 'truncated' }>;
  type Answered = Exclude<Final, { kind: 'failed' }>;

  /** By UDP and TCP, then by HTTPS; the other way round while that is known to be the shorter way. */
  async function askAround(kind: RecordKind, name: string): Promise<Final> {
    const whys = new Set<string>();
    const detour = https.length > 0 && (servers.length === 0 || detourUntil > clock.now());
    for (const way of detour ? [askHttps, askServers] : [askServers, askHttps]) {
      const answer = await way(kind, name, whys);
      if (answer === null) continue;
      if (way === askServers) detourUntil = 0;
      else if (!detour) detourUntil = after(clock.now(), DETOUR_MS);
      return answer;
    }
    return { kind: 'failed', code: stopping.signal.aborted ? 'we are stopping' : [...whys].join('; ') };
  }

  async function askServers(kind: RecordKind, name: string, whys: Set<string>): Promise<Final | null> {
    const begin = preferred;
    for (let n = 0; n < attempts * servers.length && !stopping.signal.aborted; n++) {
      const index = (begin + n) % servers.length;
      const server = servers[index] as NameServer;
      const answer = await askServer(server, kind, name);
      if (answer.kind !== 'failed') {
        preferred = index;
        return believed(answer, settings.trustAd === true || server.trustAd === true || isLoopback(server.host));
      }
      // Another server would say the same of it.
      if (answer.broken === true) return answer;
      whys.add(`${server.host}: ${answer.code}`);
    }
    return null;
  }

  async function askHttps(kind: RecordKind, name: string, whys: Set<string>): Promise<Answered | null> {
    for (const upstream of https) {
      if (stopping.signal.aborted) break;
      const got = await upstream.ask(encodeQuery(0, name, kind, true), timeoutMs * HTTPS_TIMES);
      const answer = got.kind === 'silent' ? null : parseAnswer(got.value, 0, name, kind);
      if (answer !== null && answer.kind !== 'failed' && answer.kind !== 'stray' && answer.kind !== 'truncated') return believed(answer, upstream.trustAd);
      whys.add(`${upstream.name}: ${got.kind === 'silent' ? got.why : answer?.kind === 'failed' ? answer.code : 'an answer to something else'}`);
    }
    return null;
  }

  async function askServer(server: NameServer, kind: RecordKind, name: string): Promise<Final> {
    const id = randomInt(0x10000);
    const accept = (octets: Buffer) => {
      const parsed = parseAnswer(octets, id, name, kind);
      return parsed.kind === 'stray' ? null : parsed;
    };
    let edns = true;
    for (;;) {
      const query = encodeQuery(id, name, kind, edns);
      let got = await askByUdp(deadlines, { server, query, timeoutMs, accept });
      if (got.kind === 'answered' && got.value.kind === 'truncated') got = await askByTcp(deadlines, { server, query, timeoutMs, accept });
      if (got.kind === 'silent') return { kind: 'failed', code: got.why };
      const { value } = got;
      if (value.kind === 'truncated') return { kind: 'failed', code: 'truncated even by TCP' };
      // A server from before EDNS says so (RFC 6891 §7).
      if (value.kind !== 'failed' || !edns || (value.code !== 'FORMERR' && value.code !== 'NOTIMP')) return value;
      edns = false;
    }
  }

  return {
    mx: domain => lookup('MX', domain),
    a: name => lookup('A', name),
    aaaa: name => lookup('AAAA', name),
    txt: name => lookup('TXT', name),
    ptr: address => lookup('PTR', reverseName(address)),
    tlsa: name => lookup('TLSA', name),
    close() {
      stopping.abort();
      deadlines.expire();
    },
  };
}

/** Its word for DNSSEC counts only where somebody vouches for it. */
function believed<T extends { readonly authentic: boolean }>(answer: T, trusted: boolean): T {
  return trusted ? answer : { ...answer, authentic: false };
}

/** As it goes on the wire, in lower case; null when it cannot. */
function ask(name: string): string | null {
  const trimmed = name.endsWith('.') ? name.slice(0, -1) : name;
  // domainToASCII refuses what URLs refuse; names such as _25._tcp.mx.example are plain ASCII already.
  const ascii = /^[\u0000-\u007f]*$/.test(trimmed) ? trimmed.toLowerCase() : domainToASCII(trimmed);
  const labels = ascii.split('.');
  return ascii.length > 253 || labels.some(label => label === '' || label.length > 63) ? null : ascii;
}

function reverseName(address: string): string {
  if (isIPv4(address)) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
  if (!isIPv6(address)) return '';
  const [head = '', tail = ''] = (URL.parse(`http://[${address.replace(/%.*/, '')}]/`)?.hostname.slice(1, -1) ?? '::').split('::');
  const before = head === '' ? [] : head.split(':');
  const behind = tail === '' ? [] : tail.split(':');
  const groups = [...before, ...Array.from({ length: 8 - before.length - behind.length }, () => '0'), ...behind];
  const digits = groups.map(group => group.padStart(4, '0')).join('');
  return `${digits.split('').toReversed().join('.')}.ip6.arpa`;
}

function isLoopback(host: string): boolean {
  return host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
