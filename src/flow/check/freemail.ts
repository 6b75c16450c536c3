/** `freemail`: mail of a domain where everybody may have an address is taken from that domain's own servers only. */
import { pass, type Check } from '../../core/policy.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { domainOf } from '../../grammar/address.ts';
import type { Bofh } from '../../grammar/config/ways-in/bofh.ts';
import { foldDomain } from '../../grammar/config/domain-list.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';

export function createFreemailCheck(freemail: Bofh['freemail'], resolver: Pick<Resolver, 'ptr'>): Check {
  const byDomain = new Map<string, readonly string[]>();
  for (const { domain, relays } of freemail) byDomain.set(domain, [...(byDomain.get(domain) ?? []), ...relays]);
  return {
    name: 'freemail',
    stage: 'mail',
    judge({ origin, reversePath = null }) {
      if (byDomain.size === 0 || reversePath === null || origin.relayClient !== undefined || origin.remoteAddress === undefined) return pass;
      if (origin.source !== 'esmtp' && origin.source !== 'submission') return pass;
      const domain = foldDomain(domainOf(reversePath));
      const relays = byDomain.get(domain);
      if (relays === undefined) return pass;
      const { remoteName, remoteAddress } = origin;
      const refusal = refuse('freemailRefused', { why: `freemail ${domain}, and the client is ${remoteName ?? 'nameless'}` });
      if (remoteName === undefined) return nameless(resolver, remoteAddress, refusal);
      const name = foldDomain(remoteName);
      return relays.some(relay => name === relay || name.endsWith(`.${relay}`)) ? pass : refusal;
    },
  };
}

/** No name refuses; a name that cannot be had now does not (Courier's softdnserr). From the resolver's memory, for it was asked at connect. */
async function nameless(resolver: Pick<Resolver, 'ptr'>, address: string, refusal: Refusal): Promise<typeof pass | Refusal> {
  const answer = await resolver.ptr(address);
  return answer.kind === 'unavailable' ? pass : refusal;
}
