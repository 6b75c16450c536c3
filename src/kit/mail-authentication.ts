/**
 * mailauth behind our own types: DKIM (RFC 6376), ARC (RFC 8617) and DMARC (RFC 9989) of one message, on our own
 * resolver. The package costs memory only where somebody asks for it: it is loaded at the first message.
 * Every look-up counts against one budget, and all of them end with the signal.
 */
import { Readable, addAbortSignal } from 'node:stream';
import type { Answer, Resolver } from './dns/resolver.ts';

export interface VerifyRequest {
  /** The whole message as it came, CRLF line ends; read once. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Domains that SPF has passed: what DMARC may align with. */
  readonly spfPassed: readonly string[] | Promise<readonly string[]>;
  readonly resolver: Pick<Resolver, 'a' | 'aaaa' | 'mx' | 'txt'>;
  /** For expiry of signatures. */
  readonly now: number;
}

export interface Verified {
  readonly signatures: readonly Signature[];
  /** There were more signatures than we look at. */
  readonly signaturesLeft: number;
  /** Null: no chain. */
  readonly arc: ArcResult | null;
  /** Null: the From field names no domain, or several. */
  readonly dmarc: DmarcResult | null;
  /** Of the From fields; there may be only one (RFC 5322 §3.6). */
  readonly authors: readonly string[];
  readonly fromFields: number;
  /** The header is built to keep readers busy, and was not looked at. */
  readonly unreadable?: string;
}

export type SignatureResult = 'pass' | 'fail' | 'policy' | 'neutral' | 'temperror' | 'permerror';

export interface Signature {
  readonly result: SignatureResult;
  readonly why?: string;
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: string;
  /** The first letters of its value, which tell it from others (RFC 6008). */
  readonly beginning: string;
  /** `l=` left so many octets of the body unsigned: anybody may have written them. */
  readonly unsignedOctets?: number;
}

export interface ArcResult {
  readonly result: 'pass' | 'fail' | 'temperror';
  readonly instances: number;
  /** Who put the last seal on. */
  readonly sealer?: string;
  readonly why?: string;
}

export interface DmarcResult {
  readonly result: 'pass' | 'fail' | 'none' | 'temperror' | 'permerror';
  readonly author: string;
  /** What the domain asks for; absent where there is no record. */
  readonly policy?: 'none' | 'quarantine' | 'reject';
  readonly why?: string;
}

export interface MailAuthentication {
  /** Rejects when the signal aborts, and for an unreadable stream; what is wrong with the mail is a result. */
  verify(request: VerifyRequest, signal: AbortSignal): Promise<Verified>;
}

/** A signature each costs a hash of the whole body and a look-up; real mail has two or three. */
const SIGNATURES = 10;
/** Each length of its own makes the body be hashed once more. */
const LENGTHS = 2;
const LOOKUPS = 60;
const HEADER_END = Buffer.from('\r\n\r\n');
/** More is no header; the intake refuses less. */
const HEADER_OCTETS = 1024 * 1024;
/** What folds a header so often is no mail program; mailauth takes a second for thirty thousand lines. */
const HEADER_LINES = 3_000;
/** A 4096-bit RSA key is 736 letters; a longer record is there to keep us busy. */
const KEY_LETTERS = 4096;

type Lookup = (name: string, type: string) => Promise<string[] | string[][]>;

export function createMailAuthentication(): MailAuthentication {
  let loading: ReturnType<typeof load> | undefined;
  return {
    async verify(request, signal) {
      const { dkimVerify, verifyArc, evaluateDmarc } = await (loading ??= load());
      signal.throwIfAborted();
      const resolver = createLookup(request.resolver, signal);
      const rules = { resolver, strict: true, minBitLength: 1024 };
      const left: Left = { signatures: 0, lines: 0 };
      const dkim = await dkimVerify(addAbortSignal(signal, Readable.from(withFewer(request, left), { objectMode: false })), { ...rules, curTime: new Date(request.now) });
      // Its declaration of what is handed on is narrower than what the verifier makes: `chain` may be false.
      const arc = dkim.arc === undefined ? false : await verifyArc(dkim.arc as Parameters<typeof verifyArc>[0], rules);
      const chain = dkim.arc?.chain;
      const dmarc = await evaluateDmarc({
        headerFrom: dkim.headerFrom,
        fromFields: dkim.fromFields,
        spfDomains: [...(await request.spfPassed)],
        dkimDomains: dkim.results.flatMap(({ status, signingDomain }) => (status.result === 'pass' && signingDomain !== undefined ? [{ domain: signingDomain, ...(status.underSized === undefined ? {} : { underSized: status.underSized }) }] : [])),
        resolver,
        strict: true,
      });
      signal.throwIfAborted();
      return {
        signatures: dkim.results.flatMap(one => (one.status.result === 'none' ? [] : [signatureOf(one)])),
        signaturesLeft: left.signatures,
        arc: arcOf(arc, chain === undefined || chain === false ? 0 : chain.length, dkim.arc?.lastEntry),
        dmarc: dmarcOf(dmarc.response),
        authors: dkim.headerFrom,
        fromFields: dkim.fromFields,
        ...(left.lines > HEADER_LINES ? { unreadable: `${left.lines} lines of header` } : {}),
      };
    },
  };
}

interface Status {
  readonly result: string;
  readonly comment?: string | boolean;
  readonly underSized?: number;
  readonly policy?: Readonly<Record<string, unknown>>;
}

interface Row {
  readonly status: Status;
  readonly signingDomain?: string;
  readonly selector?: string;
  readonly signature?: string;
  readonly algo?: string;
}

interface Dmarc {
  readonly status: Status & { readonly header?: { readonly from?: string } };
  readonly policy?: string;
}

