/** Hosts whose STARTTLS broke where nobody insisted on it: their mail goes in clear for a while, a restart included (Courier's practice). */
import type { Chance, Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { Notes } from '../../../core/notes.ts';
import type { Relay } from '../../../core/transport.ts';

export interface BrokenTls {
  has(relay: Relay): boolean;
  note(relay: Relay, why: string): void;
  /** All of them are asked for TLS again. */
  clear(): void;
}

const KIND = 'broken-tls';
const PENALTY_MS = 2 * 3_600_000; // and up to an hour more, so that hosts do not come back all at once

export function createBrokenTls({ notes, clock, chance, log }: { readonly notes: Notes; readonly clock: Clock; readonly chance: Chance; readonly log: Log }): BrokenTls {
  const keyOf = ({ address, host, port }: Relay) => `${address ?? host}:${port}`;
  return {
    has: relay => notes.recall(KIND, keyOf(relay)) !== null,
    note(relay, why) {
      const at = clock.now();
      const count = (notes.recall(KIND, keyOf(relay))?.count ?? 0) + 1;
      notes.note(KIND, keyOf(relay), { at, until: at + PENALTY_MS + chance.between(0, PENALTY_MS / 2), count, why });
      log.warn('starttls', { host: relay.host, address: relay.address, why });
    },
    clear: () => void notes.forget(KIND, 'all').catch((cause: unknown) => log.error('starttls', { what: 'broken TLS cannot be forgotten', cause })),
  };
}
