/** bofh's rules that need nothing but the envelope: senders and recipients never wanted, and how many recipients one message has. */
import type { Check } from '../../core/policy.ts';
import { pass } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import type { AddressPattern, Bofh } from '../../grammar/config/ways-in/bofh.ts';
import { createAddressPatterns } from './address-patterns.ts';

export type BofhRules = Pick<Bofh, 'badFrom' | 'maxRecipients' | 'spamTraps'>;

/** `badfrom`; the null reverse-path is never a bad sender, it is a report (RFC 5321 §4.5.5). */
export function createSenderCheck(patterns: readonly AddressPattern[]): Check {
  const bad = createAddressPatterns(patterns);
  return {
    name: 'badfrom',
    stage: 'mail',
    judge: ({ reversePath = null }) => (reversePath !== null && bad.has(reversePath) ? refuse('senderRefused', { why: `${reversePath} is a badfrom` }) : pass),
  };
}

/** `spamtrap`: an address that nobody who was asked would write to; the whole message goes, for all its recipients. */
export function createSpamTrapCheck(patterns: readonly AddressPattern[]): Check {
  const traps = createAddressPatterns(patterns);
  return {
    name: 'spamtrap',
    stage: 'data',
    judge({ recipients = [] }) {
      const caught = recipients.find(({ address }) => traps.has(address));
      return caught === undefined ? pass : refuse('spamTrap', { why: `${caught.address} is a spamtrap` });
    },
  };
}

/** `maxrcpts`: soft asks for the rest in another transaction, hard wants none of it (RFC 5321 §4.5.3.1.10). */
export function createRecipientLimit({ count, hard }: Bofh['maxRecipients']): Check {
  return {
    name: 'maxrcpts',
    stage: 'rcpt',
    judge: ({ acceptedRecipients = 0 }) => (acceptedRecipients < count ? pass : hard ? tooManyForGood : refuse('tooManyRecipients')),
  };
}

/** 552 would be read as 452 by clients that follow RFC 5321 §4.5.3.1.10, and come again. */
const tooManyForGood = refuse('tooManyRecipientsForGood');
