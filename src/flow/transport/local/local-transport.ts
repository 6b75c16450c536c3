/** Delivers on this box. The outcome is 'delivered' only after file and folder are on disk. */
import { mkdir, open } from 'node:fs/promises';
import type { Outcome } from '../../../core/outcome.ts';
import type { Address, Recipient } from '../../../core/envelope.ts';
import type { Clock } from '../../../core/clock.ts';
import type { Mailboxes } from '../../../core/mailbox.ts';
import type { Log } from '../../../core/log.ts';
import type { StoredContent } from '../../../core/queue-store.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import { domainOf, parseAddress, unquotedLocalPart } from '../../../grammar/address.ts';
import { parseDotCourier, type Instruction } from '../../../grammar/dot-courier.ts';
import { formatCtime } from '../../../grammar/date.ts';
import { messageOf, type Instructions, type Mission } from './instructions.ts';
import type { FoundMailbox, MailboxNames } from './mailbox-names.ts';
import { outcomeOf } from './stored.ts';

export interface LocalTransportOptions {
  readonly name: string;
  readonly names: MailboxNames;
  readonly mailboxes: Mailboxes;
  readonly instructions: Instructions;
  /** The `.courier` line behind an address that an alias made; null: none. */
  instruction?(recipient: Address): string | null;
  /** Where programs of aliases start. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Courier's module.local: MAXDELS 10, MAXHOST 4. */
const AT_ONCE = 10;
const PER_MAILBOX = 4;
const RECIPIENTS = 100;
const LARGEST_DOT_FILE = 1024 * 1024;
/** How much is looked at for our own Delivered-To; a loop writes it first. */
const LOOKED_AT = 100_000;

type Found = Extract<FoundMailbox, { kind: 'found' }>;

export function createLocalDelivery(options: LocalTransportOptions): Transport {
  return {
    name: options.name,
    limits: { recipients: RECIPIENTS, perNexthop: PER_MAILBOX, inAll: AT_ONCE },
    async deliver(job, signal) {
      // Content that cannot be read fails where it is written, recipient by recipient.
      const header = await headerOf(job.content).catch(() => '');
      const outcomes = await Promise.all(job.recipients.map(async recipient => [recipient.id, await deliverOne(options, job, recipient, header, signal)] as const));
      return new Map(outcomes);
    },
    close: () => Promise.resolve(),
  };
}

async function deliverOne(options: LocalTransportOptions, job: Delivery, recipient: Recipient, header: string, signal: AbortSignal): Promise<Outcome> {
  try {
    // Mail that was here for this very recipient goes in a circle (courier-core 8.1).
    if (wasHere(header, recipient.address)) return { kind: 'failed', status: '5.4.6', said: { type: 'x-unix', text: `This message was delivered to ${recipient.address} before: a loop` } };
    const ordered = options.instruction?.(recipient.address) ?? null;
    if (ordered !== null) {
      await mkdir(options.folder, { recursive: true, mode: 0o700 });
      return await options.instructions(parseDotCourier(ordered) ?? [], mission(options, job, recipient, null), signal);
    }
    const mailbox = await options.names.find(recipient.address);
    if (mailbox.kind === 'none') return { kind: 'failed', status: '5.1.1', said: { type: 'x-unix', text: `No mailbox for ${recipient.address}` } };
    if (mailbox.kind !== 'found') return { kind: 'deferred', status: '4.3.0', blame: 'nexthop', said: { type: 'x-unix', text: 'The account data cannot be read now' } };
    const list = mailbox.dotFile === undefined ? null : await readDotFile(mailbox.dotFile);
    if (list === 'unsafe') return { kind: 'deferred', status: '4.7.0', blame: 'recipient', said: { type: 'x-unix', text: 'The delivery instructions can be changed by others' } };
    const errand = mission(options, job, recipient, mailbox);
    if (list !== null) return await options.instructions(list, errand, signal);
    const stored = await options.mailboxes.deliver(`${mailbox.folder}/`, messageOf(errand), signal);
    return stored.kind === 'refused' ? outcomeOf(stored) : { kind: 'delivered', status: '2.0.0', said: { type: 'x-unix', text: 'Delivered to mailbox' } };
  } catch (error) {
    return troubled(options, recipient, error);
  }
}

/** Null: it says nothing, so the default delivery holds. */
async function readDotFile(path: string): Promise<readonly Instruction[] | null | 'unsafe'> {
  const file = await open(path, 'r');
  try {
    const { mode, size } = await file.stat();
    if ((mode & 0o002) !== 0 || size > LARGEST_DOT_FILE) return 'unsafe';
    return parseDotCourier(await file.readFile('utf8'));
  } finally {
    await file.close();
  }
}

async function headerOf(content: StoredContent): Promise<string> {
  let text = '';
  for await (const piece of content.read()) {
    text += Buffer.from(piece.buffer, piece.byteOffset, Math.min(piece.length, LOOKED_AT)).toString('utf8');
    const end = text.search(/\r?\n\r?\n/);
    if (end >= 0) return text.slice(0, end);
    if (text.length >= LOOKED_AT) break;
  }
  return text;
}

function wasHere(header: string, recipient: Address): boolean {
  if (!/^delivered-to:/im.test(header)) return false;
  for (const [, value = ''] of header.matchAll(/^delivered-to:[ \t]*([^\r\n]*)/gim)) {
    if (parseAddress(value.trim())?.toLowerCase() === recipient.toLowerCase()) return true;
  }
  return false;
}

function mission(options: LocalTransportOptions, job: Delivery, recipient: Recipient, mailbox: Found | null): Mission {
  const sender = job.envelope.reversePath ?? '';
  const dtLine = `Delivered-To: ${recipient.address}`;
  const rpLine = `Return-Path: <${sender}>`;
  const home = mailbox === null ? options.folder : (mailbox.account?.home ?? mailbox.folder);
  const extension = mailbox?.extension ?? '';
  const [, ext2 = ''] = cutDash(extension);
  const [, ext3 = ''] = cutDash(ext2);
  const local = unquotedLocalPart(recipient.address);
  return {
    home,
    sender,
    content: job.content,
    ...(mailbox?.account?.quota === undefined ? {} : { quota: mailbox.account.quota }),
    fields: Buffer.from(`${dtLine}\n${rpLine}\n`),
    environment: {
      PATH: '/usr/local/bin:/usr/bin:/bin', SHELL: '/bin/sh', HOME: home, USER: mailbox?.account?.login ?? local,
      SENDER: sender, RECIPIENT: recipient.address, HOST: domainOf(recipient.address), LOCAL: local,
      EXT: extension, EXT2: ext2, EXT3: ext3, EXT4: cutDash(ext3)[1] ?? '', DEFAULT: mailbox?.rest ?? '',
      UFLINE: `From ${sender || 'MAILER-DAEMON'} ${formatCtime(options.clock.now())}`, RPLINE: rpLine, DTLINE: dtLine,
      MAILDROPDEFAULT: mailbox?.folder ?? './Maildir',
      ...(mailbox?.account?.quota === undefined ? {} : { MAILDIRQUOTA: mailbox.account.quota }),
    },
  };
}

function cutDash(text: string): readonly string[] {
  const dash = text.indexOf('-');
  return dash < 0 ? [text] : [text.slice(0, dash), text.slice(dash + 1)];
}

/** Not the mailbox's word, so it is ours: a file that cannot be read, or a bug. */
function troubled(options: LocalTransportOptions, recipient: Recipient, cause: unknown): Outcome {
  options.log.error('local', { addr: recipient.address, cause });
  return { kind: 'deferred', status: '4.2.0', blame: 'recipient', said: { type: 'x-unix', text: 'The mailbox cannot be written now' } };
}
