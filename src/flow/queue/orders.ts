/** What an operator orders: obeyed at once by messages that wait, at their release by those that are claimed. */
import type { MessageId } from '../../core/envelope.ts';
import type { Order, Selection } from '../../core/queue-store.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { dueKey, keysFrom, nothing } from './lmdb-index.ts';
import { obey, postpone } from './message-changes.ts';
import type { RecordFormat } from './record-format.ts';

/** Messages in one transaction: other writers wait that long. */
const STEP = 200;

export function createOrders(index: LmdbIndex, format: RecordFormat): (which: Selection, order: Order) => Promise<number> {
  /** Inside a transaction. */
  function give(id: MessageId, which: Selection, order: Order): boolean {
    const octets = index.messages.getBinary(id);
    if (octets === undefined || index.quarantine.doesExist(id)) return false;
    const claimed = index.leases.doesExist(id);
    const state = typeof which === 'object' && 'state' in which ? which.state : null;
    if (claimed) {
      if (state !== null && state !== 'claimed') return false;
      const before = index.orders.getBinary(id);
      const pending = postpone(before === undefined ? undefined : format.parseOrder(before), order);
      if (pending === null) return false;
      void index.orders.put(id, format.formatOrder(pending));
      return true;
    }
    const record = format.parse(octets);
    if (typeof record === 'string') return false; // the next claim moves it to quarantine
    if (state !== null && state !== (record.held ? 'held' : 'waiting')) return false;
    const after = obey(record, order);
    if (after === null) return false;
    if (!record.held) void index.due.remove(dueKey(record.due, id));
    if (!after.held) void index.due.put(dueKey(after.due, id), nothing);
    void index.messages.put(id, format.format(after));
    return true;
  }

  return async (which, order) => {
    if (typeof which === 'object' && 'id' in which) return (await index.transaction(() => give(which.id, which, order))) ? 1 : 0;
    let obeyed = 0;
    for (let from = '0'; ; ) {
      const ids = keysFrom(index.messages, from, STEP) as MessageId[];
      obeyed += await index.transaction(() => ids.filter((id) => give(id, which, order)).length);
      if (ids.length < STEP) return obeyed;
      from = `${ids.at(-1)!}\0`;
    }
  };
}
