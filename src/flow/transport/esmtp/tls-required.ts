/** `TLS-Required: No` (RFC 8689 §5): its sender would rather have the message arrive than kept for want of TLS. */
import type { Outcomes } from '../../../core/outcome.ts';
import type { StoredContent } from '../../../core/queue-store.ts';

/** A header past this is not searched. */
const HEADER_OCTETS = 256 * 1024;
const FIELD = /^tls-required[ \t]*:[ \t\r\n]*no[ \t]*\r?$/im;

/** Nothing but TLS that was not good enough stood in the way, in our own words. */
export function failedForTls(outcomes: Outcomes): boolean {
  for (const { kind, status, said } of outcomes.values()) {
    if (kind !== 'deferred' || said?.type !== 'x-gateway' || (status !== '4.7.4' && status !== '4.7.5')) return false;
  }
  return true;
}

/** Read only when it matters: a message in a thousand has the field, and a delivery in as many asks. */
export async function saysTlsIsNotRequired(content: StoredContent): Promise<boolean> {
  const head: Uint8Array[] = [];
  let octets = 0;
  // Our own fields stand before what came in.
  const end = Math.min(HEADER_OCTETS, content.sizeOctets - content.facts.sizeOctets + content.facts.headerEnd);
  for await (const piece of content.read()) {
    head.push(piece);
    octets += piece.length;
    if (octets >= end) break;
  }
  return FIELD.test(Buffer.concat(head).toString('latin1', 0, end));
}
