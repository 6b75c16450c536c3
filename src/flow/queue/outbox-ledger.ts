/** What each hook keeps, in memory: keys in order with their sizes, so that bounds are kept without reading the disk. Pure. */
import type { Instant } from '../../core/clock.ts';
import type { OutboxLimits, Waiting } from '../../core/event-outbox.ts';

export interface Entry {
  readonly key: string;
  readonly at: Instant;
  readonly events: number;
  readonly octets: number;
}

export interface Ledger {
  readonly hooks: ReadonlyMap<string, readonly Entry[]>;
  /** Gives the keys of those that have to go for it. */
  add(hook: string, entry: Entry, most: OutboxLimits): readonly string[];
  /** Up to and with `upTo`; gives their keys. */
  remove(hook: string, upTo: string): readonly string[];
  /** One that could not be written after all. */
  lost(hook: string, key: string): void;
  forget(hook: string): readonly string[];
  waiting(hook: string): Waiting;
}

interface Account {
  entries: Entry[];
  events: number;
  octets: number;
  lost: number;
}

export function createLedger(): Ledger {
  const accounts = new Map<string, Account>();
  const hooks = new Map<string, readonly Entry[]>();

  function accountOf(hook: string): Account {
    let account = accounts.get(hook);
    if (account === undefined) {
      account = { entries: [], events: 0, octets: 0, lost: 0 };
      accounts.set(hook, account);
      hooks.set(hook, account.entries);
    }
    return account;
  }
  function take(account: Account, from: number, count: number): Entry[] {
    const taken = account.entries.splice(from, count);
    for (const { events, octets } of taken) {
      account.events -= events;
      account.octets -= octets;
    }
    return taken;
  }

  return {
    hooks,
    add(hook, entry, most) {
      const account = accountOf(hook);
      account.entries.push(entry);
      account.events += entry.events;
      account.octets += entry.octets;
      let count = 0;
      let { events, octets } = account;
      // The newest stays, whatever its size: it is what somebody wants to know.
      while ((events > most.events || octets > most.octets) && count < account.entries.length - 1) {
        const oldest = account.entries[count++] as Entry;
        events -= oldest.events;
        octets -= oldest.octets;
      }
      const gone = take(account, 0, count);
      for (const one of gone) account.lost += one.events;
      return gone.map(one => one.key);
    },
    remove(hook, upTo) {
      const account = accountOf(hook);
      const beyond = account.entries.findIndex(one => one.key > upTo);
      return take(account, 0, beyond < 0 ? account.entries.length : beyond).map(one => one.key);
    },
    lost(hook, key) {
      const account = accountOf(hook);
      const at = account.entries.findIndex(one => one.key === key);
      for (const one of at < 0 ? [] : take(account, at, 1)) account.lost += one.events;
    },
    forget(hook) {
      const account = accounts.get(hook);
      accounts.delete(hook);
      hooks.delete(hook);
      return account?.entries.map(one => one.key) ?? [];
    },
    waiting(hook) {
      const account = accounts.get(hook);
      return { events: account?.events ?? 0, octets: account?.octets ?? 0, oldestAt: account?.entries[0]?.at ?? null, lost: account?.lost ?? 0 };
    },
  };
}
