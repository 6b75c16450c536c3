/** Messages as an operator sees them. */
import type { Instant } from '../../core/clock.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { QueueEntry, Selection, StoredMessage } from '../../core/queue-store.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { keysFrom } from './lmdb-index.ts';
import { instantOf } from './message-id.ts';
import { parseAside } from './format/aside.ts';
import type { RecordFormat } from './format/record.ts';

/** Messages looked at before others get their turn. */
const STEP = 100;

export interface Listing {
  get(id: MessageId): QueueEntry | null;
  list(which: Selection, after?: MessageId): AsyncIterable<QueueEntry>;
}

export function createListing(index: LmdbIndex, format: RecordFormat, hidden: (id: MessageId) => boolean): Listing {
  function get(id: MessageId): QueueEntry | null {
    if (hidden(id)) return null;
    const octets = index.messages.getBinary(id);
    if (octets === undefined) return null;
    const record = format.parse(octets, id);
    const octetsAside = index.quarantine.getBinary(id);
    const aside = octetsAside === undefined ? null : parseAside(octetsAside);
    if (typeof record === 'string') {
      return { message: unreadable(id), due: instantOf(id), state: 'quarantined', ...(aside ?? { why: record }) };
    }
    const { message, due } = record;
    if (aside !== null) return { message, due, state: 'quarantined', ...aside };
    return { message, due, state: record.held ? 'held' : index.leases.doesExist(id) ? 'claimed' : 'waiting' };
  }

  async function* list(which: Selection, after?: MessageId): AsyncGenerator<QueueEntry> {
    if (typeof which === 'object' && 'id' in which) {
      const entry = get(which.id);
      if (entry !== null) yield entry;
      return;
    }
    if (typeof which === 'object' && 'ids' in which) {
      for (const id of which.ids) {
        const entry = get(id);
        if (entry !== null) yield entry;
      }
      return;
    }
    for (let from = after === undefined ? '0' : `${after}\0`; ; ) {
      const ids = keysFrom(index.messages, from, STEP) as MessageId[];
      for (const id of ids) {
        const entry = get(id);
        if (entry !== null && (which === 'all' || entry.state === which.state)) yield entry;
      }
      if (ids.length < STEP) return;
      from = `${ids.at(-1)!}\0`;
      await new Promise(setImmediate);
    }
  }

  return { get, list };
}

/** What stands in for an envelope that cannot be read. */
function unreadable(id: MessageId): StoredMessage {
  const acceptedAt = instantOf(id);
  return {
    id,
    envelope: { reversePath: null, body: '7bit', smtputf8: false, origin: { source: 'local', protocol: 'unreadable', at: acceptedAt } },
    recipients: [],
    facts: { sizeOctets: 0, has8bit: false, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 0, headerEnd: 0, header8bit: false, digest: new Uint8Array(16) },
    trace: new Uint8Array(0),
    acceptedAt,
    attempts: 0,
  };
}

export function oldestAcceptedAt(index: LmdbIndex, listing: Listing, hidden: (id: MessageId) => boolean): Instant | null {
  for (let from = '0'; ; ) {
    const ids = keysFrom(index.messages, from, STEP) as MessageId[];
    const oldest = ids.find((id) => !hidden(id));
    if (oldest !== undefined) return listing.get(oldest)?.message.acceptedAt ?? instantOf(oldest);
    if (ids.length < STEP) return null;
    from = `${ids.at(-1)!}\0`;
  }
}
