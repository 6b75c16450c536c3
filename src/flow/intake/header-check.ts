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
  let [fields, hops] = [0, 0];
  let [date, messageId, to] = [false, false, false];
  for (let at = 0; at < text.length;) {
    const first = text[at];
    // Continuation lines, and the empty line at the end, begin none.
    if (first !== ' ' && first !== '\t' && first !== '\r') fields++;
    if (first === 'R' || first === 'r') hops += isNamed(text, at, 'received') ? 1 : 0;
    else if (first === 'D' || first === 'd') date ||= isNamed(text, at, 'date');
    else if (first === 'M' || first === 'm') messageId ||= isNamed(text, at, 'message-id');
    else if (first === 'T' || first === 't') to ||= isNamed(text, at, 'to');
    else if (first === 'C' || first === 'c') to ||= isNamed(text, at, 'cc');
    const lf = text.indexOf('\n', at);
    at = lf < 0 ? text.length : lf + 1;
  }
  if (hops > limits.receivedFields) return refuse('routingLoop');
  if (limits.fields !== undefined && fields > limits.fields) return refuse('tooManyFields');
  if (date && messageId && to) return COMPLETE;
  return { kind: 'header', missing: [...(date ? [] : ['date' as const]), ...(messageId ? [] : ['message-id' as const]), ...(to ? [] : ['to' as const])] };
}

/** Whether the field at this offset has this name, which is given in small letters. */
function isNamed(header: string, at: number, name: string): boolean {
  let end = at + name.length;
  if (header.slice(at, end).toLowerCase() !== name) return false;
  while (header[end] === ' ' || header[end] === '\t') end++;
  return header[end] === ':';
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
