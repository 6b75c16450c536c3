/** The checks that ask a name server, and their order: what is cheap and certain comes first. */
import type { Clock } from '../../core/clock.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { Log } from '../../core/log.ts';
import type { Check, Variables } from '../../core/policy.ts';
import type { Bofh } from '../../grammar/config/ways-in/bofh.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import type { Refusal } from '../../core/status.ts';
import { createLists } from './dns-lists.ts';
import { createFreemailCheck } from './freemail.ts';
import { createHeloCheck } from './helo.ts';
import { createSenderDomainCheck } from './sender-domain.ts';
import { createSpfChecks } from './spf/check.ts';

export interface NetworkOptions {
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly log: Log;
  /** Our name. */
  readonly me: string;
  readonly bofh: Pick<Bofh, 'badMx' | 'freemail'>;
  /** Domains that need no looking up. */
  readonly isOwn: (domain: string) => boolean;
}

export interface NetworkChecks {
  /** At connect: whether the client is to be hung up on, once the lists have said so. */
  meet(address: string, variables: Variables): Awaitable<Refusal | null>;
  /** `checks`: those that need no name server. In the order in which to ask them all. */
  around(checks: readonly Check[]): readonly Check[];
}

export function createNetworkChecks(options: NetworkOptions): NetworkChecks {
  const lists = createLists(options);
  const spf = createSpfChecks(options);
  return {
    meet: (address, variables) => lists.meet(address, variables),
    around: checks => [
      // BLOCK is read by one of the others.
      ...lists.checks,
      ...checks,
      createFreemailCheck(options.bofh.freemail, options.resolver),
      // A pass for HELO spares the check after it.
      spf.helo, createHeloCheck(options), spf.mailFrom,
      createSenderDomainCheck({ ...options, badMx: options.bofh.badMx }),
      spf.from,
    ],
  };
}
