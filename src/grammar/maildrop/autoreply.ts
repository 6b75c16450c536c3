/**
 * Answers that nobody writes: whether a message wants one (RFC 3834 §2), to whom, and its text. Pure; octets in and out.
 * Replies, forwards, DSNs (RFC 3464) and feedback reports (RFC 5965).
 */
import { formatDate, parseDate } from '../date.ts';
import { parseContentType } from '../mime/field.ts';
import { firstValue, isNamed, unfolded, valueOf, type RawField } from '../header/edit.ts';
import { formatMailbox, parseMailboxes, type Mailbox } from './addresses.ts';
import { decodeWords, encodeUtf8 } from './encoded-words.ts';

export type ReplyFormat = 'reply' | 'replyall' | 'replydsn' | 'replydraft' | 'replyfeedback' | 'forward' | 'forwardatt' | 'feedback';

export interface Original {
  readonly fields: readonly RawField[];
  /** The whole message; null when it is too large to be sent along. */
  readonly octets: string | null;
  /** Its text in UTF-8, a line each; null when it has none that could be quoted. */
  readonly text: readonly string[] | null;
}

export interface ReplyOrder {
  readonly format: ReplyFormat;
  /** Of the text: `Content-Type: …` and whatever else stood with it, without the encoding. */
  readonly textFields: readonly string[];
  readonly text: string;
  /** Put first, as they are. */
  readonly fields: readonly string[];
  /** Instead of the original's sender. */
  readonly to?: string;
  readonly preferErrorsTo: boolean;
  readonly subject?: string;
  readonly quote: boolean;
  readonly attachWhole: boolean;
  readonly salutation: string;
  readonly marker: string;
  /** Who answers, in a DSN. */
  readonly dsnAddress?: string;
  readonly feedbackType?: string;
  /** `Field: value` of the feedback report. */
  readonly feedback: readonly string[];
  readonly now: number;
  readonly boundary: string;
}

const NOTICE = 'This is a MIME-formatted message.  If you see this text it means that your\nE-mail software does not support MIME-formatted messages.\n';

