/** The fields put before a message as it becomes ours (RFC 5321 §4.4, courier-like layout; RFC 8601 later). */
import type { Envelope, MessageId, Origin, Recipient } from '../../core/envelope.ts';
import { formatDate } from '../../grammar/date.ts';
import { asciiDomain, canonicalIpv6 } from '../../grammar/domain.ts';

export interface TraceOptions {
  readonly me: string;
  /** Right side of Message-ID. */
  readonly messageIdHost: string;
}

export interface TraceRequest {
  readonly id: MessageId;
  readonly envelope: Envelope;
  readonly recipients: readonly Recipient[];
  readonly at: number;
  /** Fields that a submission must have and did not bring (RFC 6409 §8). */
  readonly missing: readonly ('date' | 'message-id' | 'to')[];
}

export function createTraceFields(options: TraceOptions): (request: TraceRequest) => Uint8Array {
  const by = asciiDomain(options.me) ?? options.me;
  const idHost = asciiDomain(options.messageIdHost) ?? options.messageIdHost;
  let second = 0;
  let date = '';
  return ({ id, envelope, recipients, at, missing }) => {
    const { origin } = envelope;
    // One formatting a second serves every message of that second.
    if (Math.trunc(at / 1000) !== second) {
      second = Math.trunc(at / 1000);
      date = formatDate(at, -new Date(at).getTimezoneOffset());
    }
    let text = `Received: from ${from(origin)}\r\n${comment(origin)}  by ${by} with ${origin.protocol}\r\n`;
    // `for` would show one recipient of several to all of them (RFC 5321 §7.2).
    const only = recipients.length === 1 ? recipients[0] : undefined;
    text += `  id ${id}${only === undefined ? '' : `\r\n  for <${printable(only.address)}>`};\r\n  ${date}\r\n`;
    if (missing.includes('message-id')) text += `Message-ID: <${id}@${idHost}>\r\n`;
    if (missing.includes('date')) text += `Date: ${date}\r\n`;
    if (missing.includes('to')) text += 'To: undisclosed-recipients:;\r\n';
    return Buffer.from(text);
  };
}

function from(origin: Origin): string {
  // The node that called; `login` in the comment says which user of it.
  if (origin.source === 'uucp') return printable(origin.helo ?? 'unknown');
  if (origin.remoteAddress === undefined) return 'localhost (localhost [127.0.0.1])';
  const address = origin.remoteAddress.includes(':') && canonicalIpv6(origin.remoteAddress) !== null ? `IPv6:${origin.remoteAddress}` : origin.remoteAddress;
  const name = origin.remoteName === undefined ? '' : `${printable(origin.remoteName)} `;
  return `${printable(origin.helo ?? 'unknown')} (${name}[${address}])`;
}

function comment(origin: Origin): string {
  const parts: string[] = [];
  if (origin.login !== undefined) parts.push(origin.mechanism === undefined ? `user ${printable(origin.login)}` : `AUTH: ${origin.mechanism} ${printable(origin.login)}`);
  if (origin.tls !== undefined) parts.push(`TLS: ${origin.tls.version},${origin.tls.bits}bits,${origin.tls.cipher}`);
  return parts.length === 0 ? '' : `  (${parts.join(', ')})\r\n`;
}

/** What a peer chose can neither end the line nor close the comment. */
function printable(text: string): string {
  return UNPRINTABLE.test(text) || text.length > LONGEST ? text.replaceAll(EACH_UNPRINTABLE, '_').slice(0, LONGEST) : text;
}

const UNPRINTABLE = /[\u0000-\u001f\u007f()\\]/;
const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, 'g');
const LONGEST = 255;
