/** The outbox in a map: for tests, and to read first. Nothing survives. */
import type { Clock } from '../../core/clock.ts';
import type { EventOutbox, Parcel } from '../../core/event-outbox.ts';
import { createMessageIds, instantOf } from './message-id.ts';
import { createLedger } from './outbox-ledger.ts';

export function createMemoryOutbox(clock: Clock): EventOutbox {
  const ledger = createLedger();
  const parcels = new Map<string, Parcel>();
  const nextId = createMessageIds(clock, '00000000');
  const removeAll = (keys: readonly string[]): Promise<void> => {
    for (const key of keys) parcels.delete(key);
    return Promise.resolve();
  };
  return {
    async add(hook, { events, text }, most) {
      const id = nextId();
      const key = `${hook} ${id}`;
      parcels.set(key, { key, at: instantOf(id), events, text });
      await removeAll(ledger.add(hook, { key, at: instantOf(id), events, octets: Buffer.byteLength(text) }, most));
      return 'kept';
    },
    peek(hook, most) {
      const found: Parcel[] = [];
      let events = 0;
      for (const { key } of ledger.hooks.get(hook) ?? []) {
        const parcel = parcels.get(key) as Parcel;
        if (found.length > 0 && events + parcel.events > most) break;
        events += parcel.events;
        found.push(parcel);
      }
      return found;
    },
    remove: (hook, upTo) => removeAll(ledger.remove(hook, upTo)),
    waiting: hook => ledger.waiting(hook),
    async keepOnly(hooks) {
      const unknown = [...ledger.hooks.keys()].filter(hook => !hooks.has(hook));
      for (const hook of unknown) await removeAll(ledger.forget(hook));
    },
  };
}
