/**
 * The outbox in the queue's environment. A key says all that the ledger has to know, so that opening reads no value:
 * hook, message-like id (it sorts by time and never repeats), number of events, octets.
 */
import type { Clock } from '../../core/clock.ts';
import type { EventOutbox, Parcel } from '../../core/event-outbox.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { Log } from '../../core/log.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { createMessageIds, instantOf } from './message-id.ts';
import { createLedger, type Entry } from './outbox-ledger.ts';

interface Options {
  readonly index: LmdbIndex;
  readonly clock: Clock;
  readonly log: Log;
  /** Of this opened store. */
  readonly tag: string;
  /** Whether there is room for more than the mail. */
  room(octets: number): boolean;
}

export function createLmdbOutbox({ index, clock, log, tag, room }: Options): EventOutbox {
  const ledger = createLedger();
  /** Written, and not known to be on the disk. */
  const flying = new Set<string>();
  let newest: MessageId | null = null;
  for (const key of index.events.getKeys()) {
    const read = parseKey(key);
    if (read === null) continue;
    ledger.add(read.hook, read.entry, { events: Infinity, octets: Infinity });
    if (newest === null || read.id > newest) newest = read.id;
  }
  const nextId = createMessageIds(clock, tag, newest);

  async function removeAll(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    try {
      await Promise.all(keys.map(key => index.settled(index.events.remove(key))));
    } catch (cause) {
      // Sent again after a start: whoever takes events knows their ids.
      log.error('queue', { what: 'events could not be removed', cause });
    }
  }

  return {
    async add(hook, { events, text }, most) {
      const octets = Buffer.from(text);
      const id = nextId();
      const key = `${hook} ${id} ${events} ${octets.length}`;
      const entry: Entry = { key, at: instantOf(id), events, octets: octets.length };
      const gone = ledger.add(hook, entry, most);
      flying.add(key);
      try {
        // Below the watermark the room is for mail that was accepted.
        if (!room(octets.length)) throw new NoRoom();
        const removed = removeAll(gone);
        await index.settled(index.events.put(key, octets));
        await removed;
        return 'kept';
      } catch (cause) {
        ledger.lost(hook, key);
        void removeAll(gone);
        if (!(cause instanceof NoRoom)) log.error('queue', { what: 'events could not be stored', hook, events, cause });
        return 'lost';
      } finally {
        flying.delete(key);
      }
    },
    peek(hook, most) {
      const parcels: Parcel[] = [];
      let events = 0;
      for (const entry of ledger.hooks.get(hook) ?? []) {
        if (flying.has(entry.key) || (parcels.length > 0 && events + entry.events > most)) break;
        const octets = index.events.getBinary(entry.key);
        // Gone by another process's hand: it was sent there.
        if (octets === undefined) continue;
        events += entry.events;
        parcels.push({ key: entry.key, at: entry.at, events: entry.events, text: octets.toString() });
        if (events >= most) break;
      }
      return parcels;
    },
    remove: (hook, upTo) => removeAll(ledger.remove(hook, upTo)),
    waiting: hook => ledger.waiting(hook),
    async keepOnly(hooks) {
      const unknown = [...ledger.hooks.keys()].filter(hook => !hooks.has(hook));
      for (const hook of unknown) await removeAll(ledger.forget(hook));
    },
  };
}

class NoRoom extends Error {}

function parseKey(key: string): { readonly hook: string; readonly id: MessageId; readonly entry: Entry } | null {
  const [hook, id, events, octets] = key.split(' ');
  if (hook === undefined || id === undefined || octets === undefined) return null;
  return { hook, id: id as MessageId, entry: { key, at: instantOf(id as MessageId), events: Number(events), octets: Number(octets) } };
}
