/**
 * The envelope as commands, for a peer with given extensions. Pure: what cannot be said to this peer is decided
 * here, before a word is spoken.
 */
import type { Envelope, Notify, Recipient, RecipientId, ReversePath } from '../../../core/envelope.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { Delivery } from '../../../core/transport.ts';
import { domainOf, formatPath, needsSmtputf8 } from '../../../grammar/address.ts';
import { senderFor } from '../../../grammar/verp.ts';
import { encodeUtf8Address, encodeXtext } from '../../../grammar/xtext.ts';
import type { Extensions } from './extensions.ts';
import { ownDeferral, ownFailure, type Peer } from './outcomes.ts';
import { ONE_WRITE_OCTETS } from './settings.ts';

/** One mail transaction. Commands end in CRLF. */
export interface Plan {
  readonly recipients: readonly Recipient[];
  readonly mail: string;
  readonly rcpts: readonly string[];
  /** The content must be made 7-bit on its way out. */
  readonly convert: boolean;
  /** BDAT instead of DATA: it is short, and goes as it is. */
  readonly chunked: boolean;
  /** The peer takes over the duty to report (RFC 3461 §5.2.1). */
  readonly dsnHandedOver: boolean;
}

export interface Planned {
  readonly plans: readonly Plan[];
  readonly settled: readonly (readonly [RecipientId, Outcome])[];
}

export interface PlanOptions {
  readonly canConvert: boolean;
  /** Those still to be told; absent: all of the delivery's. */
  readonly recipients?: readonly Recipient[];
  /** Learnt from an earlier refusal, whatever the peer announces. */
  readonly mostRecipients?: number;
}

export function planTransactions(delivery: Delivery, extensions: Extensions, peer: Peer, { canConvert, recipients = delivery.recipients, mostRecipients = Number.POSITIVE_INFINITY }: PlanOptions): Planned {
  const { envelope, content } = delivery;
  const settleAll = (outcome: Outcome): Planned => ({ plans: [], settled: recipients.map(({ id }) => [id, outcome]) });
  if (extensions.sizeLimit !== null && extensions.sizeLimit > 0 && content.sizeOctets > extensions.sizeLimit) {
    // Saying it would only draw 552 (RFC 1870 §6.1).
    return settleAll(ownFailure('5.3.4', `The message has ${content.sizeOctets} octets; this host takes ${extensions.sizeLimit}`, peer));
  }
  const binary = envelope.body === 'binarymime';
  if (binary && !extensions.binaryMime) return settleAll(ownFailure('5.6.3', 'The message is binary and this host does not offer BINARYMIME', peer));
  const convert = !binary && content.facts.has8bit && !extensions.eightBitMime;
  if (convert && !canConvert) return settleAll(ownDeferral('4.6.3', 'message', 'The message has 8-bit content and this host does not offer 8BITMIME', peer));

  const senderNeedsUtf8 = envelope.reversePath !== null && formatPath(envelope.reversePath, true) === null;
  if (!extensions.smtputf8 && ((envelope.smtputf8 && content.facts.header8bit) || senderNeedsUtf8)) {
    // Neither header nor sender can be converted without loss (RFC 6531 §3.4, RFC 6530 §11).
    return settleAll(ownFailure('5.6.7', 'The message is internationalised and this host does not offer SMTPUTF8', peer));
  }
  const someNeedUtf8 = recipients.some(({ address }) => needsSmtputf8(address));
  const utf8 = extensions.smtputf8 && (envelope.smtputf8 || senderNeedsUtf8 || someNeedUtf8);
  const manner: Manner = { extensions, utf8, convert };
  // Domains can always be written in A-labels; a local-part that is not ASCII cannot (RFC 6531 §3.2).
  const sayable = (recipient: Recipient) => formatPath(recipient.address, !utf8) !== null;
  const [only] = recipients;
  if (only !== undefined && recipients.length === 1 && sayable(only) && (extensions.dsn || only.notify !== 'never')) {
    return { plans: [planOne(delivery, shownSender(envelope, only, extensions), recipients, manner)], settled: NOBODY };
  }
  const unsayable = ownFailure('5.6.7', 'The recipient address is not ASCII and this host does not offer SMTPUTF8', peer);
  const most = Math.min(mostRecipients, extensions.limits.recipients);
  return {
    plans: splitBySender(envelope, recipients.filter(sayable), extensions)
      .flatMap(([reversePath, group]) => splitByLimits(group, most, extensions.limits.domains).map(part => planOne(delivery, reversePath, part, manner))),
    settled: recipients.filter(one => !sayable(one)).map(({ id }) => [id, unsayable]),
  };
}

const NOBODY: Planned['settled'] = [];

interface Manner {
  readonly extensions: Extensions;
  readonly utf8: boolean;
  readonly convert: boolean;
}

