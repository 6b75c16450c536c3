/**
 * The report as a message (RFC 6522, RFC 3464 §2, RFC 6533 §6): a text for people, fields for machines, and what was
 * sent. ASCII, unless the sender asked for SMTPUTF8 and so will understand more.
 */
import type { Address } from '../../core/envelope.ts';
import type { Diagnostic, Outcome } from '../../core/outcome.ts';
import type { RecipientState, StoredMessage } from '../../core/queue-store.ts';
import { domainOf, localPart, needsSmtputf8 } from '../../grammar/address.ts';
import { formatDate } from '../../grammar/date.ts';
import { asciiDomain, isAscii } from '../../grammar/domain.ts';
import { formatDeliveryStatus, type Action, type RecipientStatus, type Typed } from '../../grammar/dsn.ts';
import { encodeWords } from '../../grammar/mime/encoded-word.ts';
import { encodeUtf8Address } from '../../grammar/xtext.ts';
import type { Returned } from './returned.ts';
import { fillIn, type ReportTexts } from './texts.ts';

export interface Report {
  readonly message: StoredMessage;
  readonly recipients: readonly RecipientState[];
  readonly to: Address;
  /** For a delay: until when we go on. */
  readonly retryUntil: number | null;
  readonly returned: Returned | null;
  readonly me: string;
  /** The From field's text. */
  readonly from: string;
  readonly messageIdField: string;
  readonly at: number;
  readonly boundary: string;
  readonly texts: ReportTexts;
}

export interface Composition {
  /** All before the returned octets, and all after. */
  readonly head: string;
  readonly tail: string;
  readonly smtputf8: boolean;
  readonly body: '7bit' | '8bitmime';
}

/** Courier shows no more of a reply. */
const REPLY_LONGEST = 500;
const LINE_LONGEST = 900;

export function compose(report: Report): Composition {
  const { message, returned, boundary, texts, retryUntil } = report;
  const utf8 = message.envelope.smtputf8 || needsSmtputf8(report.to);
  const text = readableText(report);
  const status = formatDeliveryStatus({
    reportingMta: { type: 'dns', text: asciiDomain(report.me) ?? report.me },
    arrivalDate: message.acceptedAt,
    ...(message.envelope.envid === undefined ? {} : { originalEnvelopeId: message.envelope.envid }),
    ...receivedFrom(message),
    recipients: report.recipients.map(recipient => statusOf(recipient, retryUntil, utf8)),
  }, utf8);
  const body8bit = !isAscii(text) || !isAscii(status) || returned?.has8bit === true;
  const to = wireAddress(report.to, utf8);
  const subject = encodeWords(oneLine(retryUntil === null ? texts.subjectNotice : texts.subjectWarning));

  let head = `From: ${report.from}\r\nTo: <${to}>\r\nSubject: ${subject}\r\nDate: ${formatDate(report.at)}\r\n`
    + `Message-ID: <${report.messageIdField}>\r\n`
    // RFC 3834 §5; and no list or responder may answer it.
    + 'Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n'
    + `Content-Type: multipart/report; report-type=${utf8 && !isAscii(status) ? 'global-delivery-status' : 'delivery-status'};\r\n boundary="${boundary}"\r\n`
    + (body8bit ? 'Content-Transfer-Encoding: 8bit\r\n' : '')
    + '\r\nThis is a delivery report in MIME format.\r\n';
  head += `\r\n--${boundary}\r\nContent-Type: text/plain; charset=${isAscii(text) ? 'us-ascii' : 'utf-8'}\r\n${encoding(!isAscii(text))}\r\n${text}`;
  head += `\r\n--${boundary}\r\nContent-Type: message/${utf8 && !isAscii(status) ? 'global-delivery-status' : 'delivery-status'}\r\n${encoding(!isAscii(status))}\r\n${status}`;
  if (returned !== null) {
    const global = utf8 && returned.header8bit;
    const type = returned.whole ? (global ? 'message/global' : 'message/rfc822') : global ? 'message/global-headers' : 'text/rfc822-headers';
    head += `\r\n--${boundary}\r\nContent-Type: ${type}\r\n${encoding(returned.has8bit)}\r\n`;
  }
  return {
    head,
    tail: `\r\n--${boundary}--\r\n`,
    smtputf8: !isAscii(to) || (utf8 && (!isAscii(status) || returned?.header8bit === true)),
    body: body8bit || !isAscii(to) ? '8bitmime' : '7bit',
  };
}

function encoding(has8bit: boolean): string {
  return has8bit ? 'Content-Transfer-Encoding: 8bit\r\n' : '';
}

// ——— for machines ———

function statusOf(recipient: RecipientState, retryUntil: number | null, utf8: boolean): RecipientStatus {
  const outcome = recipient.outcome as Outcome;
  // Of several attempts, the one that reached somebody says more than the last one that did not.
  const said = (outcome.kind === 'deferred' ? (recipient.reached ?? outcome) : outcome).said;
  const original = originalOf(recipient, utf8);
  return {
    ...(original === null ? {} : { originalRecipient: original }),
    finalRecipient: typedAddress(recipient.address, utf8),
    action: actionOf(outcome),
    status: outcome.status,
    ...(said?.remoteMta === undefined ? {} : { remoteMta: { type: 'dns', text: said.remoteMta } }),
    ...(said === undefined ? {} : isNetworkError(said) ? { networkError: brief(said.text) } : { diagnosticCode: { type: said.type, text: brief(said.text) } }),
    ...(recipient.outcomeAt === undefined ? {} : { lastAttemptDate: recipient.outcomeAt }),
    ...(retryUntil === null ? {} : { willRetryUntil: retryUntil }),
  };
}

