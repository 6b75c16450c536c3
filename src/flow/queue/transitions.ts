/** Steps of a message from one place to another. Each is called inside a transaction, and leaves it in exactly one place. */
import type { Instant } from '../../core/clock.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { Log } from '../../core/log.ts';
import { formatAside, parseAside } from './format/aside.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { dueKey, nothing } from './lmdb-index.ts';
import type { StoredRecord } from './message-changes.ts';
import { obeyPending } from './message-changes.ts';
import type { RecordFormat } from './format/record.ts';

export interface Transitions {
  /** The lease with this token still stands. */
  stands(id: MessageId, token: number): boolean;
  /** The lease ends, what was ordered meanwhile happens, the message is due or held. `changed`: the record is not the stored one. */
  putBack(id: MessageId, record: StoredRecord, changed: boolean, now: Instant): void;
  /** The lease ends without an attempt. */
  giveBack(id: MessageId, now: Instant): void;
  /** From wherever it is. False when there is no such message. */
  toQuarantine(id: MessageId, why: string): boolean;
}

/** `quarantined` is told when a message is set aside as damaged; inside a transaction, so it only takes note. */
export function createTransitions(index: LmdbIndex, format: RecordFormat, log: Log, quarantined: (id: MessageId, why: string) => void): Transitions {
  function putBack(id: MessageId, record: StoredRecord, changed: boolean, now: Instant): void {
    const order = index.orders.getBinary(id);
    const pending = order === undefined ? null : format.parseOrder(order);
    const after = pending === null ? record : obeyPending(record, pending, now);
    if (order !== undefined) void index.orders.remove(id);
    if (changed || after !== record) void index.messages.put(id, format.format(after));
    void index.leases.remove(id);
    if (!after.held) void index.due.put(dueKey(after.due, id), nothing);
  }

  function toQuarantine(id: MessageId, why: string): boolean {
    const octets = index.messages.getBinary(id);
    if (octets === undefined) return false;
    const record = format.parse(octets, id);
    const before = index.quarantine.getBinary(id);
    // The due entry of a record that cannot be read cannot be named; the claim that finds it comes here again.
    if (typeof record !== 'string') void index.due.remove(dueKey(record.due, id));
    void index.leases.remove(id);
    void index.orders.remove(id);
    const known = before === undefined ? null : parseAside(before);
    // Damage does not undo a judgement.
    void index.quarantine.put(id, formatAside({ why, ...(known?.judged === true ? { judged: true } : {}) }));
    if (known !== null) return true; // said already
    log.error('queue', { what: 'quarantined', id, why });
    quarantined(id, why);
    return true;
  }

  return {
    stands: (id, token) => index.leases.getEntry(id)?.version === token,
    putBack,
    giveBack(id, now) {
      const octets = index.messages.getBinary(id);
      if (octets === undefined) return void index.leases.remove(id);
      const record = format.parse(octets, id);
      if (typeof record === 'string') return void toQuarantine(id, record);
      return putBack(id, record, false, now);
    },
    toQuarantine,
  };
}
