/** What the header of a message must not be, and what a submission's must have. One look, by offsets. */
import type { ContentFacts } from '../../core/content.ts';
import { refuse, type Refusal } from '../../core/status.ts';

export interface HeaderLimits {
  /** RFC 5321 has no minimum for the header; Courier's BOFHHEADERLIMIT is 100,000. */
  readonly headerOctets: number;
  /** RFC 5321 §6.3: at least 100. */
  readonly receivedFields: number;
}

export interface Header {
  readonly kind: 'header';
  readonly missing: readonly ('date' | 'message-id' | 'to')[];
}

const RECEIVED = /^received[ \t]*:/gim;
const COMPLETE: Header = { kind: 'header', missing: [] };

export function readHeader(head: readonly Uint8Array[], facts: ContentFacts, limits: HeaderLimits): Header | Refusal {
  if (facts.headerEnd > limits.headerOctets) return refuse('headerTooLarge');
  const first = head[0];
  const octets = first !== undefined && first.length >= facts.headerEnd ? first : Buffer.concat(head);
  const text = Buffer.from(octets.buffer, octets.byteOffset, Math.min(facts.headerEnd, octets.length)).toString('latin1');
  let hops = 0;
  RECEIVED.lastIndex = 0;
  while (RECEIVED.test(text)) hops++;
  if (hops > limits.receivedFields) return refuse('routingLoop');
  const has = (name: RegExp) => name.test(text);
  if (has(/^date[ \t]*:/im) && has(/^message-id[ \t]*:/im) && has(/^(?:to|cc)[ \t]*:/im)) return COMPLETE;
  const missing: ('date' | 'message-id' | 'to')[] = [];
  if (!has(/^date[ \t]*:/im)) missing.push('date');
  if (!has(/^message-id[ \t]*:/im)) missing.push('message-id');
  if (!has(/^(?:to|cc)[ \t]*:/im)) missing.push('to');
  return { kind: 'header', missing };
}
