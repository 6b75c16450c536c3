/** Where `to` and `cc` lead: a program, addresses through sendmail, a Maildir or an mbox file; and the delivery log. */
import { open, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { Mailboxes, MailboxMessage } from '../../core/mailbox.ts';
import { formatCtime } from '../../grammar/date.ts';
import type { Message } from './message.ts';
import { decoded, runProgram, type Program } from './programs.ts';
import type { QuotaWarning } from './quota-warning.ts';
import type { Delivery, Variables } from './world.ts';

export interface DeliveryOptions {
  readonly mailboxes: Mailboxes;
  readonly clock: Clock;
  readonly folder: string;
  readonly message: () => Message;
  readonly output: Program['output'];
  readonly errors: Program['errors'];
  readonly signal: AbortSignal;
  readonly warning?: QuotaWarning;
}

/** Columns of the log: the name's, and the size behind it. */
const NAME_COLUMNS = 72;
const FILE_COLUMNS = 78;

export interface Deliveries {
  deliver(mailbox: string, variables: Variables): Promise<Delivery>;
  openLog(path: string): Promise<boolean>;
  log(text: string): Promise<void>;
  close(): Promise<void>;
}

export function createDeliveries(options: DeliveryOptions): Deliveries {
  let log: FileHandle | null = null;
  return {
    async deliver(mailbox, variables) {
      const done = await deliverTo(options, mailbox, variables);
      if (log !== null && done.delivery.kind !== 'refused') await log.write(entry(options, mailbox, done.octets, done.delivery));
      return done.delivery;
    },
    async openLog(path) {
      await log?.close();
      log = await open(inside(options.folder, path), 'a', 0o600).catch(() => null);
      return log !== null;
    },
    async log(text) {
      await log?.write(Buffer.from(text, 'latin1'));
    },
    async close() {
      await log?.close();
      log = null;
    },
  };
}

async function deliverTo(options: DeliveryOptions, mailbox: string, variables: Variables): Promise<{ readonly delivery: Delivery; readonly octets: number }> {
  const message = options.message();
  const { folder, output, errors, signal } = options;
  if (mailbox.startsWith('|') || mailbox.startsWith('!')) {
    const command = mailbox.startsWith('|') ? decoded(mailbox.slice(1)) : forwardCommand(mailbox.slice(1), variables);
    if (command === null) return { delivery: { kind: 'refused', why: 'An address to forward to begins with - or has characters that none has.' }, octets: 0 };
    const delivery = await runProgram({ command, folder, variables, message, output, errors }, signal);
    return { delivery, octets: message.sizeOctets };
  }
  if (mailbox === '') return { delivery: { kind: 'refused', why: 'Unable to open mailbox.' }, octets: 0 };
  const path = inside(folder, mailbox);
  const stored = await options.mailboxes.deliver(path, mailboxMessage(message, variables), signal);
  if (stored.kind === 'refused') return { delivery: { kind: 'refused', why: `Unable to deliver to ${mailbox}: ${stored.text}` }, octets: 0 };
  await options.warning?.look(path, mailboxes => options.mailboxes.deliver(path, mailboxes, signal));
  return { delivery: { kind: 'stored' }, octets: stored.octets === message.contentOctets ? stored.octets : stored.octets - mboxFrame(variables) };
}

/** Each address a word of its own: the shell that SENDMAIL's words need must not find more in them. */
function forwardCommand(addresses: string, variables: Variables): string | null {
  const words = addresses.split(/[ \t\n]+/).filter(word => word !== '');
  if (words.some(word => word.startsWith('-') || /[\u0000-\u001f\u007f]/.test(word))) return null;
  const sendmail = variables.get('SENDMAIL') ?? '';
  // The null sender: what cannot be forwarded is not returned to the author (courier-services 2.4).
  return [decoded(sendmail), '-f', "''", ...words.map(word => `'${decoded(word).replaceAll("'", String.raw`'\''`)}'`)].join(' ');
}

function mailboxMessage(message: Message, variables: Variables): MailboxMessage {
  const quota = variables.get('MAILDIRQUOTA') ?? '';
  const flags = (variables.get('FLAGS') ?? '').replaceAll(/[^DFRS]/g, '');
  const keywords = (variables.get('KEYWORDS') ?? '').split(',').map(word => decoded(word.trim())).filter(word => word !== '');
  const umask = Number.parseInt(variables.get('UMASK') ?? '077', 8);
  return {
    fields: NOTHING,
    content: () => message.content(),
    reversePath: variables.get('FROM') ?? '',
    mode: 0o666 & ~(Number.isNaN(umask) ? 0o077 : umask),
    ...(quota === '' ? {} : { quota }),
    ...(flags === '' ? {} : { flags }),
    ...(keywords.length === 0 ? {} : { keywords }),
  };
}

/** The From_ line and the empty line of an mbox: the log counts the message, with the quotes it got. */
function mboxFrame(variables: Variables): number {
  return 'From  Sat Nov 21 00:00:00 2026\n\n'.length + Buffer.byteLength(variables.get('FROM') ?? '');
}

const NOTHING = new Uint8Array(0);

/** Variables are octets; file names of this system are UTF-8. */
export function inside(folder: string, path: string): string {
  const name = decoded(path);
  return isAbsolute(name) ? name : join(folder, name);
}

function entry({ message, clock }: DeliveryOptions, mailbox: string, octets: number, delivery: Delivery): Buffer {
  const first = (name: string): string => (message().firstLine(name)).slice(0, NAME_COLUMNS);
  const failed = delivery.kind === 'ran' && delivery.code !== 0;
  const size = `(${octets})`;
  const file = `${failed ? '!Err: ' : 'File: '}${mailbox.replaceAll(/[\n\r]/g, ' ')}`;
  const room = FILE_COLUMNS - size.length;
  const line = `${file.slice(0, room - 1).padEnd(room)}${size}`;
  return Buffer.from(`Date: ${formatCtime(clock.now())}\nFrom: ${first('from')}\nSubj: ${first('subject')}\n${line}\n\n`, 'latin1');
}
