/**
 * A sender that nobody could answer (RFC 5321 §2.3.5): without a domain, or with a name that only its own network knows.
 * Refused of strangers; who may relay is somebody whose machines we know, and old ones say such things.
 */
import type { Check } from '../../core/policy.ts';
import { pass } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import { domainOf } from '../../grammar/address.ts';
import type { DomainList } from '../../grammar/config/domain-list.ts';
import { mayRelay } from './relay.ts';

export function createSenderAddressCheck(known: Pick<DomainList, 'has'>): Check {
  return {
    name: 'sender-address',
    stage: 'mail',
    judge({ origin, variables, reversePath = null }) {
      if (reversePath === null || (origin.source !== 'esmtp' && origin.source !== 'submission') || mayRelay(origin, variables)) return pass;
      const domain = domainOf(reversePath);
      if (domain.includes('.') || domain.startsWith('[') || (domain !== '' && known.has(domain))) return pass;
      return refuse('badSenderAddress', { text: 'Bad reverse-path: a full domain is needed', why: domain === '' ? 'sender without domain' : `${domain} has no dot` });
    },
  };
}
