/**
 * What mail goes through on its way to the ESMTP transport: senders that the next hop's provider takes, and our DKIM
 * signature (RFC 6376, RFC 8463). A transport around a transport: the one inside sees mail as the peer will get it.
 * What is not to be changed and not to be signed passes without a look at its content. It must never change an octet that
 * it was not told to change, nor sign what strangers handed over.
 */
export { createOutgoing } from './outgoing.ts';
export type { Manner, OutgoingSettings } from './outgoing.ts';
export { createSigners, type Signers } from './signers.ts';
export type { DkimKey } from './dkim.ts';
export { createPercentForm, type PercentRule } from './percent-form.ts';
