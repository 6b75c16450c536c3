/**
 * A message's own octets on their way in: rules of the header, and MIME as `MIME` and `BOFHBADMIME` ask.
 * Takes the rules for a message and a sink; hands chunks on as they come, in constant memory, and says at the end whether
 * the message may be taken. Whatever no rule touches goes on to the octet, so that a DKIM signature stays good.
 * RFC 2045, RFC 2046, RFC 6532. Must never look at the envelope's recipients: one message is the same for all.
 */
export { createRevisers, type RevisionOptions } from './revision.ts';
export type { MessageRules } from './rules.ts';
