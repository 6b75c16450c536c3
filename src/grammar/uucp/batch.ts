/**
 * Batched SMTP, written: commands without answers, LF line ends (fax-uucp-socks 5.6). HELO, for nobody answers an
 * EHLO; the parameters of DSN (RFC 3461) and 8BITMIME stand in it all the same, and a receiver that knows them keeps them.
 */
import type { Envelope, Recipient } from '../../core/envelope.ts';
import { isAscii } from '../domain.ts';
import { encodeUtf8Address, encodeXtext } from '../xtext.ts';

export const BATCH_END = 'QUIT\n';
export const MESSAGE_END = '.\n';

export function formatBatchStart(me: string): string {
  return `HELO ${me}\n`;
}

/** MAIL, RCPT and DATA of one message. Addresses are the house's, which hold no line break. */
export function formatBatchEnvelope(envelope: Envelope, recipients: readonly Recipient[], has8bit: boolean): string {
  const utf8 = envelope.smtputf8 || ![envelope.reversePath ?? '', ...recipients.map(({ address }) => address)].every(isAscii);
  let text = `MAIL FROM:<${envelope.reversePath ?? ''}>`;
  if (has8bit || envelope.body === '8bitmime') text += ' BODY=8BITMIME';
  if (utf8) text += ' SMTPUTF8';
  if (envelope.ret !== undefined) text += ` RET=${envelope.ret.toUpperCase()}`;
  if (envelope.envid !== undefined) text += ` ENVID=${encodeXtext(envelope.envid)}`;
  for (const { address, notify, original } of recipients) {
    text += `\nRCPT TO:<${address}>`;
    if (notify !== undefined && notify.length > 0) text += ` NOTIFY=${(notify === 'never' ? 'never' : notify.join(',')).toUpperCase()}`;
    if (original !== undefined) text += formatOriginal(original);
  }
  return `${text}\nDATA\n`;
}

/** `type;address` (RFC 3461 §4.2, RFC 6533 §3). */
function formatOriginal(original: string): string {
  const semicolon = original.indexOf(';');
  if (semicolon <= 0) return '';
  const type = original.slice(0, semicolon);
  const address = original.slice(semicolon + 1);
  return ` ORCPT=${type};${type.toLowerCase() === 'utf-8' ? encodeUtf8Address(address) : encodeXtext(address)}`;
}
