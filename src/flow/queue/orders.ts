/** What an operator orders: obeyed at once by messages that wait, at their release by those that are claimed. */
import type { MessageId } from '../../core/envelope.ts';
import type { Order, Selection } from '../../core/queue-store.ts';
import type { BodyFiles } from './body-files.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { dueKey, keysFrom, nothing } from './lmdb-index.ts';
import { obey, postpone } from './message-changes.ts';
import type { RecordFormat } from './format/record.ts';
import type { Transitions } from './transitions.ts';

/** Messages in one transaction: other writers wait that long. */
const STEP = 200;
/** Idempotency keys of a message that is dropped; what is past them goes at the next opening. */
const MOST_KEYS = 10_000;

export function createOrders(index: LmdbIndex, bodies: BodyFiles, format: RecordFormat, steps: Pick<Transitions, 'toQuarantine'>): (which: Selection, order: Order) => Promise<number> {
  /** Inside a transaction. */
  function give(id: MessageId, which: Selection, order: Order): boolean {
    const octets = index.messages.getBinary(id);
    if (octets === undefined) return false;
    const state = typeof which === 'object' && 'state' in which ? which.state : null;
    const quarantined = index.quarantine.doesExist(id);
    if (quarantined !== (order.kind === 'restore') && order.kind !== 'drop') return false;
    if (state !== null && (state === 'quarantined') !== quarantined) return false;
    if (index.leases.doesExist(id)) {
      if (state !== null && state !== 'claimed') return false;
      const before = index.orders.getBinary(id);
      const pending = postpone((before === undefined ? null : format.parseOrder(before)) ?? undefined, order);
      if (pending === null) return false;
      void index.orders.put(id, format.formatOrder(pending));
      return true;
    }
    const record = format.parse(octets, id);
    if (order.kind === 'drop') {
      if (typeof record !== 'string') {
        if (state !== null && !quarantined && state !== (record.held ? 'held' : 'waiting')) return false;
        if (!record.held) void index.due.remove(dueKey(record.due, id));
      }
      remove(id);
      return true;
    }
    if (typeof record === 'string') {
      steps.toQuarantine(id, record);
      return false;
    }
    if (order.kind === 'restore') {
      void index.quarantine.remove(id);
      void index.due.put(dueKey(order.now, id), nothing);
      void index.messages.put(id, format.format({ ...record, due: order.now, held: false }));
      return true;
    }
    if (state !== null && state !== (record.held ? 'held' : 'waiting')) return false;
    const after = obey(record, order);
    if (after === null) return false;
    if (!record.held) void index.due.remove(dueKey(record.due, id));
    if (!after.held) void index.due.put(dueKey(after.due, id), nothing);
    void index.messages.put(id, format.format(after));
    return true;
  }

  function remove(id: MessageId): void {
    for (const entries of [index.messages, index.bodies, index.files, index.quarantine, index.orders]) void entries.remove(id);
    for (const key of keysFrom(index.keys, id, MOST_KEYS, `${id}\uffff`)) void index.keys.remove(key);
  }

  /** One transaction; then the body files of what was dropped, for a record without its file would be a message lost. */
  async function giveSome(ids: readonly MessageId[], which: Selection, order: Order): Promise<number> {
    const files: MessageId[] = [];
    const obeyed = await index.transaction(() => {
      let count = 0;
      for (const id of ids) {
        const inFile = order.kind === 'drop' && index.files.doesExist(id);
        if (!give(id, which, order)) continue;
        count++;
        if (inFile) files.push(id);
      }
      return count;
    });
    for (const id of files) {
      const path = await bodies.find(id);
      if (path !== null) await bodies.unlink(path);
    }
    return obeyed;
  }

  return async (which, order) => {
    if (typeof which === 'object' && 'id' in which) return giveSome([which.id], which, order);
    let obeyed = 0;
    if (typeof which === 'object' && 'ids' in which) {
      for (let from = 0; from < which.ids.length; from += STEP) obeyed += await giveSome(which.ids.slice(from, from + STEP), which, order);
      return obeyed;
    }
    for (let from = '0'; ; ) {
      const ids = keysFrom(index.messages, from, STEP) as MessageId[];
      obeyed += await giveSome(ids, which, order);
      if (ids.length < STEP) return obeyed;
      from = `${ids.at(-1)!}\0`;
    }
  };
}
