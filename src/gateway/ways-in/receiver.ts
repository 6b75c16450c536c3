/** A process that receives: listeners over a queue that another process delivers from. */
import { formatProblem, readConfiguration } from '../../configuration.ts';
import type { Log } from '../../core/log.ts';
import { createIntake } from '../../flow/intake/index.ts';
import type { LmdbQueue } from '../../flow/queue/index.ts';
import type { Logbook } from '../../front/log/index.ts';
import { createMetrics } from '../../kit/metrics.ts';
import { createSystemChance, createSystemClock } from '../../kit/system-clock.ts';
import { openKernels } from '../../kit/wasm/kernels.ts';
import { openQueue } from '../opened-queue.ts';
import { compileRules, type Rules } from '../rules.ts';
import { intakeByHost } from '../virtual-hosts.ts';
import { createLocalDelivery } from '../ways-out/local-delivery.ts';
import { openOutbound } from '../ways-out/outbound.ts';
import { openDefences } from './defences.ts';
import { openFilterDesk } from './filters.ts';
import { intakeOptions } from './intake-options.ts';
import { openListeners, sharingOf } from './listeners.ts';
import { createFiltersOfRecipients } from './recipient-filters.ts';
import { openTeller, type Tallies } from './tallies.ts';

export interface ReceiverRoom {
  reload(): Promise<void>;
  /** What another process counted of strangers. */
  heard(tallies: Tallies): void;
  metrics(): Promise<string>;
  close(graceMs: number): Promise<void>;
}

interface Given {
  readonly log: Log;
  readonly logbook?: Pick<Logbook, 'use' | 'reopen'>;
  /** Mail came in; called at most once a turn. */
  readonly queued: () => void;
  readonly tell: (tallies: Tallies) => void;
}

export async function openReceiver(folder: string, ports: Readonly<Record<string, number>>, given: Given): Promise<ReceiverRoom> {
  const { log } = given;
  const read = readConfiguration(folder);
  if (read.kind === 'wrong') throw new Error(read.problems.map(formatProblem).join('\n'));
  given.logbook?.use(read.configuration.names.me, read.configuration.log);
  const rooms = { kernels: openKernels(), clock: createSystemClock(), log, metrics: createMetrics() };
  const opened: (() => Promise<void>)[] = [];
  const store = await openQueue(read.configuration, rooms);
  opened.push(() => store.close());
  const { transport: local, accounts, maildrop } = createLocalDelivery({ first: read.configuration, configuration: () => rules.configuration, clock: rooms.clock, log });
  let rules: Rules = compileRules(read.configuration, local.names, log);
  const outbound = openOutbound(() => rules, { ...rooms, chance: createSystemChance() });
  opened.push(() => outbound.close());
  const recipients = createFiltersOfRecipients(() => rules, { names: local.names, maildrop, log });
  const filters = await openFilterDesk(() => rules, { ...rooms, store, router: outbound.router, destinations: outbound.destinations, recipients }, false);
  opened.push(() => filters.close());
  const teller = openTeller(rooms.clock, given.tell);
  opened.push(async () => teller.close());
  const defences = openDefences(() => rules, { ...rooms, resolver: outbound.resolver, notes: store.notes, counted: teller.count });
  const intake = intakeByHost(() => rules, each => createIntake(intakeOptions(each, { ...rooms, store: telling(store, given.queued), filtering: filters, defences }, recipients)));
  const listeners = await openListeners(rules, { ...rooms, intake, auth: accounts, reverse: outbound.reverse, guard: defences.guard, failures: defences.failures }, { ...sharingOf(read.configuration), ports });
  return {
    async reload() {
      given.logbook?.reopen();
      const next = readConfiguration(folder);
      if (next.kind === 'wrong') return;
      const compiled = compileRules(next.configuration, local.names, log);
      const troubles = await listeners.reload(compiled);
      if (troubles.length > 0) log.error('reload refused, the old configuration stays', { problems: troubles });
      else {
        rules = compiled;
        outbound.reload();
        await filters.reload();
        given.logbook?.use(next.configuration.names.me, next.configuration.log);
        log.info('reloaded', { listeners: listeners.addresses() });
      }
    },
    heard: defences.heard,
    metrics: () => rooms.metrics.render(),
    async close(graceMs) {
      await listeners.close(graceMs);
      for (const close of opened.toReversed()) await close();
    },
  };
}

/** Says so when a message is in the queue, once for all of a turn. */
function telling(store: LmdbQueue, queued: () => void): LmdbQueue {
  let told = false;
  const tell = () => {
    if (told) return;
    told = true;
    setImmediate(() => {
      told = false;
      queued();
    });
  };
  return {
    ...store,
    begin(...given) {
      const draft = store.begin(...given);
      return {
        id: draft.id,
        write: (chunk) => draft.write(chunk),
        discard: () => draft.discard(),
        async commit(seal) {
          const committed = await draft.commit(seal);
          if (committed.kind === 'committed') tell();
          return committed;
        },
      };
    },
  };
}
