/**
 * Enhanced status codes (RFC 3463 §2, §3), the reply codes they travel with
 * (RFC 5321 §4.2.3, RFC 4954 §6, RFC 7504), and the catalogue of every refusal the gateway speaks.
 * A pair whose classes disagree does not compile.
 */
export type StatusClass = 2 | 4 | 5;
type Subject = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
export type Status<C extends StatusClass = StatusClass> = `${C}.${Subject}.${number}`;

export interface ReplyCode {
  2: 211 | 214 | 220 | 221 | 235 | 250 | 251 | 252;
  4: 421 | 432 | 450 | 451 | 452 | 454 | 455;
  5: 500 | 501 | 502 | 503 | 504 | 521 | 530 | 534 | 535 | 538 | 550 | 551 | 552 | 553 | 554 | 555 | 556;
}

/** A decision against a command, a recipient or a message, made while the peer still waits. */
export type Refusal<C extends 4 | 5 = 4 | 5> = C extends 4 | 5
  ? {
      readonly kind: 'refused';
      readonly reply: ReplyCode[C];
      readonly status: Status<C>;
      /** For the peer: what helps the peer. Lines are joined with LF. */
      readonly text: string;
      /** For our log only: why, in our words. */
      readonly why?: string;
    }
  : never;

interface Entry<C extends 4 | 5> {
  readonly reply: ReplyCode[C];
  readonly status: Status<C>;
  readonly text: string;
  /** The section that asks for this pair. */
  readonly rfc: string;
  /** For our log, where nobody knows more; '' where the text says it. */
  readonly log: string;
}

function temporary(reply: ReplyCode[4], status: Status<4>, text: string, rfc: string, log = ''): Entry<4> {
  return { reply, status, text, rfc, log };
}
function permanent(reply: ReplyCode[5], status: Status<5>, text: string, rfc: string, log = ''): Entry<5> {
  return { reply, status, text, rfc, log };
}

