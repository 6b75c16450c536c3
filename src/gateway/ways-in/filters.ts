/** The gateway's filters: the configuration made into a plan, and what filters ask of the house. */
import { join } from 'node:path';
import type { Configuration } from '../../configuration.ts';
import type { Clock } from '../../core/clock.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Filtering } from '../../core/policy.ts';
import type { QueueStore } from '../../core/queue-store.ts';
import { refuse } from '../../core/status.ts';
import type { Destinations, Router } from '../../core/transport.ts';
import type { Address } from '../../core/envelope.ts';
import { createCallback, openFilters, type Filters, type Verified } from '../../flow/filter/index.ts';
import { domainOf, parseAddress } from '../../grammar/address.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import { openDeadlines } from '../../kit/deadlines.ts';
import { createDial } from '../../kit/net/dial.ts';
import { createStartTls } from '../../kit/net/start-tls.ts';
import { openHttpClient } from '../../kit/net/http-client.ts';
import { createSystemAccounts } from '../../kit/system-accounts.ts';
import type { Rules } from '../rules.ts';
import type { RecipientFilters } from '../../service/maildrop/index.ts';

export interface FilterRooms {
  readonly store: QueueStore;
  readonly router: Router;
  readonly destinations: Destinations;
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Recipients' own filters. */
  readonly recipients: RecipientFilters;
}

/** `keeps`: this process runs the programs; receiver processes beside it only ask them. */
export async function openFilterDesk(rules: () => Rules, { store, router, destinations, ...rooms }: FilterRooms, keeps: boolean): Promise<Filters> {
  const { configuration } = rules();
  const accounts = createSystemAccounts();
  const http = openHttpClient({ clock: rooms.clock });
  const deadlines = openDeadlines(rooms.clock);
  const callback = createCallback({ router, destinations, dial: createDial(deadlines), startTls: createStartTls(deadlines), helo: () => asciiDomain(rules().configuration.names.me) ?? 'localhost' });
  const filters = await openFilters({
    ...rooms,
    keeps,
    plan: () => rules().configuration.filters,
    queue: () => rules().configuration.queue,
    configuration: configuration.folder,
    spool: join(configuration.stateFolder, 'filtering'),
    environment: process.env,
    me: () => rules().configuration.names.me,
    http,
    house: {
      async cancel(ids, reason) {
        const now = rooms.clock.now();
        for (const id of ids) await store.order({ id }, { kind: 'cancel', now, reason });
      },
      uidOf: accounts.uidOf,
      verify: (address, signal) => verify(rules(), parseAddress(address), signal, callback),
    },
  });
  return {
    ...filters,
    async close() {
      await filters.close();
      await http.close();
      deadlines.close();
    },
  };
}

/** A sender of ours is asked about here; others at their own mail exchangers. */
async function verify(rules: Rules, address: Address | null, signal: AbortSignal, callback: ReturnType<typeof createCallback>): Promise<Verified> {
  if (address === null) return { kind: 'bad', lasting: true, said: ['This is no address'] };
  if (rules.byUucp(address) !== null) return { kind: 'good' };
  if (rules.ownTransport(domainOf(address)) === null) return callback(address, signal);
  const found = await rules.resolve(address, { source: 'esmtp', protocol: 'local', at: 0 });
  return typeof found === 'string' || found.kind !== 'refused' ? { kind: 'good' } : { kind: 'bad', lasting: found.reply >= 500, said: [found.text] };
}

/** While no gateway runs: mail that filters should see waits for one, rather than slip past them. */
export function absentFilters({ filters: { sources, active, rules }, local: { recipientFilter } }: Configuration): Filtering | null {
  if (sources.size === 0 || (active.length === 0 && rules.length === 0 && recipientFilter === undefined)) return null;
  return {
    open({ source }) {
      if (!(source === 'esmtp' || source === 'submission' ? sources.has('esmtp') : source === 'uucp' ? sources.has('uucp') : source === 'local' && sources.has('local'))) return null;
      return {
        write: () => undefined,
        judge({ addressees, trace, facts }) {
          const absent = refuse('filterUnavailable', { why: 'no gateway runs, and its filters with it' });
          return Promise.resolve({ verdicts: new Map(addressees.map(one => [one.id, absent])), trace, facts, recipients: addressees, content: new Uint8Array() });
        },
        close: () => undefined,
      };
    },
  };
}