function actionOf(outcome: Outcome): Action {
  return outcome.kind === 'deferred' ? 'delayed' : outcome.kind;
}

function isNetworkError(said: Diagnostic): boolean {
  return said.type === 'smtp' && said.remoteMta === undefined;
}

function receivedFrom({ envelope: { origin } }: StoredMessage): { receivedFromMta?: Typed } {
  const text = peerOf(origin);
  return text === null ? {} : { receivedFromMta: { type: 'dns', text } };
}

function peerOf({ helo, remoteName, remoteAddress }: StoredMessage['envelope']['origin']): string | null {
  if (remoteAddress === undefined) return null;
  return `${helo ?? remoteName ?? 'unknown'} (${remoteName === undefined ? '' : `${remoteName} `}[${remoteAddress}])`;
}

function originalOf({ original }: RecipientState, utf8: boolean): Typed | null {
  const semicolon = original?.indexOf(';') ?? -1;
  if (original === undefined || semicolon <= 0) return null;
  const text = original.slice(semicolon + 1);
  return isAscii(text) ? { type: original.slice(0, semicolon), text } : { type: 'utf-8', text: utf8 ? text : encodeUtf8Address(text) };
}

/** An address that is not ASCII is of type utf-8 (RFC 6533 §3), escaped where the report must be ASCII. */
function typedAddress(address: Address, utf8: boolean): Typed {
  const text = wireAddress(address, utf8);
  return isAscii(text) ? { type: 'rfc822', text } : { type: 'utf-8', text: utf8 ? text : encodeUtf8Address(text) };
}

/** The domain in A-labels for those who did not ask for more. */
function wireAddress(address: Address, utf8: boolean): string {
  if (utf8 || isAscii(address)) return address;
  const domain = domainOf(address);
  return domain === '' ? address : `${localPart(address)}@${asciiDomain(domain) ?? domain}`;
}

// ——— for people ———

function readableText({ message, recipients, me, retryUntil, texts, returned }: Report): string {
  const values = {
    ME: me, FROMTIME: formatDate(message.acceptedAt), FROMMTA: peerOf(message.envelope.origin) ?? message.envelope.origin.protocol,
    RETRYUNTIL: retryUntil === null ? '' : formatDate(retryUntil),
  };
  const blocks: string[] = [fillIn(texts.header, values)];
  const block = (intro: string, kinds: readonly Outcome['kind'][]) => {
    const mine = recipients.filter(({ outcome }) => outcome !== undefined && kinds.includes(outcome.kind));
    if (mine.length > 0) blocks.push([fillIn(intro, values), ...mine.map(transcript)].join('\n\n'));
  };
  block(texts.delayed, ['deferred']);
  block(texts.delivered, ['delivered', 'expanded']);
  block(texts.relayed, ['relayed']);
  block(texts.failed, ['failed']);
  blocks.push(fillIn(texts.footer, values));
  if (returned === null) blocks.push('Your message itself cannot be read any more, and is not returned.');
  return blocks.join('\n\n').split('\n').map(line => `${shorten(visible(line), LINE_LONGEST)}\r\n`).join('');
}

function transcript(recipient: RecipientState): string {
  const outcome = recipient.outcome as Outcome;
  const { said } = outcome.kind === 'deferred' ? (recipient.reached ?? outcome) : outcome;
  const original = recipient.original?.slice(recipient.original.indexOf(';') + 1);
  const lines = [`<${visible(original ?? recipient.address)}>:`];
  if (outcome.status === '5.4.7') lines.push('     The time for delivery is over; this was the trouble:');
  if (said === undefined) {
    if (outcome.kind === 'failed' || outcome.kind === 'deferred') lines.push(` *** ${outcome.status}`);
    return lines.join('\n');
  }
  if (said.remoteMta !== undefined) lines.push(`     ${visible(said.remoteMta)}:`);
  if (said.command !== undefined) lines.push(` >>> ${visible(brief(said.command))}`);
  const mark = isNetworkError(said) ? ' *** ' : ' <<< ';
  for (const line of brief(said.text).split(/\r\n|\r|\n/)) lines.push(`${mark}${visible(line)}`);
  return lines.join('\n');
}

function brief(text: string): string {
  return shorten(text, REPLY_LONGEST);
}

function shorten(text: string, most: number): string {
  if (Buffer.byteLength(text) <= most) return text;
  let out = '';
  let used = 0;
  for (const char of text) {
    used += Buffer.byteLength(char);
    if (used > most) break;
    out += char;
  }
  return `${out} ...`;
}

function visible(text: string): string {
  return text.toWellFormed().replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
}

function oneLine(text: string): string {
  return visible(text).trim();
}
