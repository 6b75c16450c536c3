/** A copy that somebody's instructions send on: a submission of its own, that says where it has been. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Address, MessageId } from '../../core/envelope.ts';
import type { Intake, Queued } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { QueueStore } from '../../core/queue-store.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import type { Copy } from '../../flow/transport/local/index.ts';
import { parseAddress } from '../../grammar/address.ts';

export interface ForwardRooms {
  readonly store: Pick<QueueStore, 'queuedUnder'>;
  readonly intake: Intake;
  readonly kernels: Pick<Kernels, 'openScan'>;
  readonly clock: Clock;
}

export async function forwardCopy({ store, intake, kernels, clock }: ForwardRooms, addresses: readonly string[], { id, recipient, sender, content, virtualHost, security, requireTls }: Copy): Promise<Queued | Refusal> {
  const key = keyOf(id, recipient, addresses);
  // It went with an earlier attempt; what a filter would say to it a second time does not count.
  const gone = store.queuedUnder(key);
  if (gone !== null) return { kind: 'queued', id: gone, refused: new Map() };
  const transaction = await intake.open({ source: 'local', protocol: 'local', relayClient: '', at: clock.now(), ...(virtualHost === undefined ? {} : { virtualHost }) }, { idempotencyKey: key });
  if (transaction.kind === 'refused') return transaction;
  const body = content.facts.has8bit ? '8bitmime' : '7bit';
  const reversePath = sender === '' ? null : parseAddress(sender);
  const smtputf8 = content.facts.header8bit || /[^\0-\x7f]/.test(`${sender}${addresses.join()}`);
  // RFC 8689 §6: what was demanded of the message is demanded for what comes of it.
  const mail = await transaction.mail(reversePath, { body, smtputf8, ...(security === undefined ? {} : { security }), ...(requireTls === undefined ? {} : { requireTls }) });
  if (mail.kind === 'refused') return mail;
  for (const text of addresses) {
    const address = parseAddress(/<([^<>]*)>\s*$/.exec(text)?.[1] ?? text);
    const verdict = address === null ? refuse('badRecipientAddress', { text: `Bad address to forward to: ${text}` }) : await transaction.rcpt(address, { notify: ['failure'], original: `rfc822;${recipient}` });
    if (verdict.kind === 'refused') {
      transaction.abort();
      return verdict;
    }
  }
  const writer = await transaction.data();
  if (writer.kind === 'refused') return writer;
  const scan = kernels.openScan();
  let facts: ReturnType<typeof scan.facts> | null = null;
  try {
    const head = Buffer.from(`Delivered-To: ${recipient}\r\n`);
    scan.feed(head);
    await writer.write(head);
    for await (const piece of content.read()) {
      scan.feed(piece);
      // The writer keeps what it is given, and this piece belongs to the queue.
      await writer.write(Uint8Array.from(piece));
    }
    facts = scan.facts();
  } catch (error) {
    transaction.abort();
    if (facts === null) scan.facts(); // closes the scan
    throw error;
  }
  return writer.end(facts);
}

/** Starts with the parent's id, as the store wants it. */
function keyOf(id: MessageId, recipient: Address, addresses: readonly string[]): string {
  return `${id}:forward:${createHash('sha256').update([recipient, ...addresses].join('\n')).digest('hex').slice(0, 24)}`;
}
