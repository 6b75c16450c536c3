/**
 * Takes mail for mailboxes of this box; gives it to Maildirs below one folder. 'delivered' means synced.
 * Never fails a recipient for the box's trouble. RFC 5321 §4.4 (Return-Path), §4.5.1 (postmaster).
 */
import type { AuthBackend } from '../../../core/auth.ts';
import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Transport } from '../../../core/transport.ts';
import { createLocalDelivery } from './local-transport.ts';
import { createMailboxNames, type MailboxNames } from './mailbox-names.ts';
import { createMaildir } from './maildir.ts';

export interface LocalOptions {
  readonly name: string;
  readonly me: string;
  readonly folder: string;
  readonly accounts?: AuthBackend;
  readonly everyone?: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export function createLocalTransport(options: LocalOptions): Transport & { readonly mailboxes: MailboxNames } {
  const mailboxes = createMailboxNames(options);
  const maildir = createMaildir({ host: options.me, now: () => options.clock.now() });
  return { ...createLocalDelivery({ name: options.name, mailboxes, maildir, log: options.log }), mailboxes };
}
export type { FoundMailbox, MailboxNames } from './mailbox-names.ts';
