/** Messages for tests of the queue. */
import type { Instant } from '../../src/core/clock.ts';
import type { Address, Envelope, MessageId, Recipient, RecipientId } from '../../src/core/envelope.ts';
import type { Kernels } from '../../src/core/kernels.ts';
import type { Deferred, Delivered, Failed } from '../../src/core/outcome.ts';
import type { Claim, Committed, Draft, QueueEntry, QueueStore, Seal, Selection, StoredContent } from '../../src/core/queue-store.ts';

export const envelope: Envelope = {
  reversePath: 'ann@example.org' as Address,
  body: '8bitmime',
  smtputf8: false,
  ret: 'hdrs',
  envid: 'one+two',
  origin: { source: 'esmtp', protocol: 'ESMTPS', remoteAddress: '192.0.2.1', helo: 'mx.example.org', at: 1_700_000_000_000 },
};

export function recipient(id: number, address = `user${id}@example.net`): Recipient {
  return { id: id as RecipientId, address: address as Address };
}

export const recipients: readonly Recipient[] = [recipient(0), recipient(1, 'eve@example.com')];
export const first = 0 as RecipientId;
export const second = 1 as RecipientId;

export const delivered: Delivered = { kind: 'relayed', status: '2.0.0', said: { type: 'smtp', text: '250 ok', remoteMta: 'mx.example.net [192.0.2.9]' } };
export const deferred: Deferred = { kind: 'deferred', status: '4.2.2', blame: 'recipient', said: { type: 'smtp', text: '452 later', remoteMta: 'mx.example.net [192.0.2.9]' } };
export const unreachable: Deferred = { kind: 'deferred', status: '4.4.1', blame: 'nexthop' };
export const failed: Failed = { kind: 'failed', status: '5.1.1', said: { type: 'smtp', text: '550 no', remoteMta: 'mx.example.net [192.0.2.9]' } };

export const trace = Buffer.from('Received: by mx.example.net; today\r\n');

export function text(sizeOctets: number, filler = 'x'): Buffer {
  return Buffer.from(`Subject: test\r\n\r\n${filler.repeat(sizeOctets)}`.slice(0, Math.max(sizeOctets, 1)));
}

export function sealOf(kernels: Kernels, content: Uint8Array, due: Instant): Seal {
  return { due, trace, facts: { sizeOctets: content.length, digest: kernels.digest(content), has8bit: false, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 60, headerEnd: 0, header8bit: false } };
}

export interface Posting {
  readonly due?: Instant;
  readonly key?: string;
  readonly chunkOctets?: number;
  readonly seal?: Partial<Seal>;
}

export function draft(store: QueueStore, key?: string): Draft {
  return store.begin(envelope, recipients, key === undefined ? {} : { idempotencyKey: key });
}

/** Begins, writes and commits one message. */
export async function post(store: QueueStore, kernels: Kernels, now: Instant, content: Uint8Array = text(100), how: Posting = {}): Promise<Committed> {
  const open = draft(store, how.key);
  const step = how.chunkOctets ?? (content.length || 1);
  for (let at = 0; at < content.length; at += step) await open.write(Buffer.from(content.subarray(at, at + step)));
  return open.commit({ ...sealOf(kernels, content, how.due ?? now), ...how.seal });
}

export function idOf(committed: Committed): MessageId {
  if (committed.kind !== 'committed') throw new Error(`not committed: ${JSON.stringify(committed)}`);
  return committed.id;
}

export async function octetsOf(content: StoredContent): Promise<Buffer> {
  const read = content.read();
  const pieces: Uint8Array[] = [];
  for await (const piece of read) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What a claimant does to have the content: at hand, or asked for. */
export async function contentOf(store: QueueStore, claim: Claim): Promise<Buffer> {
  const content = claim.content ?? (await store.content(claim));
  if (content.kind === 'corrupt') throw new Error(content.why);
  return octetsOf(content);
}

export async function all(store: QueueStore, which: Selection = 'all'): Promise<QueueEntry[]> {
  const entries: QueueEntry[] = [];
  for await (const entry of store.list(which)) entries.push(entry);
  return entries;
}
