/** What the header of a message must not be, and what a submission's must have. One look, by offsets. */
import type { ContentFacts } from '../../core/content.ts';
import type { Origin } from '../../core/envelope.ts';
import type { Variables } from '../../core/policy.ts';
import { refuse, type Refusal } from '../../core/status.ts';

export interface HeaderLimits {
  /** RFC 5321 has no minimum for the header; Courier's BOFHHEADERLIMIT is 100,000. */
  readonly headerOctets: number;
  /** RFC 5321 §6.3: at least 100. */
  readonly receivedFields: number;
  /** No RFC minimum; absent: any number. */
  readonly fields?: number;
  /** Of any line, of the body's too; RFC 5321 §4.5.3.1.6: at least 998. Absent: any length. */
  readonly lineOctets?: number;
}

/** The access file's variables replace what holds for all. */
export function headerLimitsFor(limits: HeaderLimits, variables: Variables): HeaderLimits {
  const headerOctets = countOf(variables.get('BOFHHEADERLIMIT'));
  const lineOctets = countOf(variables.get('BOFHLINELIMIT'));
  if (headerOctets === null && lineOctets === null) return limits;
  return { ...limits, ...(headerOctets === null ? {} : { headerOctets: Math.max(headerOctets, LEAST_HEADER) }), ...(lineOctets === null ? {} : { lineOctets: Math.max(lineOctets, LEAST_LINE) }) };
}

function countOf(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}

/** Courier's least; fewer would refuse everybody's mail. */
const LEAST_HEADER = 1000;
const LEAST_LINE = 998;

export interface Header {
  readonly kind: 'header';
  readonly missing: readonly ('date' | 'message-id' | 'to')[];
}

const RECEIVED = /^received[ \t]*:/gim;
const COMPLETE: Header = { kind: 'header', missing: [] };

/** `lines`: the body is made of them; the header always is. */
export function readHeader(head: readonly Uint8Array[], facts: ContentFacts, limits: HeaderLimits, lines: boolean): Header | Refusal {
  if (facts.headerEnd > limits.headerOctets) return refuse('headerTooLarge');
  if (lines && limits.lineOctets !== undefined && facts.longestLine > limits.lineOctets) return refuse('contentLineTooLong', { why: `a line of ${facts.longestLine} octets` });
  const first = head[0];
  const octets = first !== undefined && first.length >= facts.headerEnd ? first : Buffer.concat(head);
  const text = Buffer.from(octets.buffer, octets.byteOffset, Math.min(facts.headerEnd, octets.length)).toString('latin1');
  // A bare one is another host's line end, or another header's (RFC 5321 §2.3.8).
  if (!lines && /\r(?!\n)|(?<!\r)\n|\0/.test(text)) return refuse('bareLineEnd');
  let hops = 0;
  RECEIVED.lastIndex = 0;
  while (RECEIVED.test(text)) hops++;
  if (hops > limits.receivedFields) return refuse('routingLoop');
  if (limits.fields !== undefined && countFields(text) > limits.fields) return refuse('tooManyFields');
  const has = (name: RegExp) => name.test(text);
  if (has(/^date[ \t]*:/im) && has(/^message-id[ \t]*:/im) && has(/^(?:to|cc)[ \t]*:/im)) return COMPLETE;
  const missing: ('date' | 'message-id' | 'to')[] = [];
  if (!has(/^date[ \t]*:/im)) missing.push('date');
  if (!has(/^message-id[ \t]*:/im)) missing.push('message-id');
  if (!has(/^(?:to|cc)[ \t]*:/im)) missing.push('to');
  return { kind: 'header', missing };
}

function countFields(header: string): number {
  let fields = 0;
  for (let at = 0; at < header.length;) {
    // Continuation lines, and the empty line at the end, begin none.
    if (header[at] !== ' ' && header[at] !== '\t' && header[at] !== '\r') fields++;
    const lf = header.indexOf('\n', at);
    at = lf < 0 ? header.length : lf + 1;
  }
  return fields;
}

/**
 * What we add of what is missing: to what people and programs of ours hand in (RFC 6409 §8), as far as NOADDMSGID and
 * NOADDDATE do not say otherwise; to others' mail only where they say so.
 */
export function added(missing: Header['missing'], { source }: Origin, variables: Variables): Header['missing'] {
  if (missing.length === 0) return missing;
  const ours = source === 'submission' || source === 'local';
  const wanted = (name: string) => (variables.has(name) ? !isOn(variables.get(name)) : ours);
  return missing.filter(one => (one === 'to' ? ours : wanted(one === 'date' ? 'NOADDDATE' : 'NOADDMSGID')));
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^(?:0|no?|false|off|)$/i.test(value);
}
