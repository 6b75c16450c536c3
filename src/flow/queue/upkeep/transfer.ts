/**
 * Moving messages to another box: ids, envelopes, history, due times and content go as they are. What leaves is put on
 * hold here, so that two boxes do not both deliver it; what arrives is stored once however often it is offered, also
 * when it was delivered meanwhile. Damaged messages move too, into quarantine.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Instant } from '../../../core/clock.ts';
import type { MessageId } from '../../../core/envelope.ts';
import type { Kernels } from '../../../core/kernels.ts';
import type { Imported, Selection } from '../../../core/queue-store.ts';
import type { BodyFiles } from '../body-files.ts';
import { same } from '../body-files.ts';
import type { Ground } from './ground.ts';
import type { Listing } from '../listing.ts';
import type { LmdbIndex } from '../lmdb-index.ts';
import { dueKey, keysFrom, nothing } from '../lmdb-index.ts';
import type { StoredRecord } from '../message-changes.ts';
import { isMessageId } from '../message-id.ts';
import { formatAside } from '../format/aside.ts';
import type { RecordFormat } from '../format/record.ts';
import type { TransferHead } from '../format/transfer.ts';
import { formatTransferEnd, formatTransferHead, formatTransferStart, openTransfer, transferGap } from '../format/transfer.ts';

interface Options {
  readonly index: LmdbIndex;
  readonly bodies: BodyFiles;
  readonly ground: Ground;
  readonly format: RecordFormat;
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly listing: Listing;
  readonly inlineLimitOctets: number;
}

export interface Transfer {
  leave(which: Selection, how: 'move' | 'copy'): AsyncGenerator<Uint8Array>;
  arrive(octets: AsyncIterable<Uint8Array>): Promise<Imported>;
}

export function createTransfer({ index, bodies, ground, format, kernels, clock, listing, inlineLimitOctets }: Options): Transfer {
  /** Puts it on hold, and says what it was before. Null: it is claimed, or gone. */
  function take(id: MessageId, hold: boolean): TransferHead['state'] | null {
    const octets = index.messages.getBinary(id);
    if (octets === undefined) return null;
    if (index.quarantine.doesExist(id)) return 'quarantined';
    if (index.leases.doesExist(id)) return null;
    const record = format.parse(octets, id);
    if (typeof record === 'string') return 'quarantined';
    if (record.held) return 'held';
    if (hold) {
      void index.due.remove(dueKey(record.due, id));
      void index.messages.put(id, format.format({ ...record, held: true }));
    }
    return 'waiting';
  }

  async function sizeOf(octets: () => AsyncIterable<Uint8Array>): Promise<number> {
    let size = 0;
    for await (const piece of octets()) size += piece.length;
    return size;
  }

  async function* leave(which: Selection, how: 'move' | 'copy'): AsyncGenerator<Uint8Array> {
    yield formatTransferStart();
    let messages = 0;
    let claimed = 0;
    for await (const { message: { id, envelope, recipients }, why, judged } of listing.list(which)) {
      const before = index.messages.getBinary(id);
      const state = await index.transaction(() => take(id, how === 'move'));
      if (before === undefined) continue;
      if (state === null) {
        claimed++;
        continue;
      }
      const inline = index.bodies.getBinary(id);
      const path = inline === undefined ? await bodies.find(id) : null;
      const stored = (): AsyncIterable<Uint8Array> => (path === null ? once(inline ?? nothing) : bodies.octets(path));
      yield formatTransferHead({
        id, state, ...(why === undefined ? {} : { why }), ...(judged === true ? { judged } : {}), record: before.toString('base64'), contentOctets: inline?.length ?? (await sizeOf(stored)),
        from: envelope.reversePath ?? '', to: recipients.map(({ address }) => address),
      });
      yield* stored();
      yield transferGap;
      messages++;
    }
    yield formatTransferEnd({ end: true, messages, claimed });
  }

  /** Whether it was stored: false when it is known already. */
  async function store(head: TransferHead, id: MessageId, content: AsyncIterable<Uint8Array>): Promise<'imported' | 'damaged' | 'cut'> {
    const raw = Buffer.from(head.record, 'base64');
    const parsed = format.parse(raw, id);
    const inFile = head.contentOctets > inlineLimitOctets && typeof parsed !== 'string';
    const scan = kernels.openScan();
    const pieces: Uint8Array[] = [];
    let octets = 0;
    const file = inFile ? await bodies.create(id) : null;
    try {
      for await (const piece of content) {
        scan.feed(piece);
        octets += piece.length;
        if (file === null) pieces.push(Buffer.from(piece));
        else await file.write([piece]);
      }
      const { digest } = scan.facts();
      if (octets < head.contentOctets) {
        await file?.discard();
        return 'cut';
      }
      const damage = typeof parsed === 'string' ? parsed : same(digest, parsed.message.facts.digest) ? null : 'content digest does not match';
      if (file !== null && typeof parsed !== 'string') {
        // Named first: the id is another box's, and whoever opens this queue just now would take the file for an orphan.
        await index.transaction(() => void index.files.put(id, nothing));
        // A body file lies by the digest in its record, right or not.
        await file.commit(parsed.message.facts);
      }
      await settle(head, id, parsed, raw, file === null ? Buffer.concat(pieces) : null, damage);
      return damage === null ? 'imported' : 'damaged';
    } catch (error) {
      await file?.discard();
      throw error;
    }
  }

  async function settle(head: TransferHead, id: MessageId, parsed: StoredRecord | string, raw: Buffer, content: Buffer | null, damage: string | null): Promise<void> {
    const size = raw.length + (content?.length ?? 0);
    if (!(await ground.take(size))) throw new Error('the queue has no room for more; free some and import the same file again');
    try {
      await index.transaction(() => {
        const why = damage ?? (head.state === 'quarantined' ? (head.why ?? 'it was in quarantine') : null);
        const judged = head.state === 'quarantined' && head.judged === true;
        const held = why === null && head.state === 'held';
        const due = typeof parsed === 'string' ? (0 as Instant) : parsed.due;
        void index.messages.put(id, typeof parsed === 'string' ? raw : format.format({ ...parsed, held, inFile: content === null }));
        if (content === null) void index.files.put(id, nothing);
        else void index.bodies.put(id, content);
        if (why !== null) void index.quarantine.put(id, formatAside({ why, ...(judged ? { judged } : {}) }));
        else if (!held) void index.due.put(dueKey(due, id), nothing);
        void index.imported.put(id, Buffer.from(String(clock.now())));
      });
    } finally {
      ground.landed(size);
    }
  }

  async function arrive(octets: AsyncIterable<Uint8Array>): Promise<Imported> {
    const reader = await openTransfer(octets);
    let imported = 0;
    let known = 0;
    let damaged = 0;
    for (;;) {
      const next = await reader.next();
      if (next === null) return { imported, known, damaged, complete: false };
      if ('end' in next) return { imported, known, damaged, complete: next.messages === imported + known };
      if (!isMessageId(next.id)) throw new Error(`${JSON.stringify(next.id)} is no queue id`);
      if (index.messages.doesExist(next.id) || index.imported.doesExist(next.id)) {
        known++;
        continue;
      }
      const stored = await store(next, next.id, reader.content());
      if (stored === 'cut') return { imported, known, damaged, complete: false };
      imported++;
      if (stored === 'damaged') damaged++;
      await nextTurn();
    }
  }

  return { leave, arrive };
}

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  if (octets.length > 0) yield octets;
  await Promise.resolve();
}

/** A file that old is not imported again by mistake. */
const REMEMBERED_MS = 90 * 86_400_000;
const STEP = 500;

export async function forgetImports(index: LmdbIndex, now: Instant): Promise<void> {
  for (let from = '0'; ; ) {
    const ids = keysFrom(index.imported, from, STEP);
    const old = ids.filter((id) => !(Number(index.imported.getBinary(id)?.toString()) > now - REMEMBERED_MS) && !index.messages.doesExist(id));
    if (old.length > 0) await index.transaction(() => old.forEach((id) => void index.imported.remove(id)));
    if (ids.length < STEP) return;
    from = `${ids.at(-1)!}\0`;
  }
}
