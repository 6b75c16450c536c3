/** The TLSA records of one mail exchanger (RFC 7672 §2.2). */
import type { DaneDemand } from '../../core/tls.ts';
import { usableRecords } from '../../kit/net/dane.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';

export type DaneFound =
  /** Records to go by. Empty `records`: there are some, none that a client can use; then TLS with anybody (RFC 7672 §2.2). */
  | { readonly kind: 'demand'; readonly demand: DaneDemand; readonly all: number }
  | { readonly kind: 'none'; readonly why: string }
  /** Somebody may be hiding them: the host may not be used (RFC 7672 §2.1.1). */
  | { readonly kind: 'broken'; readonly why: string };

export interface DaneQuestion {
  readonly host: string;
  readonly port: number;
  /** Names of the next hop itself, that a certificate under a trust anchor may have as well. */
  readonly nexthopNames: readonly string[];
  /** The addresses are somebody else's to find: do not ask for them first. */
  readonly unasked?: true;
}

export async function findDane(resolver: Pick<Resolver, 'a' | 'aaaa' | 'tlsa'>, { host, port, nexthopNames, unasked }: DaneQuestion): Promise<DaneFound> {
  const bases: string[] = [];
  if (unasked !== true) {
    const answers = await Promise.all([resolver.a(host), resolver.aaaa(host)]);
    const found = answers.find(answer => answer.kind === 'found');
    const unknown = answers.find(answer => answer.kind === 'unavailable');
    if (found === undefined) return unknown === undefined ? { kind: 'none', why: 'no address' } : { kind: 'broken', why: `its addresses cannot be looked up (${unknown.why})` };
    // Where even addresses are not signed there is nothing to find, and some servers there choke on the question.
    if (!answers.some(answer => answer.kind === 'found' && answer.authentic)) return { kind: 'none', why: 'its address is not signed' };
    // An alias: the name it stands for is asked first (RFC 7672 §2.2.2).
    const owner = answers.map(answer => (answer.kind === 'found' && answer.authentic ? answer.owner : undefined)).find(name => name !== undefined);
    if (owner !== undefined) bases.push(owner);
  }
  bases.push(host);
  for (const base of bases) {
    const name = `_${port}._tcp.${base}`;
    const answer = await resolver.tlsa(name);
    if (answer.kind === 'unavailable') return { kind: 'broken', why: `its TLSA records cannot be looked up (${answer.why})` };
    if (answer.kind === 'none') continue;
    if (!answer.authentic) continue;
    const names = [...new Set([base, host, ...nexthopNames])];
    return { kind: 'demand', all: answer.records.length, demand: { records: usableRecords(answer.records), base, names } };
  }
  return { kind: 'none', why: `no signed TLSA record at _${port}._tcp.${bases.join(' or ')}` };
}
