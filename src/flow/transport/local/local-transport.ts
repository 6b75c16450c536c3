/** Delivers to Maildirs. The outcome is 'delivered' only after file and folder are on disk. */
import type { Outcome } from '../../../core/outcome.ts';
import type { Recipient } from '../../../core/envelope.ts';
import type { Log } from '../../../core/log.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import { isCode, type Maildir } from './maildir.ts';
import type { MailboxNames } from './mailbox-names.ts';

export interface LocalTransportOptions {
  readonly name: string;
  readonly mailboxes: MailboxNames;
  readonly maildir: Maildir;
  readonly log: Log;
}

/** Courier's module.local: MAXDELS 10, MAXHOST 4. */
const AT_ONCE = 10;
const PER_MAILBOX = 4;
const RECIPIENTS = 100;

export function createLocalDelivery(options: LocalTransportOptions): Transport {
  return {
    name: options.name,
    limits: { recipients: RECIPIENTS, perNexthop: PER_MAILBOX, inAll: AT_ONCE },
    async deliver(job, signal) {
      const outcomes = await Promise.all(job.recipients.map(async recipient => [recipient.id, await deliverOne(options, job, recipient, signal)] as const));
      return new Map(outcomes);
    },
    close: () => Promise.resolve(),
  };
}

async function deliverOne(options: LocalTransportOptions, job: Delivery, recipient: Recipient, signal: AbortSignal): Promise<Outcome> {
  const mailbox = await options.mailboxes.find(recipient.address);
  if (mailbox.kind === 'none') return { kind: 'failed', status: '5.1.1', said: { type: 'x-unix', text: `No mailbox for ${recipient.address}` } };
  if (mailbox.kind !== 'found') return { kind: 'deferred', status: '4.3.0', blame: 'nexthop', said: { type: 'x-unix', text: 'The account data cannot be read now' } };
  const fields = Buffer.from(`Delivered-To: ${recipient.address}\nReturn-Path: <${job.envelope.reversePath ?? ''}>\n`);
  try {
    await options.maildir.deliver(mailbox.folder, fields, job.content, signal);
    return { kind: 'delivered', status: '2.0.0', said: { type: 'x-unix', text: 'Delivered to mailbox' } };
  } catch (error) {
    return troubled(options, recipient, error);
  }
}

/** The system's error decides here and nowhere else (F4). None of them is the recipient's last word. */
function troubled(options: LocalTransportOptions, recipient: Recipient, cause: unknown): Outcome {
  const full = isCode(cause, 'ENOSPC');
  const quota = isCode(cause, 'EDQUOT');
  if (!quota) options.log.error('mailbox', { addr: recipient.address, cause });
  const said = { type: 'x-unix', text: quota ? 'Mailbox over quota' : full ? 'Disk full' : 'The mailbox cannot be written now' } as const;
  return { kind: 'deferred', status: full ? '4.3.1' : quota ? '4.2.2' : '4.2.0', blame: full ? 'nexthop' : 'recipient', said };
}