/** One line a refusal. docs/replies.md lists the same names; a test compares both ways. */
export const catalogue = {
  ourFault: temporary(451, '4.3.0', 'Local trouble, please try again later', 'RFC 5321 §4.2.3', 'a fault of ours; the lines before say which'),
  shuttingDown: temporary(421, '4.3.2', 'Going down, please try again later', 'RFC 5321 §3.8', 'the gateway stops, or starts anew'),
  tooBusy: temporary(421, '4.3.2', 'Too many connections, please try again later', 'RFC 5321 §3.8', 'MAXDAEMONS, MAXPERIP or MAXPERC'),
  idleTooLong: temporary(421, '4.4.2', 'Waited too long for you', 'RFC 5321 §4.5.3.2'),
  transactionTooLong: temporary(421, '4.4.2', 'This transaction takes too long', 'RFC 5321 §4.5.3.2'),
  tooManyErrors: temporary(421, '4.7.0', 'Too many errors', 'RFC 5321 §4.2.3', 'more errors than a session may make'),
  tooManyAuthFailures: temporary(421, '4.7.0', 'Too many failed authentications', 'RFC 4954 §4'),
  queueFull: temporary(452, '4.3.1', 'No space to keep your message, please try again later', 'RFC 5321 §4.5.3.1.10', 'free space is below the watermark (freespace)'),
  tooManyRecipients: temporary(452, '4.5.3', 'Too many recipients, send the rest in another transaction', 'RFC 5321 §4.5.3.1.10', 'the limit of recipients (maxrcpts)'),
  tooManyRecipientsForGood: permanent(550, '5.5.3', 'Too many recipients', 'RFC 5321 §4.5.3.1.10', 'maxrcpts with hard'),
  tooManyTransactions: temporary(421, '4.7.0', 'Too many messages in one session, connect again', 'RFC 5321 §3.8'),
  authUnavailable: temporary(454, '4.7.0', 'Cannot check your credentials now', 'RFC 4954 §6', 'the account data cannot be read'),
  tlsUnavailable: temporary(454, '4.7.0', 'TLS is not available now', 'RFC 3207 §4', 'the listener has no certificate in force'),
  filterUnavailable: temporary(432, '4.3.0', 'Mail filters temporarily unavailable', 'RFC 5321 §4.2.1', 'a filter is away, and its absent=defer decides'),
  otherFiltering: temporary(452, '4.5.3', 'This recipient filters otherwise than those before, send to it in another transaction', 'RFC 5321 §4.5.3.1.10', 'recipients whose filters look at the content are alone in a transaction'),
  recipientFilterAway: temporary(451, '4.3.0', 'The recipient cannot be asked now, please try again later', 'RFC 5321 §4.2.3', 'the recipient\'s own filter could not run'),
  recipientDefers: temporary(450, '4.7.1', 'The recipient asks to try again later', 'RFC 5321 §4.2.3', 'the recipient\'s own filter says so'),
  lookupUnavailable: temporary(451, '4.4.3', 'Cannot look that domain up now', 'RFC 3463 §3.5', 'no name server answers'),
  unknownCommand: permanent(500, '5.5.1', 'Unknown command', 'RFC 5321 §4.2.4'),
  lineTooLong: permanent(500, '5.5.2', 'Line too long', 'RFC 5321 §4.5.3.1.4'),
  badLineEnd: permanent(500, '5.5.2', 'Commands end with CRLF', 'RFC 5321 §2.3.8'),
  badCharacters: permanent(500, '5.5.2', 'Commands are printable text', 'RFC 5321 §2.3.8', 'control characters or broken UTF-8 in a command'),
  spokeTooSoon: permanent(554, '5.5.1', 'Wait for the greeting', 'RFC 5321 §4.3.1', 'the client spoke before the greeting'),
  syntax: permanent(501, '5.5.4', 'Syntax error in parameters', 'RFC 5321 §4.2.3'),
  badSenderAddress: permanent(501, '5.1.7', 'Bad reverse-path', 'RFC 5321 §4.1.2'),
  badRecipientAddress: permanent(501, '5.1.3', 'Bad recipient address', 'RFC 5321 §4.1.2'),
  notImplemented: permanent(502, '5.5.1', 'Command not implemented', 'RFC 5321 §4.2.4'),
  badSequence: permanent(503, '5.5.1', 'Bad sequence of commands', 'RFC 5321 §4.1.4'),
  noValidRecipients: permanent(554, '5.5.1', 'No valid recipients', 'RFC 5321 §3.3'),
  unknownParameter: permanent(555, '5.5.4', 'Parameter not recognised', 'RFC 5321 §4.1.1.11'),
  unknownMechanism: permanent(504, '5.5.4', 'Authentication mechanism not offered', 'RFC 4954 §4'),
  authCancelled: permanent(501, '5.7.0', 'Authentication cancelled', 'RFC 4954 §4'),
  authMalformed: permanent(501, '5.5.2', 'Cannot decode that response', 'RFC 4954 §4'),
  authRequired: permanent(530, '5.7.0', 'Authentication required', 'RFC 4954 §6', 'AUTH_REQUIRED'),
  tlsRequired: permanent(530, '5.7.0', 'Issue STARTTLS first', 'RFC 3207 §4', 'ESMTP_TLS_REQUIRED'),
  authRejected: permanent(535, '5.7.8', 'Authentication credentials invalid', 'RFC 4954 §6', 'wrong login or password'),
  authNeedsTls: permanent(538, '5.7.11', 'Encryption required for this mechanism', 'RFC 4954 §6', 'the mechanism is in ESMTPAUTH_TLS only'),
  accessDenied: permanent(554, '5.7.1', 'Access denied', 'RFC 5321 §3.1', 'smtpaccess denies the client'),
  blocked: permanent(550, '5.7.1', 'Blocked', 'RFC 5321 §3.6.2', 'BLOCK, of smtpaccess or of a DNS list'),
  spfRefused: permanent(550, '5.7.23', 'SPF does not allow this sender from your address', 'RFC 7372 §3.2'),
  spfDeferred: temporary(451, '4.7.24', 'SPF does not settle whether this sender may use your address', 'RFC 7372 §3.2'),
  senderDomainUnknown: permanent(550, '5.1.8', 'The sender domain takes no mail', 'RFC 3463 §3.2'),
  senderNullMx: permanent(550, '5.7.27', 'The sender domain says that it takes no mail', 'RFC 7505 §4.2'),
  mailServerRefused: permanent(550, '5.7.1', 'The mail server of the sender domain is not wanted here', 'RFC 3463 §3.8'),
  heloRefused: permanent(550, '5.7.1', 'The name you gave does not lead to your address', 'RFC 5321 §4.1.4'),
  heloDeferred: temporary(450, '4.7.1', 'The name you gave cannot be found to lead to your address', 'RFC 5321 §4.1.4'),
  freemailRefused: permanent(550, '5.7.1', 'Mail of this sender domain is taken from its own servers only', 'RFC 3463 §3.8'),
  spamTrap: permanent(550, '5.7.1', 'Message refused', 'RFC 3463 §3.8', 'a spamtrap of bofh'),
  reportsRefused: permanent(550, '5.7.1', 'The sender domain refuses delivery reports, so its mail is not taken', 'RFC 5321 §4.5.5'),
  greylisted: temporary(451, '4.7.1', 'Please try again in a few minutes', 'RFC 6647 §2.2'),
  banned: temporary(421, '4.7.0', 'Too many failures from your network, please try again later', 'RFC 5321 §3.8'),
  tooManyConnectionsLately: temporary(421, '4.7.0', 'Too many connections from your network, please try again later', 'RFC 5321 §3.8'),
  dmarcRefused: permanent(550, '5.7.1', 'The domain in From asks to refuse what it did not authenticate (DMARC)', 'RFC 3463 §3.8'),
  recipientRefuses: permanent(550, '5.7.1', 'The recipient refuses this message', 'RFC 5321 §3.3', 'the recipient\'s own filter says so'),
  relayDenied: permanent(550, '5.7.1', 'Relaying denied', 'RFC 5321 §3.6.2', 'not in esmtpacceptmailfor, and the client may not relay'),
  noSuchMailbox: permanent(550, '5.1.1', 'No such mailbox here', 'RFC 5321 §3.3', 'no account, alias or dot file takes it'),
  noSuchAlias: permanent(550, '5.1.1', 'No such list here', 'RFC 5321 §3.5.1'),
  needsSmtputf8: permanent(553, '5.6.7', 'Non-ASCII address without SMTPUTF8', 'RFC 6531 §3.5'),
  tooLarge: permanent(552, '5.3.4', 'Message too large', 'RFC 1870 §6.1', 'sizelimit, or SIZELIMIT of the client\'s network'),
  bareLineEnd: permanent(550, '5.6.11', 'Message has a bare CR or LF', 'RFC 5321 §2.3.8'),
  headerTooLarge: permanent(554, '5.3.4', 'Message header too large', 'RFC 5321 §4.5.3.1', 'BOFHHEADERLIMIT'),
  tooManyFields: permanent(554, '5.6.0', 'Too many header fields', 'RFC 5322 §3.6', 'more fields than a header may have'),
  contentLineTooLong: permanent(554, '5.6.0', 'Message has a line that is too long', 'RFC 5321 §4.5.3.1.6', 'BOFHLINELIMIT'),
  routingLoop: permanent(554, '5.4.6', 'Too many Received fields, this looks like a loop', 'RFC 5321 §6.3'),
  malformedMime: permanent(550, '5.6.0', 'Malformed MIME', 'RFC 2045 §5'),
  mimeTooComplex: permanent(550, '5.6.0', 'MIME complexity exceeds the policy maximum', 'RFC 2046 §5.1'),
  eightBitHeader: permanent(550, '5.6.0', 'Header has octets above 127 without SMTPUTF8', 'RFC 6532 §3'),
  undeclaredEightBit: permanent(550, '5.6.0', 'Body has octets above 127 and does not declare them', 'RFC 2045 §6.2'),
  needlessBase64: permanent(550, '5.6.0', 'Text is in base64 and needs no encoding', 'RFC 2045 §6.8'),
  contentRefused: permanent(554, '5.7.1', 'Message refused', 'RFC 5321 §3.3'),
  contentDeferred: temporary(451, '4.7.1', 'Message not taken now, please try again later', 'RFC 3463 §3.8'),
  duplicate: permanent(500, '5.7.1', 'Duplicate message rejected.', 'RFC 3463 §3.8', 'dupfilter has seen this message'),
  rateExceeded: permanent(500, '5.7.1', 'Number of messages exceeded administrative limit.', 'RFC 3463 §3.8', 'ratefilter counts too many of this sender'),
  deferredLately: temporary(450, '4.2.0', 'Mail for this address could not be delivered a while ago, please try again later', 'RFC 5321 §4.2.3'),
  failedLately: permanent(550, '5.2.0', 'Mail for this address failed a while ago', 'RFC 5321 §4.2.3'),
  deviceLimit: temporary(450, '4.7.1', 'Too many messages from this device, please try again later', 'RFC 5321 §4.2.3', 'its limit= in the file devices'),
  deviceSender: permanent(550, '5.7.1', 'This device may not send as that', 'RFC 5321 §3.3', 'its senders='),
  deviceRecipient: permanent(550, '5.7.1', 'This device may not write to that address', 'RFC 5321 §3.3', 'its recipients='),
  deviceTls: permanent(530, '5.7.10', 'This device must speak a newer TLS', 'RFC 3207 §4', 'its tls='),
  senderRefused: permanent(550, '5.7.1', 'Sender refused', 'RFC 5321 §3.3', 'badfrom of bofh'),
} as const;

export type RefusalName = keyof typeof catalogue;

/** The catalogue's refusal of that name; `text` replaces the peer's text, `why` the log's reason. */
export function refuse(name: RefusalName, own: { readonly text?: string; readonly why?: string } = {}): Refusal {
  const { reply, status, text, log } = catalogue[name];
  const why = own.why ?? (log === '' ? undefined : log);
  // The classes of reply and status agree entry by entry; a union of entries cannot say so.
  return { kind: 'refused', reply, status, text: own.text ?? text, ...(why === undefined ? {} : { why }) } as Refusal;
}
