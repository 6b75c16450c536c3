/**
 * What mail goes through on its way to the ESMTP transport: as much as the next hop's provider takes, senders that it
 * takes, our DKIM signature (RFC 6376, RFC 8463), and an ARC seal on foreign mail (RFC 8617); binary mail is put into
 * lines for whoever needs them. A transport around a transport: the one inside sees mail as the peer will get it. What
 * is not to be changed and not to be signed passes without a look at its content. It must never change an octet that it
 * was not told to change, nor sign what strangers handed over.
 */
export { createOutgoing } from './outgoing.ts';
export type { Manner, OutgoingSettings } from './outgoing.ts';
export { openQuotas, type Quota, type Quotas } from './quotas.ts';
export { createSigners, type Signers } from './signers.ts';
export type { DkimKey } from './dkim.ts';
export type { ArcSealer } from './arc.ts';
export { createBinaryMail } from './binary-mail.ts';
export { createPercentForm, type PercentRule } from './percent-form.ts';
