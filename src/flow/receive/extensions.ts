/** The answer to EHLO: Courier's keywords in Courier's order, DSN last, and those it does not have in front of SIZE. */
import type { Mechanism } from '../../grammar/sasl.ts';
import type { Limits } from './limits.ts';

export interface Offer {
  readonly name: string;
  readonly mechanisms: readonly Mechanism[];
  readonly starttls: boolean;
  /** TLS is in use. */
  readonly tls: boolean;
  readonly limits: Limits;
}

export function extensionLines({ name, mechanisms, starttls, tls, limits }: Offer): readonly string[] {
  const { sizeOctets, recipients, transactions } = limits;
  const lines = [`${name} Ok.`];
  if (mechanisms.length > 0) lines.push(`AUTH ${mechanisms.join(' ')}`);
  if (starttls) lines.push('STARTTLS');
  lines.push('XVERP=Courier', 'XEXDATA', 'XSECURITY=NONE,STARTTLS', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES');
  lines.push(`LIMITS MAILMAX=${transactions} RCPTMAX=${recipients}`); // RFC 9422 §4
  // RFC 8689 §2: never in the clear.
  if (tls) lines.push('REQUIRETLS');
  // RFC 1870 §4: without a number when no limit is known.
  lines.push(sizeOctets > 0 ? `SIZE ${sizeOctets}` : 'SIZE', 'DSN');
  return lines;
}
