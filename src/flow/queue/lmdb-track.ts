/** The address track in the queue's environment, so that every process that receives knows of it. Address in lower case → time and state. */
import type { AddressTrack, Tracked } from '../../core/address-track.ts';
import type { Clock } from '../../core/clock.ts';
import type { Address } from '../../core/envelope.ts';
import type { Log } from '../../core/log.ts';
import type { LmdbIndex } from './lmdb-index.ts';
import { entryCount, keysFrom } from './lmdb-index.ts';

const HOUR = 3_600_000;
/** Courier's: purged after three hours, the same state noted again after one. */
const REMEMBERED_MS = 3 * HOUR;
const AGAIN_MS = HOUR;
/** Strangers choose the addresses. */
const MOST = 100_000;
const LONGEST = 1000;
const STEP = 500;
const LETTERS = { F: 'failure', D: 'deferral', A: 'success' } as const;
const LETTER_OF = { failure: 'F', deferral: 'D', success: 'A' } as const;

export interface LmdbTrack extends AddressTrack {
  /** What is too old goes. */
  purge(): Promise<void>;
}

export function createLmdbTrack(index: LmdbIndex, clock: Clock, log: Log): LmdbTrack {
  const keyOf = (address: string): string => address.toLowerCase();

  function read(key: string): Tracked | null {
    const text = index.track.getBinary(key)?.toString('latin1') ?? '';
    const state = LETTERS[text[0] as keyof typeof LETTERS] as Tracked['state'] | undefined;
    const at = Number(text.slice(1));
    // A clock that was set back makes nobody's failure eternal.
    return state === undefined || !(Math.abs(clock.now() - at) < REMEMBERED_MS) ? null : { state, at };
  }

  async function remove(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await index.transaction(() => keys.forEach((key) => void index.track.remove(key)));
  }

  function* keys(): Generator<string> {
    for (let from = '\0'; ; ) {
      const some = keysFrom(index.track, from, STEP);
      yield* some;
      if (some.length < STEP) return;
      from = `${some.at(-1)!}\0`;
    }
  }

  return {
    note(address, state) {
      const key = keyOf(address);
      const before = read(key);
      if (before === null && (state === 'success' || key.length > LONGEST || entryCount(index.track) >= MOST)) return;
      if (before?.state === state && (state === 'success' || clock.now() - before.at < AGAIN_MS)) return;
      index.settled(index.track.put(key, Buffer.from(`${LETTER_OF[state]}${clock.now()}`, 'latin1'))).catch((cause: unknown) => {
        log.error('queue', { what: 'an address could not be tracked', cause });
      });
    },
    last: (address: Address) => (address.length > LONGEST ? null : read(keyOf(address))),
    all() {
      const found: (Tracked & { readonly address: string })[] = [];
      for (const address of keys()) {
        const tracked = read(address);
        if (tracked !== null) found.push({ address, ...tracked });
      }
      return found.toSorted((one, other) => other.at - one.at);
    },
    async forget(which) {
      const wanted = which === 'all' ? [...keys()] : [keyOf(which.address)].filter((key) => key.length <= LONGEST && index.track.doesExist(key));
      await remove(wanted);
      return wanted.length;
    },
    purge: () => remove([...keys()].filter((key) => read(key) === null)),
  };
}
