/**
 * Decisions about a connection, a sender and a recipient, before there is a message.
 * Takes the access table, the accepted domains and bofh's rules as plain values; gives an Admission for the listener
 * and the Checks that the intake asks in order.
 * Knows no socket, and of DNS a resolver only.
 * Must never let a stranger send to a stranger: what is not allowed by a rule is refused (RFC 5321 §3.6.2, RFC 2505 §2.1).
 */
import type { Origin } from '../../core/envelope.ts';
import type { Check } from '../../core/policy.ts';
import type { DomainList } from '../../grammar/config/domain-list.ts';
import { createBlockCheck } from './block.ts';
import { createRecipientLimit, createSenderCheck, createSpamTrapCheck, type BofhRules } from './bofh.ts';
import { createRelayCheck } from './relay.ts';
import { createSenderAddressCheck } from './sender-address.ts';

export { createNetworkChecks, type NetworkChecks } from './network-checks.ts';
export { createAuthentication } from './authentication.ts';
export { createBans, type Bans, type Counted } from './bans.ts';
export { createGreylist } from './greylist.ts';
export { createReportsCheck, learnFromReport } from './reports-refused.ts';
export { createTrackCheck, trackOutcome } from './tracked.ts';
export { createAdmission, type AdmissionRules } from './access.ts';

export interface CheckOptions {
  /** esmtpacceptmailfor. */
  readonly acceptMailFor: Pick<DomainList, 'has'>;
  /** Our own domain where a literal means us. */
  home?(domain: string, origin: Origin): string | null;
  readonly bofh: BofhRules;
}

/** In the order in which to ask them. Those that need a name server are in network-checks.ts. */
export function createChecks({ acceptMailFor, home, bofh }: CheckOptions): readonly Check[] {
  return [createSenderAddressCheck(acceptMailFor), createSenderCheck(bofh.badFrom), createBlockCheck(), createRecipientLimit(bofh.maxRecipients), createRelayCheck(acceptMailFor, home), createSpamTrapCheck(bofh.spamTraps)];
}
