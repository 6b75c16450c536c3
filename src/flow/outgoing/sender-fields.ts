/** Who a message says it is from, and the change of that: only the octets of the addresses that change do change. */
import type { Address } from '../../core/envelope.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import { domainOf, localPart, needsSmtputf8, parseAddress } from '../../grammar/address.ts';
import { parseMailboxes } from '../../grammar/maildrop/addresses.ts';
import { parseFields } from '../../grammar/mime/field.ts';
import { rewriteAddressFields } from '../../grammar/uucp/address-fields.ts';

export interface SenderRule {
  /** What stands for this sender; null: it stays. */
  replace(address: Address): Address | null;
  /** Header fields too, not the envelope alone. */
  readonly fields: boolean;
  /** Answers go to whom it was from, unless the message says otherwise. */
  readonly replyTo: boolean;
}

const SENDERS = /^(?:from|sender)[ \t]*:/i;

/** The first author; null when there is none to be read. */
export function authorOf(header: Buffer): Address | null {
  const from = parseFields(header).find(({ name }) => name === 'from');
  if (from === undefined) return null;
  for (const { address } of parseMailboxes(from.value)) {
    const parsed = parseAddress(fromOctets(address));
    if (parsed !== null && domainOf(parsed) !== '') return parsed;
  }
  return null;
}

/** The same buffer when nothing changes. */
export function changeSenders(header: Buffer, rule: SenderRule): Buffer {
  const before = header.toString('latin1');
  const after = rewriteAddressFields(before, written => {
    const address = parseAddress(fromOctets(written));
    const wanted = address === null ? null : rule.replace(address);
    return wanted === null || wanted === address ? written : formatAddress(wanted);
  }, SENDERS);
  if (after === before) return header;
  const changed = Buffer.from(after, 'latin1');
  const fields = parseFields(header);
  const from = fields.find(({ name }) => name === 'from');
  const now = parseFields(changed).find(({ name }) => name === 'from');
  if (!rule.replyTo || from === undefined || now === undefined || now.value === from.value || fields.some(({ name }) => name === 'reply-to')) return changed;
  // The author's field as it was, folding and all, under the other name.
  const original = header.toString('latin1', from.start, from.end);
  const field = Buffer.from(`Reply-To${original.slice(original.indexOf(':'))}`, 'latin1');
  return Buffer.concat([changed.subarray(0, now.end), field, changed.subarray(now.end)]);
}

/** As a header field has it: A-labels, unless the local-part needs RFC 6532 anyway. */
function formatAddress(address: Address): string {
  const domain = domainOf(address);
  const written = needsSmtputf8(address) ? domain : (asciiDomain(domain) ?? domain);
  return Buffer.from(`${localPart(address)}@${written}`).toString('latin1');
}

function fromOctets(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
