/**
 * A message as the next hop shall get it: sender fields changed, made 7-bit, signed, in this order, so that the signature
 * is over what is sent. What is signed is made 7-bit first (RFC 6376 §5.3), or the first hop without 8BITMIME would
 * break the signature that we just made.
 */
import type { MimeKernels } from '../../core/kernels.ts';
import type { StoredContent } from '../../core/queue-store.ts';
import { domainOf } from '../../grammar/address.ts';
import { createDigesting, signMessage, type Digested } from './dkim.ts';
import { isInMemory, readHeader, withHead, type Pieces, type Source } from './octets.ts';
import { authorOf, changeSenders, type SenderRule } from './sender-fields.ts';
import type { Signers } from './signers.ts';

export interface Dress {
  readonly senders?: SenderRule;
  readonly signed: boolean;
}

export interface Tailor {
  readonly signers: Signers;
  readonly kernels: Pick<MimeKernels, 'openSurvey'>;
  toSevenBit(content: StoredContent): Pieces;
  /** Seconds. */
  now(): number;
}

/** Beyond what intake lets in, with our own trace fields. */
export const HEADER_OCTETS = 2 * 1024 * 1024;

/** The same content when there is nothing to do. */
export async function dress(content: StoredContent, { senders, signed }: Dress, { signers, kernels, toSevenBit, now }: Tailor): Promise<StoredContent> {
  const source: Source = () => content.read();
  const header = await readHeader(source, HEADER_OCTETS);
  // Nobody can read it; the next hop may say what it thinks of that.
  if (header === null) return content;
  const changed = senders === undefined ? header : changeSenders(header, senders);
  const author = signed ? authorOf(changed) : null;
  const keys = author === null ? [] : signers.keysOf(domainOf(author));
  const worn: Source = changed === header ? source : withHead(source, header.length, changed);
  if (keys.length === 0) return changed === header ? content : await measured(content, worn, kernels);
  const seven: Source = content.facts.has8bit ? () => toSevenBit({ ...content, read: worn }) : worn;
  const first = seven();
  // In memory, it is converted once; a long one again, when it is sent.
  const kept: Source = isInMemory(first) ? () => first : seven;
  const { facts, octets, digested } = await passOver(content, first, kernels);
  const signature = Buffer.from(await signMessage(digested, keys, now()), 'latin1');
  return { kind: 'content', facts, sizeOctets: octets + signature.length, read: withHead(kept, 0, signature) };
}

export async function measured(content: StoredContent, source: Source, kernels: Tailor['kernels']): Promise<StoredContent> {
  const { facts, octets } = await passOver(content, source(), kernels);
  return { kind: 'content', facts, sizeOctets: octets, read: source };
}

async function passOver(content: StoredContent, pieces: Pieces, kernels: Tailor['kernels']): Promise<{ facts: StoredContent['facts']; octets: number; digested: Digested }> {
  const survey = kernels.openSurvey();
  const digesting = createDigesting();
  let octets = 0;
  let open = true;
  try {
    for await (const piece of pieces) {
      survey.feed(piece);
      digesting.feed(piece);
      octets += piece.length;
    }
    open = false;
    return { facts: { ...survey.facts(), digest: content.facts.digest }, octets, digested: digesting.finish() };
  } finally {
    if (open) survey.facts();
  }
}
