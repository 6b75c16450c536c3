/**
 * Takes mail for mailboxes of this box; gives it to Maildirs, mbox files, programs and forwards as .courier files say.
 * 'delivered' means synced. Never fails a recipient for the box's trouble, never lets a shell read what strangers wrote.
 * RFC 5321 §4.4 (Return-Path), §4.5.1 (postmaster).
 */
import type { Transport } from '../../../core/transport.ts';
import { createHands, type HandsOptions } from './hands.ts';
import { createLocalDelivery, type LocalTransportOptions } from './local-transport.ts';
import { createMailboxNames, type MailboxNames, type MailboxNamesOptions } from './mailbox-names.ts';

export type LocalOptions = Omit<MailboxNamesOptions, 'dotExtension'> & Omit<LocalTransportOptions, 'names' | 'hands'> & HandsOptions;

export function createLocalTransport(options: LocalOptions): Transport & { readonly names: MailboxNames } {
  const names = createMailboxNames({ ...options, dotExtension: () => options.settings().dotExtension });
  return { ...createLocalDelivery({ ...options, names, hands: createHands(options) }), names };
}
export { createHands, type HandsOptions } from './hands.ts';
export { openDeputyHands } from './deputy-hands.ts';
export type { Done, Errand, Hands, LocalSettings } from './errand.ts';
export type { FoundMailbox, MailboxNames } from './mailbox-names.ts';
export type { Copy } from './local-transport.ts';
