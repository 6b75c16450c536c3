/**
 * Mail that came as BINARYMIME (RFC 3030 §3) has no lines: it goes as it is to whoever takes it so, and in 7 bit, its binary
 * parts in base64, to everybody else: next hops without BINARYMIME, mailboxes, programs, other networks (RFC 3030 §4).
 * What cannot be put into lines, since a signature forbids it or it is no MIME, fails with 5.6.3.
 */
import type { Interruption } from '../../core/clock.ts';
import type { RecipientId } from '../../core/envelope.ts';
import type { MimeKernels } from '../../core/kernels.ts';
import type { Deferred, Failed, Outcome, Outcomes } from '../../core/outcome.ts';
import type { StoredContent } from '../../core/queue-store.ts';
import type { Delivery, Transport } from '../../core/transport.ts';
import { openConversion } from '../../grammar/mime/convert.ts';
import { measured } from './dressing.ts';
import { isInMemory, type Pieces } from './octets.ts';

export interface BinaryMailOptions {
  readonly transport: Transport;
  readonly kernels: MimeKernels;
  /** It may take such mail as it is, and answers 5.6.3 where it does not; absent: it knows lines only. */
  readonly mayTake?: true;
}

/** RFC 3463 §3.7: conversion required but not supported. */
export const needsLines: Failed = { kind: 'failed', status: '5.6.3', said: { type: 'x-gateway', text: 'The message is binary and cannot be put into lines' } };
const unreadable: Deferred = { kind: 'deferred', status: '4.3.0', blame: 'message', said: { type: 'x-gateway', text: 'The message could not be prepared for sending' } };
const LINE_OCTETS = 998; // RFC 5321 §4.5.3.1.6

export function createBinaryMail({ transport, kernels, mayTake }: BinaryMailOptions): Transport {
  /** One message to several next hops is converted once an attempt. */
  const converted = new WeakMap<StoredContent, Promise<StoredContent | null>>();

  async function deliverLines(job: Delivery, signal: Interruption): Promise<Outcomes> {
    const all = (outcome: Outcome): Outcomes => new Map(job.recipients.map(({ id }) => [id, outcome]));
    const found = converted.get(job.content) ?? inLines(job.content, kernels);
    converted.set(job.content, found);
    let content: StoredContent | null;
    try {
      content = await found;
    } catch {
      return all(unreadable);
    }
    return content === null ? all(needsLines) : transport.deliver({ ...job, content, envelope: { ...job.envelope, body: '7bit' } }, signal);
  }

  async function deliverBinary(job: Delivery, signal: Interruption): Promise<Outcomes> {
    const first = await transport.deliver(job, signal);
    const refused = job.recipients.filter(({ id }) => isRefused(first.get(id)));
    if (refused.length === 0) return first;
    const outcomes = new Map<RecipientId, Outcome>(first);
    for (const [id, outcome] of await deliverLines({ ...job, recipients: refused }, signal)) outcomes.set(id, outcome);
    return outcomes;
  }

  const { queueTimeMs } = transport;
  return {
    name: transport.name,
    get limits() { return transport.limits; },
    deliver(job, signal) {
      if (job.envelope.body !== 'binarymime') return transport.deliver(job, signal);
      return mayTake === true ? deliverBinary(job, signal) : deliverLines(job, signal);
    },
    ...(queueTimeMs === undefined ? {} : { queueTimeMs: () => queueTimeMs.call(transport) }),
    forgive: why => transport.forgive?.(why),
    close: () => transport.close(),
  };
}

function isRefused(outcome: Outcome | undefined): boolean {
  return outcome?.kind === 'failed' && outcome.status === needsLines.status;
}

/** Null: something is left that has no lines. */
async function inLines(content: StoredContent, kernels: MimeKernels): Promise<StoredContent | null> {
  const source = (): Pieces => {
    const pieces = content.read();
    const conversion = openConversion({ to: '7bit', kernels, malformed: 'accept', binary: true });
    return isInMemory(pieces) ? [...pieces.flatMap(piece => conversion.feed(piece)), ...conversion.finish().output] : streamed(pieces, conversion);
  };
  const found = await measured(content, source, kernels);
  const { bareCr, bareLf, hasNul, longestLine } = found.facts;
  return bareCr > 0 || bareLf > 0 || hasNul || longestLine > LINE_OCTETS ? null : found;
}

async function* streamed(pieces: AsyncIterable<Uint8Array>, conversion: ReturnType<typeof openConversion>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield* conversion.feed(piece);
  yield* conversion.finish().output;
}
