/** A command's template and one delivery, made into words. Pure. */
import type { ReversePath, Recipient } from '../../../core/envelope.ts';
import { domainOf, unquotedLocalPart } from '../../../grammar/address.ts';

export interface Delivered {
  readonly id: string;
  readonly nexthop: string;
  readonly reversePath: ReversePath;
  readonly recipients: readonly Recipient[];
}

/** Null when a value would be read as an option, or cannot be an argument at all. */
export function commandWords(template: readonly string[], delivered: Delivered): readonly string[] | null {
  const one = delivered.recipients[0];
  const values: Readonly<Record<string, string>> = {
    sender: delivered.reversePath ?? '', id: delivered.id, nexthop: delivered.nexthop,
    recipient: one?.address ?? '', user: one === undefined ? '' : unquotedLocalPart(one.address), domain: one === undefined ? '' : domainOf(one.address),
  };
  const words: string[] = [];
  let ended = false;
  for (const word of template) {
    const made = word === '{recipients}' ? delivered.recipients.map(({ address }): string => address) : [word.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '')];
    const ours = !word.startsWith('{');
    // Behind `--` nothing is an option; a word of the template's own is what its author wants.
    if (made.some(text => text.includes('\0') || (text.startsWith('-') && !ours && !ended))) return null;
    ended ||= word === '--';
    words.push(...made);
  }
  return words;
}
