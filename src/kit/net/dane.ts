/**
 * DANE: does a certificate chain match what DNS says it must (RFC 6698, RFC 7671)? Usages 2 and 3 only: with the
 * others a client would need both DNS and an authority, and SMTP has no use for them (RFC 7672 §3.1.3). Pure.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { forbiddenBy } from './name-constraints.ts';

/** RFC 6698 §2.1 */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly association: Uint8Array;
}

export interface DaneDemand {
  readonly records: readonly TlsaRecord[];
  /** The TLSA base domain, shown as SNI. */
  readonly base: string;
  /** That a certificate under a trust anchor may have. */
  readonly names: readonly string[];
}

export type Matched =
  | { readonly kind: 'matched'; readonly record: TlsaRecord }
  | { readonly kind: 'unmatched'; readonly fault: 'validation-failure' | 'certificate-expired' | 'certificate-host-mismatch'; readonly why: string };

const TRUST_ANCHOR = 2;
const END_ENTITY = 3;
const SHA2_256 = 1;
const SHA2_512 = 2;
/** Longer chains than anybody has. */
const CHAIN = 10;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** Records that a client may go by; for one usage and selector only the strongest digest (RFC 7671 §9). */
export function usableRecords(records: readonly TlsaRecord[]): readonly TlsaRecord[] {
  const usable = records.filter(isUsable);
  const strongest = (one: TlsaRecord) => Math.max(...usable.filter(({ usage, selector }) => usage === one.usage && selector === one.selector).map(({ matchingType }) => matchingType));
  // A whole certificate or key says more than any digest, and counts beside it.
  return usable.filter(one => one.matchingType === 0 || one.matchingType === strongest(one));
}

function isUsable({ usage, selector, matchingType, association }: TlsaRecord): boolean {
  if (usage !== TRUST_ANCHOR && usage !== END_ENTITY) return false;
  if (selector !== 0 && selector !== 1) return false;
  if (matchingType === SHA2_256) return association.length === 32;
  if (matchingType === SHA2_512) return association.length === 64;
  return matchingType === 0 && association.length > 0;
}

/** `3 1 1 0a1b…`, as a zone file has it. */
export function formatTlsa({ usage, selector, matchingType, association }: TlsaRecord): string {
  return `${usage} ${selector} ${matchingType} ${Buffer.from(association).toString('hex')}`;
}

/** `chain` as the peer sent it, its own certificate first. Only usable records. */
export function matchChain(chain: readonly X509Certificate[], { records, names }: DaneDemand, now: number): Matched {
  const [leaf] = chain;
  if (leaf === undefined) return { kind: 'unmatched', fault: 'validation-failure', why: 'the peer has no certificate' };
  // Its key alone counts: neither names nor dates (RFC 7672 §3.1.1).
  const exact = records.find(record => record.usage === END_ENTITY && matches(leaf, record));
  if (exact !== undefined) return { kind: 'matched', record: exact };
  let near: Matched | null = null;
  for (let depth = 1; depth < Math.min(chain.length, CHAIN); depth++) {
    const anchor = chain[depth] as X509Certificate;
    const record = records.find(one => one.usage === TRUST_ANCHOR && matches(anchor, one));
    if (record === undefined) continue;
    const flaw = flawOfPath(chain.slice(0, depth + 1), names, now);
    if (flaw === null) return { kind: 'matched', record };
    near = flaw;
  }
  return near ?? { kind: 'unmatched', fault: 'validation-failure', why: `the certificate matches none of ${records.length} TLSA records` };
}

function matches(certificate: X509Certificate, { selector, matchingType, association }: TlsaRecord): boolean {
  const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const found = matchingType === 0 ? octets : createHash(matchingType === SHA2_256 ? 'sha256' : 'sha512').update(octets).digest();
  return Buffer.compare(found, association) === 0;
}

/** From the leaf to the anchor, which is trusted because DNS says so: signatures, dates, authority, name, limits (RFC 7672 §3.1.2). */
function flawOfPath(path: readonly X509Certificate[], names: readonly string[], now: number): Matched | null {
  for (const [depth, certificate] of path.entries()) {
    if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) {
      return { kind: 'unmatched', fault: 'certificate-expired', why: `the certificate of ${certificate.subject.replaceAll('\n', ', ')} is good from ${certificate.validFrom} to ${certificate.validTo}` };
    }
    const issuer = path[depth + 1];
    if (issuer === undefined) break;
    if (!issuer.ca || !certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      return { kind: 'unmatched', fault: 'validation-failure', why: 'the chain to the trust anchor that DNS names is broken' };
    }
  }
  const leaf = path[0] as X509Certificate;
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.includes(SERVER_AUTH)) return { kind: 'unmatched', fault: 'validation-failure', why: 'the certificate is not made for servers' };
  const named = names.filter(name => leaf.checkHost(name, { partialWildcards: false }) !== undefined);
  if (named.length === 0) return { kind: 'unmatched', fault: 'certificate-host-mismatch', why: `the certificate names none of ${names.join(', ')}` };
  const forbidden = named.map(name => forbiddenBy(path, name));
  return forbidden.includes(null) ? null : { kind: 'unmatched', fault: 'validation-failure', why: forbidden[0] ?? '' };
}
