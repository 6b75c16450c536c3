/**
 * A message as the next hop shall get it: sender fields changed, made 7-bit, signed, in this order, so that the signature
 * is over what is sent. What is signed is made 7-bit first (RFC 6376 §5.3), or the first hop without 8BITMIME would
 * break the signature that we just made.
 */
import type { MimeKernels } from '../../core/kernels.ts';
import type { StoredContent } from '../../core/queue-store.ts';
import { domainOf } from '../../grammar/address.ts';
import { sealMessage, type ArcSealer } from './arc.ts';
import { createDigesting, signMessage, type Digested } from './dkim.ts';
import { isInMemory, readHeader, withHead, type Pieces, type Source } from './octets.ts';
import { authorOf, changeSenders, type SenderRule } from './sender-fields.ts';
import type { Signers } from './signers.ts';

export interface Dress {
  readonly senders?: SenderRule;
  readonly signed: boolean;
  /** Foreign mail: what we found out about it is vouched for. */
  readonly sealed: boolean;
}

export interface Tailor {
  readonly signers: Signers;
  readonly sealer?: ArcSealer;
  readonly kernels: Pick<MimeKernels, 'openSurvey'>;
  toSevenBit(content: StoredContent): Pieces;
  /** Seconds. */
  now(): number;
}

/** Beyond what intake lets in, with our own trace fields. */
export const HEADER_OCTETS = 2 * 1024 * 1024;

/** The same content when there is nothing to do. */
export async function dress(content: StoredContent, { senders, signed, sealed }: Dress, { signers, sealer, kernels, toSevenBit, now }: Tailor): Promise<StoredContent> {
  const source: Source = () => content.read();
  const header = await readHeader(source, HEADER_OCTETS);
  // Nobody can read it; the next hop may say what it thinks of that.
  if (header === null) return content;
  const changed = senders === undefined ? header : changeSenders(header, senders);
  const author = signed ? authorOf(changed) : null;
  const keys = author === null ? [] : signers.keysOf(domainOf(author));
  const worn: Source = changed === header ? source : withHead(source, header.length, changed);
  if (keys.length === 0) {
    if (!sealed || sealer === undefined) return changed === header ? content : await measured(content, worn, kernels);
    const passed = await passOver(content, worn(), kernels);
    // Our trace fields come first, and a change of senders is behind them.
    const seal = await sealMessage(passed.digested, sealer, content.sizeOctets - content.facts.sizeOctets, now());
    if (seal === null && changed === header) return content;
    return headed(passed, worn, seal ?? '');
  }
  const seven: Source = content.facts.has8bit ? () => toSevenBit({ ...content, read: worn }) : worn;
  const first = seven();
  // In memory, it is converted once; a long one again, when it is sent.
  const kept: Source = isInMemory(first) ? () => first : seven;
  const passed = await passOver(content, first, kernels);
  return headed(passed, kept, await signMessage(passed.digested, keys, now()));
}

function headed({ facts, octets }: Passed, source: Source, head: string): StoredContent {
  const fields = Buffer.from(head, 'latin1');
  return { kind: 'content', facts, sizeOctets: octets + fields.length, read: withHead(source, 0, fields) };
}

interface Passed {
  readonly facts: StoredContent['facts'];
  readonly octets: number;
  readonly digested: Digested;
}

export async function measured(content: StoredContent, source: Source, kernels: Tailor['kernels']): Promise<StoredContent> {
  const { facts, octets } = await passOver(content, source(), kernels);
  return { kind: 'content', facts, sizeOctets: octets, read: source };
}

async function passOver(content: StoredContent, pieces: Pieces, kernels: Tailor['kernels']): Promise<Passed> {
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
    const found = survey.facts();
    // Facts are about the content behind our trace fields, as they were before.
    const ours = content.sizeOctets - content.facts.sizeOctets;
    return { facts: { ...found, sizeOctets: found.sizeOctets - ours, headerEnd: Math.max(0, found.headerEnd - ours), digest: content.facts.digest }, octets, digested: digesting.finish() };
  } finally {
    if (open) survey.facts();
  }
}
