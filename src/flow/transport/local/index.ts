/**
 * Takes mail for mailboxes of this box; gives it to Maildirs, mbox files, programs and forwards as .courier files say. 'delivered' means synced.
 * Never fails a recipient for the box's trouble. RFC 5321 §4.4 (Return-Path), §4.5.1 (postmaster).
 */
import type { Transport } from '../../../core/transport.ts';
import { createInstructions, type InstructionsOptions } from './instructions.ts';
import { createLocalDelivery, type LocalTransportOptions } from './local-transport.ts';
import { createMailboxNames, type MailboxNames, type MailboxNamesOptions } from './mailbox-names.ts';
import { createMaildir } from './maildir.ts';

export type LocalOptions = MailboxNamesOptions & Pick<LocalTransportOptions, 'name' | 'instruction' | 'log'> & Pick<InstructionsOptions, 'forward' | 'clock'> & {
  readonly me: string;
};

/** Courier's `localtimeout`. */
const WATCHDOG_MS = 15 * 60_000;

export function createLocalTransport(options: LocalOptions): Transport & { readonly mailboxes: MailboxNames } {
  const mailboxes = createMailboxNames(options);
  const now = () => options.clock.now();
  const maildir = createMaildir({ host: options.me, now });
  const instructions = createInstructions({ ...options, maildir, limitMs: WATCHDOG_MS });
  return { ...createLocalDelivery({ ...options, mailboxes, maildir, instructions, now }), mailboxes };
}
export type { FoundMailbox, MailboxNames } from './mailbox-names.ts';
