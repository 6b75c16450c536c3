/** The answer to EHLO: Courier's keywords in Courier's order, DSN last, and those it does not have in front of SIZE. */
import { xclientNames, xforwardNames } from '../../grammar/smtp/client-attributes.ts';
import type { Conversation } from './conversation.ts';

export function extensionLines({ setup, limits, tls, channel, account, introduces }: Pick<Conversation, 'setup' | 'limits' | 'tls' | 'channel' | 'account' | 'introduces'>): readonly string[] {
  const { sizeOctets, recipients, transactions } = limits;
  const lines = [`${setup.name} Ok.`];
  const mechanisms = account === null ? setup.mechanisms(channel) : [];
  if (mechanisms.length > 0) lines.push(`AUTH ${mechanisms.join(' ')}`);
  if (setup.offersTls && tls === null) lines.push('STARTTLS');
  lines.push('XVERP=Courier');
  // LMTP answers one by one anyway.
  if (!setup.lmtp) lines.push('XEXDATA');
  lines.push('XSECURITY=NONE,STARTTLS', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'CHUNKING', 'BINARYMIME');
  lines.push(`LIMITS MAILMAX=${transactions} RCPTMAX=${Math.min(recipients, setup.listener.announcedRecipients ?? recipients)}`); // RFC 9422 §4
  if (introduces.xclient) lines.push(`XCLIENT ${xclientNames.join(' ')}`);
  if (introduces.xforward) lines.push(`XFORWARD ${xforwardNames.join(' ')}`);
  // RFC 8689 §2: never in the clear.
  if (tls !== null) lines.push('REQUIRETLS');
  // RFC 1870 §4: without a number when no limit is known.
  lines.push(sizeOctets > 0 ? `SIZE ${sizeOctets}` : 'SIZE', 'DSN');
  return lines;
}
