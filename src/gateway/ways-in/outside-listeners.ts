/** Listeners at the outside of SOCKS proxies, as `socksbind` names them, before the gateway's own receivers. */
import type { Configuration } from '../../configuration.ts';
import type { Chance, Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { openSocksListener, type SocksListener } from '../../flow/socks-listen/index.ts';
import { openDeadlines } from '../../kit/deadlines.ts';
import { createDial } from '../../kit/net/dial.ts';
import { bindThrough } from '../../kit/net/socks-bind.ts';
import type { Listeners } from './listeners.ts';

export interface OutsideListeners {
  /** Where the world reaches us, as far as the proxies say. */
  addresses(): readonly { readonly kind: string; readonly host: string; readonly port: number }[];
  troubles(): readonly string[];
  /** As the configuration has them now: those that stay as they are stay open. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

interface Rooms {
  readonly listeners: Listeners;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

export function openOutsideListeners(configuration: () => Configuration, { listeners, clock, chance, log }: Rooms): OutsideListeners {
  const deadlines = openDeadlines(clock);
  const dial = createDial(deadlines);
  let open = new Map<string, { readonly kind: string; readonly listener: SocksListener }>();

  async function reload(): Promise<void> {
    const before = open;
    open = new Map();
    for (const setting of configuration().outsideListeners) {
      const key = JSON.stringify(setting);
      const kept = before.get(key);
      before.delete(key);
      open.set(key, kept ?? { kind: `${setting.listener} by SOCKS`, listener: openOne(setting) });
    }
    await Promise.all([...before.values()].map(({ listener }) => listener.close()));
  }

  function openOne({ listener, proxy, from, port, reserve, private: privatePeers }: Configuration['outsideListeners'][number]): SocksListener {
    return openSocksListener({
      name: listener, proxy, from, port, reserve, privatePeers, clock, chance, log,
      bind: request => bindThrough(dial, deadlines, request),
      taken: (socket, peer) => listeners.take(listener, socket, peer),
    });
  }

  void reload();
  return {
    addresses: () => [...open.values()].flatMap(({ kind, listener }) => listener.addresses().map(place => ({ kind, ...place }))),
    troubles: () => [...open.values()].flatMap(({ kind, listener }) => {
      const why = listener.trouble();
      return why === null ? [] : [`${kind}: ${why}`];
    }),
    reload,
    async close() {
      const all = [...open.values()];
      open = new Map();
      await Promise.all(all.map(({ listener }) => listener.close()));
      deadlines.close();
    },
  };
}
