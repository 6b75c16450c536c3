/** One form for one address: what aliases and mailboxes are looked up by. */
import type { Address } from '../../core/envelope.ts';
import { domainOf, localPart, parseAddress } from '../../grammar/address.ts';
import type { DomainList } from '../../grammar/config/domain-list.ts';
import type { HostedDomains } from '../../grammar/config/hosted-domains.ts';
import { parseDomain } from '../../grammar/domain.ts';

export interface CanonicalRules {
  readonly locals: Pick<DomainList, 'has'>;
  readonly hosted: Pick<HostedDomains, 'find'>;
  readonly defaultDomain: string;
  /** `locallowercase`: Ann and ann are one mailbox. */
  readonly lowerCase: boolean;
}

export interface Canonical {
  /** As it stays in the envelope: a hosted domain's alias replaced, local-parts folded where they mean the same. */
  settled(address: Address): Address;
  /** For looking up: besides, every domain of `locals` is the default one. */
  key(address: Address): Address;
}

export function createCanonical({ locals, hosted, defaultDomain, lowerCase }: CanonicalRules): Canonical {
  function form(address: Address, domain: string, ours: boolean): Address {
    const local = localPart(address);
    // Postmaster is one mailbox in any case (RFC 5321 §4.5.1).
    const folded = ours && (lowerCase || local.toLowerCase() === 'postmaster') ? local.toLowerCase() : local;
    return domain === domainOf(address) && folded === local ? address : (parseAddress(`${folded}@${domain}`) ?? address);
  }
  function settled(address: Address): Address {
    const written = domainOf(address);
    if (written === '') return form(address, defaultDomain, true);
    if (locals.has(written)) return form(address, written, true);
    const entry = hosted.find(written);
    if (entry === undefined) return written === defaultDomain ? form(address, written, true) : address;
    return form(address, entry.aliasOf === undefined ? written : (parseDomain(entry.aliasOf) ?? written), true);
  }
  return {
    settled,
    key(address) {
      const at = settled(address);
      return locals.has(domainOf(at)) ? form(at, defaultDomain, true) : at;
    },
  };
}
