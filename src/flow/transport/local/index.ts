/**
 * Takes mail for mailboxes of this box; gives it to Maildirs, mbox files, programs and forwards as .courier files say. 'delivered' means synced.
 * Never fails a recipient for the box's trouble. RFC 5321 §4.4 (Return-Path), §4.5.1 (postmaster).
 */
import type { Transport } from '../../../core/transport.ts';
import { createInstructions, type InstructionsOptions } from './instructions.ts';
import { createLocalDelivery, type LocalTransportOptions } from './local-transport.ts';
import { createMailboxNames, type MailboxNames, type MailboxNamesOptions } from './mailbox-names.ts';

export type LocalOptions = MailboxNamesOptions & Pick<LocalTransportOptions, 'name' | 'instruction' | 'mailboxes' | 'log' | 'clock'> & Pick<InstructionsOptions, 'forward'>;

/** Courier's `localtimeout`. */
const WATCHDOG_MS = 15 * 60_000;

export function createLocalTransport(options: LocalOptions): Transport & { readonly names: MailboxNames } {
  const names = createMailboxNames(options);
  const instructions = createInstructions({ ...options, limitMs: WATCHDOG_MS });
  return { ...createLocalDelivery({ ...options, names, instructions }), names };
}
export type { FoundMailbox, MailboxNames } from './mailbox-names.ts';
