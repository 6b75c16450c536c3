/** A message of our own, by the door that everybody's mail takes. */
import type { Address, Origin } from '../../core/envelope.ts';
import type { Intake, MailOptions, Queued, RcptOptions } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Refusal } from '../../core/status.ts';

export interface Letter {
  readonly origin: Origin;
  readonly to: Address;
  readonly mail: MailOptions;
  readonly rcpt?: RcptOptions;
  /** Queued once under this key, however often it is offered. */
  readonly key?: string;
  pieces(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** With the null reverse-path, so that what we write is never answered by a report to ourselves (RFC 5321 §4.5.5). */
export async function queueLetter(intake: Intake, kernels: Pick<Kernels, 'openScan'>, letter: Letter): Promise<Queued | Refusal> {
  const transaction = await intake.open(letter.origin, letter.key === undefined ? {} : { idempotencyKey: letter.key });
  if (transaction.kind === 'refused') return transaction;
  let done = false;
  try {
    const mail = await transaction.mail(null, letter.mail);
    if (mail.kind === 'refused') return mail;
    const rcpt = await transaction.rcpt(letter.to, letter.rcpt ?? {});
    if (rcpt.kind === 'refused') return rcpt;
    const writer = await transaction.data();
    if (writer.kind === 'refused') return writer;
    const scan = kernels.openScan();
    for await (const piece of letter.pieces()) {
      if (piece.length === 0) continue;
      scan.feed(piece);
      // The writer owns what it is given, and the store's pieces are not ours to give away.
      await writer.write(Buffer.from(piece));
    }
    const queued = await writer.end(scan.facts());
    done = queued.kind === 'queued';
    return queued;
  } finally {
    if (!done) transaction.abort();
  }
}