/**
 * Recipients that see the same sender. To a peer without DSN, NOTIFY=NEVER can only be kept by a null reverse-path (RFC
 * 3461 §5.2.2); a peer that does not encode senders itself hears of each recipient with a sender of its own (XVERP).
 */
function splitBySender(envelope: Envelope, recipients: readonly Recipient[], extensions: Extensions): [ReversePath, readonly Recipient[]][] {
  const groups = new Map<ReversePath, Recipient[]>();
  for (const recipient of recipients) {
    const reversePath = shownSender(envelope, recipient, extensions);
    const group = groups.get(reversePath);
    if (group === undefined) groups.set(reversePath, [recipient]);
    else group.push(recipient);
  }
  return [...groups];
}

function shownSender(envelope: Envelope, recipient: Recipient, extensions: Extensions): ReversePath {
  if (recipient.notify === 'never' && !extensions.dsn) return null;
  return extensions.verp ? envelope.reversePath : senderFor(envelope, recipient.address);
}

/** As many at once as the peer takes (RFC 9422 §4.2, §4.3). */
function splitByLimits(recipients: readonly Recipient[], most: number, domains: number): (readonly Recipient[])[] {
  if (recipients.length <= most && domains === Number.POSITIVE_INFINITY) return [recipients];
  const parts: Recipient[][] = [];
  let part: Recipient[] = [];
  let seen = new Set<string>();
  for (const recipient of recipients) {
    const domain = domainOf(recipient.address);
    if (part.length >= most || (!seen.has(domain) && seen.size >= domains) || part.length === 0) {
      part = [];
      seen = new Set();
      parts.push(part);
    }
    part.push(recipient);
    seen.add(domain);
  }
  return parts;
}

function planOne(delivery: Delivery, reversePath: ReversePath, recipients: readonly Recipient[], manner: Manner): Plan {
  const { dsn } = manner.extensions;
  return {
    recipients,
    mail: `MAIL FROM:${formatPath(reversePath, !manner.utf8)}${mailParameters(delivery, manner)}\r\n`,
    rcpts: recipients.map(one => `RCPT TO:${formatPath(one.address, !manner.utf8)}${dsn ? dsnParameters(one) : ''}\r\n`),
    convert: manner.convert,
    chunked: delivery.envelope.body === 'binarymime' || (saves(manner) && delivery.content.sizeOctets <= ONE_WRITE_OCTETS),
    dsnHandedOver: dsn,
  };
}

/** BDAT spares the round trip of DATA. A peer that takes commands together has no such trip, and takes no more messages by BDAT. */
function saves({ extensions, convert }: Manner): boolean {
  return extensions.chunking && !extensions.pipelining && !convert;
}

function mailParameters({ envelope, content }: Delivery, { extensions, utf8, convert }: Manner): string {
  let out = utf8 ? ' SMTPUTF8' : '';
  if (envelope.body === 'binarymime') out += ' BODY=BINARYMIME';
  else if (extensions.eightBitMime) out += content.facts.has8bit || envelope.body === '8bitmime' ? ' BODY=8BITMIME' : ' BODY=7BIT';
  if (extensions.verp && envelope.verp === true && envelope.reversePath !== null) out += ' VERP';
  if (extensions.dsn && envelope.ret !== undefined) out += ` RET=${envelope.ret.toUpperCase()}`;
  if (extensions.dsn && envelope.envid !== undefined) out += ` ENVID=${encodeXtext(envelope.envid)}`;
  // Quoted-printable makes it grow; how much is known only afterwards, so we guess high (RFC 1870 §6.1 wants no less).
  if (extensions.sizeLimit !== null) out += ` SIZE=${convert ? Math.ceil(content.sizeOctets / 0.7) : content.sizeOctets}`;
  // Each hop that was held to it holds the next one to it.
  if (extensions.security && envelope.security === 'starttls') out += ' SECURITY=STARTTLS';
  if (extensions.requireTls && envelope.requireTls === true) out += ' REQUIRETLS';
  return out;
}

function dsnParameters({ notify, original }: Recipient): string {
  return (notify === undefined ? '' : formatNotify(notify)) + (original === undefined ? '' : formatOriginal(original));
}

function formatNotify(notify: Notify): string {
  if (notify === 'never') return ' NOTIFY=NEVER';
  return notify.length === 0 ? '' : ` NOTIFY=${notify.join(',').toUpperCase()}`;
}

/** `type;address` (RFC 3461 §4.2); the utf-8 type has an encoding of its own that any peer takes (RFC 6533 §3). */
function formatOriginal(original: string): string {
  const semicolon = original.indexOf(';');
  if (semicolon <= 0) return '';
  const type = original.slice(0, semicolon);
  const address = original.slice(semicolon + 1);
  return ` ORCPT=${type};${type.toLowerCase() === 'utf-8' ? encodeUtf8Address(address) : encodeXtext(address)}`;
}