/** The package's front door would bring an HTTP client and an XML parser along. */
async function load() {
  const [dkim, arc, dmarc] = await Promise.all([import('mailauth/lib/dkim/verify.js'), import('mailauth/lib/arc/index.js'), import('mailauth/lib/dmarc/index.js')]);
  return { dkimVerify: dkim.dkimVerify, verifyArc: arc.arc, evaluateDmarc: dmarc.evaluateDmarc };
}

interface Left {
  signatures: number;
  lines: number;
}

/** The message without the signatures that are too many; how many those were, and lines of header, is written to `left`. */
async function* withFewer({ content }: VerifyRequest, left: Left): AsyncGenerator<Uint8Array> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of content) {
    if (head === null) {
      yield chunk;
      continue;
    }
    const searched = Math.max(0, head.length - HEADER_END.length);
    const whole: Buffer = Buffer.concat([head, chunk]);
    const end = whole.indexOf(HEADER_END, searched);
    head = end < 0 && whole.length < HEADER_OCTETS ? whole : null;
    if (head !== null) continue;
    left.lines = countLines(whole, end < 0 ? whole.length : end);
    if (left.lines > HEADER_LINES) {
      // The rest is somebody else's to read.
      for await (const _ of content) continue;
      return;
    }
    const header = withFewerSignatures(whole.subarray(0, end < 0 ? undefined : end + HEADER_END.length).toString('latin1'));
    left.signatures = header.left;
    yield Buffer.from(header.text, 'latin1');
    if (end >= 0) yield whole.subarray(end + HEADER_END.length);
  }
  if (head !== null) yield head;
}

function countLines(octets: Buffer, end: number): number {
  let lines = 0;
  for (let at = octets.indexOf(0x0a); at >= 0 && at < end; at = octets.indexOf(0x0a, at + 1)) lines++;
  return lines;
}

/** The upper ones are the newer ones (RFC 6376 §5.6), and stay. */
function withFewerSignatures(header: string): { readonly text: string; readonly left: number } {
  let kept = 0;
  let lengths = 0;
  let left = 0;
  const text = header.replaceAll(/^dkim-signature[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*/gim, field => {
    const withLength = /;\s*l\s*=/i.test(field);
    if (kept >= SIGNATURES || (withLength && lengths >= LENGTHS)) {
      left++;
      return '';
    }
    kept++;
    if (withLength) lengths++;
    return field;
  });
  return { text, left };
}

/** As mailauth wants to be answered: lists, or errors with the codes of node:dns. */
function createLookup(resolver: VerifyRequest['resolver'], signal: AbortSignal): Lookup {
  let asked = 0;
  async function ask(name: string, type: string): Promise<string[] | string[][]> {
    if (signal.aborted) throw coded('ECANCELLED');
    if (++asked > LOOKUPS) throw coded('EBUDGET');
    switch (type) {
      case 'TXT': return found(await resolver.txt(name)).map(text => [text.length > KEY_LETTERS ? '' : text]);
      case 'A': return [...found(await resolver.a(name))];
      case 'AAAA': return [...found(await resolver.aaaa(name))];
      // Nothing else is asked of the name's existence; an alias is followed by the resolver.
      default: throw coded('ENODATA');
    }
  }
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(coded('ECANCELLED')), { once: true }));
  aborted.catch(() => undefined);
  return (name, type) => Promise.race([ask(name, type), aborted]);
}

function found<T>(answer: Answer<T>): readonly T[] {
  if (answer.kind === 'found') return answer.records;
  throw coded(answer.kind === 'unavailable' ? 'ESERVFAIL' : answer.noSuchDomain ? 'ENOTFOUND' : 'ENODATA');
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function signatureOf({ status, signingDomain = '', selector = '', signature = '', algo = '' }: Row): Signature {
  const results: readonly SignatureResult[] = ['pass', 'fail', 'policy', 'neutral', 'temperror', 'permerror'];
  const rule = status.policy?.['dkim-rules'];
  const why = [status.comment, rule].find(one => typeof one === 'string') ?? '';
  return {
    result: results.find(one => one === status.result) ?? 'neutral',
    ...(why === '' ? {} : { why }),
    domain: signingDomain.toLowerCase(), selector, algorithm: algo, beginning: signature.slice(0, 8),
    ...(status.underSized === undefined || status.underSized === 0 ? {} : { unsignedOctets: status.underSized }),
  };
}

function arcOf(given: { readonly status: Status } | false, instances: number, last: unknown): ArcResult | null {
  if (given === false || given.status.result === 'none') return null;
  const { result, comment } = given.status;
  return { result: result === 'pass' || result === 'temperror' ? result : 'fail', instances, ...sealerOf(last), ...(typeof comment === 'string' ? { why: comment } : {}) };
}

function sealerOf(entry: unknown): { readonly sealer?: string } {
  const seal = (entry as { readonly 'arc-seal'?: { readonly parsed?: { readonly d?: { readonly value?: unknown } } } } | undefined)?.['arc-seal'];
  const domain = seal?.parsed?.d?.value;
  return typeof domain === 'string' ? { sealer: domain.toLowerCase() } : {};
}

function dmarcOf(given: Dmarc | false): DmarcResult | null {
  if (given === false) return null;
  const { status, policy } = given;
  const asked = (['none', 'quarantine', 'reject'] as const).find(one => one === policy);
  return {
    result: (['pass', 'fail', 'none', 'temperror', 'permerror'] as const).find(one => one === status.result) ?? 'none',
    author: status.header?.from ?? '',
    ...(asked === undefined ? {} : { policy: asked }),
    ...(typeof status.comment === 'string' ? { why: status.comment } : {}),
  };
}
