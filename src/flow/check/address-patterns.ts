/** badfrom's and spamtrap's patterns, found by an address's domain and its parents. */
import type { Address } from '../../core/envelope.ts';
import { domainOf, localPart } from '../../grammar/address.ts';
import type { AddressPattern } from '../../grammar/config/ways-in/bofh.ts';
import { foldDomain } from '../../grammar/config/domain-list.ts';

export interface AddressPatterns {
  has(address: Address): boolean;
}

export function createAddressPatterns(patterns: readonly AddressPattern[]): AddressPatterns {
  const byDomain = new Map<string, AddressPattern[]>();
  for (const pattern of patterns) {
    const key = pattern.match === 'exact' ? pattern.domain : `.${pattern.domain}`;
    byDomain.set(key, [...(byDomain.get(key) ?? []), pattern]);
  }
  return {
    has(address) {
      if (byDomain.size === 0) return false;
      const domain = foldDomain(domainOf(address));
      const local = localPart(address).toLowerCase();
      const listed = (key: string): boolean => byDomain.get(key)?.some(one => one.localPart === undefined || one.localPart.toLowerCase() === local) ?? false;
      if (listed(domain)) return true;
      for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) if (listed(domain.slice(dot))) return true;
      return false;
    },
  };
}
