/** The queue without listeners or deliveries, for commands while no gateway runs. */
import type { Configuration } from '../configuration.ts';
import type { Log } from '../core/log.ts';
import type { Operations } from '../core/operations.ts';
import { createIntake } from '../flow/intake/index.ts';
import { demandingRouter } from '../flow/route/index.ts';
import { actAsOwner } from '../kit/file/owner.ts';
import { createMetrics } from '../kit/metrics.ts';
import { createSystemChance, createSystemClock } from '../kit/system-clock.ts';
import { openKernels } from '../kit/wasm/kernels.ts';
import { restingHooks } from './onlookers.ts';
import { openQueue, type Rooms } from './opened-queue.ts';
import { createQueueOperations } from './queue-operations.ts';
import { compileRules, type Rules } from './rules.ts';
import { expiryBy } from './timetable.ts';
import { intakeByHost } from './virtual-hosts.ts';
import { restingDevices } from './ways-in/devices.ts';
import { absentFilters } from './ways-in/filters.ts';
import { intakeOptions } from './ways-in/intake-options.ts';
import { faxFirst } from './ways-out/fax.ts';
import { openLinkDesk } from './ways-out/links.ts';
import { createLocalDelivery } from './ways-out/local-delivery.ts';
import { openOutbound } from './ways-out/outbound.ts';
import { readTlsResults } from './ways-out/tls-reports.ts';
import { uucpFirst } from './ways-out/uucp.ts';

export async function openOffline(configuration: Configuration, log: Log): Promise<Operations & { close(): Promise<void> }> {
  const rooms: Rooms = { kernels: openKernels(), clock: createSystemClock(), log, metrics: createMetrics() };
  const { transport: local } = createLocalDelivery({ first: configuration, configuration: () => configuration, clock: rooms.clock, log });
  // What the configuration points to is read with the rights that we were given; the queue with its owner's.
  const rules: Rules = compileRules(configuration, local.names, log);
  const resume = actAsOwner(configuration.stateFolder);
  const store = await openQueue(configuration, rooms).catch((error: unknown) => {
    resume();
    throw error;
  });
  const intake = intakeByHost(() => rules, each => createIntake(intakeOptions(each, { ...rooms, store, filtering: absentFilters(configuration) })));
  const outbound = openOutbound(() => rules, { ...rooms, chance: createSystemChance() });
  const router = demandingRouter(faxFirst(() => rules.configuration, uucpFirst(() => rules, outbound.router)));
  const nobody = () => Promise.reject(new Error('no gateway is running'));
  return {
    ...createQueueOperations({ ...rooms, store, intake, router, links: await openLinkDesk(() => configuration, { ...rooms, store, router }), expiresAt: expiryBy(() => rules) }),
    tlsResults: () => Promise.resolve(readTlsResults({ configuration }, rooms.clock, log)),
    reload: nobody, stop: nobody, devices: () => restingDevices(configuration, rooms.clock), recent: () => Promise.resolve([]), webhooks: () => Promise.resolve(restingHooks(configuration, store.outbox)), testWebhook: nobody,
    async close() {
      await outbound.close();
      await store.close();
      resume();
    },
  };
}