/** Machines are not answered, lists neither. */
export function wantsAnswer(fields: readonly RawField[]): boolean {
  const values = (name: string): string[] => fields.filter(field => isNamed(field, name)).map(field => valueOf(field).trim().toLowerCase());
  if (values('precedence').some(value => ['junk', 'bulk', 'list'].includes(value))) return false;
  if (values('auto-submitted').some(value => value.replace(/[;\s(].*$/, '') !== 'no')) return false;
  if (fields.some(field => isNamed(field, 'list-id'))) return false;
  return parseContentType(firstValue(fields, 'content-type') ?? '')?.type !== 'multipart/report';
}

/** One of these addresses is in To or Cc. */
export function isAddressedTo(fields: readonly RawField[], addresses: readonly string[]): boolean {
  const wanted = new Set(addresses.map(one => one.trim().toLowerCase()));
  return mailboxesOf(fields, 'to', 'cc').some(one => wanted.has(one.address.toLowerCase()));
}

/** Null: there is nobody. */
export function recipientOf(fields: readonly RawField[], preferErrorsTo: boolean): Mailbox | null {
  for (const name of [...(preferErrorsTo ? ['errors-to', 'return-path'] : []), 'reply-to', 'from']) {
    const found = mailboxesOf(fields, name).find(one => one.address !== '');
    if (found !== undefined) return found;
  }
  return null;
}

function mailboxesOf(fields: readonly RawField[], ...names: readonly string[]): readonly Mailbox[] {
  return fields.filter(field => names.some(name => isNamed(field, name))).flatMap(field => parseMailboxes(valueOf(field)));
}

export function composeReply(order: ReplyOrder, original: Original): string {
  const answers = order.format !== 'forward' && order.format !== 'forwardatt' && order.format !== 'feedback';
  const head = [...order.fields, 'Precedence: junk', 'Auto-Submitted: auto-replied', ...(answers ? answerFields(order, original) : []), `Subject: ${subjectOf(order, original, answers)}`, 'Mime-Version: 1.0'];
  const text = `${[...order.textFields, 'Content-Transfer-Encoding: 8bit'].join('\n')}\n\n${bodyOf(order, original)}`;
  switch (order.format) {
    case 'reply':
    case 'replyall':
    case 'replydraft':
    case 'forward':
      return `${head.join('\n')}\n${text}`;
    case 'forwardatt':
      return multipart(head, 'multipart/mixed', order, [text, `Content-Type: message/rfc822\nContent-Description: Forwarded message\n\n${original.octets ?? headerText(original)}`]);
    case 'replydsn':
      return multipart(head, 'multipart/report; report-type=delivery-status', order, [text, dsnPart(order), originalPart(order, original)]);
    case 'feedback':
    case 'replyfeedback':
      return multipart(head, 'multipart/report; report-type=feedback-report', order, [text, feedbackPart(order), originalPart(order, original)]);
    default:
      return order.format satisfies never;
  }
}

function answerFields(order: ReplyOrder, { fields }: Original): string[] {
  const recipient = order.to ?? formatted(recipientOf(fields, order.preferErrorsTo));
  const copies = order.format === 'replyall' ? mailboxesOf(fields, 'to', 'cc').map(formatMailbox).join(', ') : '';
  const id = firstValue(fields, 'message-id')?.trim() ?? '';
  const before = firstValue(fields, 'references')?.trim() ?? '';
  return [
    `To: ${recipient}`,
    ...(copies === '' ? [] : [`Cc: ${copies}`]),
    // RFC 5322 §3.6.4
    ...(id === '' ? [] : [`In-Reply-To: ${id}`, `References: ${before === '' ? '' : `${before}\n `}${id}`]),
  ];
}

function formatted(mailbox: Mailbox | null): string {
  return mailbox === null ? '' : formatMailbox(mailbox);
}

function subjectOf(order: ReplyOrder, { fields }: Original, answers: boolean): string {
  if (order.subject !== undefined) return encodeUtf8(order.subject);
  const said = firstValue(fields, 'subject')?.trim() ?? '';
  if (!answers) return order.format === 'feedback' ? said : `${said} (fwd)`;
  return /^re:/i.test(said) ? said : `Re: ${said}`;
}

function bodyOf(order: ReplyOrder, original: Original): string {
  const text = order.text.endsWith('\n') || order.text === '' ? order.text : `${order.text}\n`;
  if (order.format === 'forward') return `${text}\n\n${order.marker}\n${forwardHeader(original)}\n${encodeUtf8((original.text ?? []).map(line => `${line}\n`).join(''))}`;
  if (order.format === 'forwardatt') return `${text}\n\n${order.marker}\n`;
  if (!order.quote || original.text === null) return text;
  const quoted = original.text.map(line => `>${line.startsWith('>') ? '' : ' '}${line}`).join('\n');
  return `${encodeUtf8(saluted(order.salutation, original))}\n\n${encodeUtf8(quoted)}\n\n${text}`;
}

function forwardHeader({ fields }: Original): string {
  return ['from', 'to', 'cc', 'subject', 'date'].flatMap(name => fields.filter(field => isNamed(field, name))).map(field => `${encodeUtf8(decodeWords(unfolded(field)))}\n`).join('');
}

/** `%F writes:` and its like. */
function saluted(salutation: string, { fields }: Original): string {
  const value = (name: string): string => decodeWords(firstValue(fields, name)?.trim() ?? '');
  const from = recipientOf(fields, false) ?? { name: '', address: '' };
  const date = parseDate(value('date'));
  const known: Readonly<Record<string, () => string>> = {
    '%': () => '%', n: () => '\n', C: () => value('x-newsgroup'), N: () => value('newsgroups'), i: () => value('message-id'),
    f: () => from.address, F: () => decodeWords(from.name === '' ? from.address : from.name), S: () => value('subject'),
  };
  return salutation.replaceAll(/%(?:\{([^}]*)\}d|([%nCNifFSd]))/g, (_, format: string | undefined, letter = 'd') => {
    if (letter !== 'd') return known[letter]?.() ?? '';
    return date === null ? '' : formatTime(date, format ?? '%a, %d %b %Y %H:%M:%S %z');
  });
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** The usual letters of strftime(3), in UTC. */
function formatTime(at: number, format: string): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  const [day = '', month = ''] = [DAYS[date.getUTCDay()], MONTHS[date.getUTCMonth()]];
  const known: Readonly<Record<string, string>> = {
    a: day.slice(0, 3), A: day, b: month.slice(0, 3), B: month, d: two(date.getUTCDate()), e: String(date.getUTCDate()).padStart(2), H: two(date.getUTCHours()), M: two(date.getUTCMinutes()), S: two(date.getUTCSeconds()),
    m: two(date.getUTCMonth() + 1), Y: String(date.getUTCFullYear()), y: two(date.getUTCFullYear() % 100), z: '+0000', Z: 'UTC', '%': '%',
    F: date.toISOString().slice(0, 10), T: date.toISOString().slice(11, 19), s: String(Math.trunc(at / 1000)), n: '\n', t: '\t',
  };
  return format.replaceAll(/%([A-Za-z%])/g, (whole, letter: string) => known[letter] ?? whole);
}

function headerText({ fields }: Original): string {
  return fields.map(field => `${unfolded(field)}\n`).join('');
}

function dsnPart({ dsnAddress, now }: ReplyOrder): string {
  return `Content-Type: message/delivery-status\nContent-Transfer-Encoding: 7bit\n\nArrival-Date: ${formatDate(now)}\n\nFinal-Recipient: rfc822; ${dsnAddress ?? ''}\nAction: delivered\nStatus: 2.0.0\n`;
}

function feedbackPart({ feedback, feedbackType, now }: ReplyOrder): string {
  // RFC 5965 §3.1
  return `Content-Type: message/feedback-report\nContent-Transfer-Encoding: 7bit\n\nFeedback-Type: ${feedbackType ?? 'other'}\nUser-Agent: posthorn\nVersion: 1\nArrival-Date: ${formatDate(now)}\n${feedback.map(field => `${field}\n`).join('')}`;
}

function originalPart(order: ReplyOrder, original: Original): string {
  if (order.attachWhole && original.octets !== null) return `Content-Type: message/rfc822\nContent-Disposition: attachment\n\n${original.octets}`;
  return `Content-Type: text/rfc822-headers; charset="utf-8"\nContent-Disposition: attachment\nContent-Transfer-Encoding: 8bit\n\n${headerText(original)}`;
}

function multipart(head: readonly string[], type: string, { boundary }: ReplyOrder, parts: readonly string[]): string {
  return `${head.join('\n')}\nContent-Type: ${type};\n    boundary="${boundary}"\n\n${NOTICE}\n${parts.map(part => `--${boundary}\n${part}\n`).join('')}--${boundary}--\n`;
}
