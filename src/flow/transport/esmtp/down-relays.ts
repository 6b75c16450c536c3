/** Relays that could not be used: for a while others are tried first, for longer each time it is found down again. */
import { after, type Clock, type Instant } from '../../../core/clock.ts';
import type { Relay } from '../../../core/transport.ts';

export interface DownRelays {
  note(relay: Relay): void;
  forget(relay: Relay): void;
  clear(): void;
  /** When it is worth a try again; null: it is, as far as is known. */
  until(relay: Relay): Instant | null;
  /** The same relays, those that are down behind the others: when all are, each has its turn. */
  lastOf(relays: readonly Relay[]): readonly Relay[];
}

const FIRST_MS = 60_000;
const LONGEST_MS = 3_600_000;

export function createDownRelays(clock: Clock, most: number): DownRelays {
  const known = new Map<string, { readonly until: Instant; readonly times: number }>();
  const keyOf = ({ address, host, port }: Relay) => `${address ?? host}:${port}`;
  const until = (relay: Relay): Instant | null => {
    const found = known.get(keyOf(relay));
    return found === undefined || found.until <= clock.now() ? null : found.until;
  };
  return {
    note(relay) {
      const key = keyOf(relay);
      const times = (known.get(key)?.times ?? 0) + 1;
      known.delete(key);
      known.set(key, { times, until: after(clock.now(), Math.min(FIRST_MS * 2 ** (times - 1), LONGEST_MS)) });
      if (known.size > most) known.delete(known.keys().next().value as string);
    },
    forget: relay => void known.delete(keyOf(relay)),
    clear: () => known.clear(),
    until,
    lastOf(relays) {
      if (relays.length < 2 || known.size === 0) return relays;
      const down = relays.filter(relay => until(relay) !== null);
      return down.length === 0 ? relays : [...relays.filter(relay => until(relay) === null), ...down];
    },
  };
}
