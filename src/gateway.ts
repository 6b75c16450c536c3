/**
 * Builds the gateway: the only file that sees every room. A reload compiles the new configuration into new rules
 * first and swaps them in one assignment; what cannot change in a running gateway keeps the old, and says so.
 */
import { withArchive } from './gateway/archive.ts';
import { withoutBackscatter } from './gateway/backscatter.ts';
import { formatProblem, readConfiguration, type Configuration } from './configuration.ts';
import type { Address, MessageId } from './core/envelope.ts';
import type { FaxLine } from './core/fax.ts';
import type { MimeKernels } from './core/kernels.ts';
import type { Log } from './core/log.ts';
import type { Operations } from './core/operations.ts';
import type { Transport } from './core/transport.ts';
import { openDefences } from './gateway/ways-in/defences.ts';
import { openFilterDesk } from './gateway/ways-in/filters.ts';
import { faxFirst, openFax } from './gateway/ways-out/fax.ts';
import { openFaxModems } from './gateway/ways-out/fax-modems.ts';
import { learnFromReport, trackOutcome } from './flow/check/index.ts';
import { createIntake } from './flow/intake/index.ts';
import { demandingRouter } from './flow/route/index.ts';
import { createReporter, fromField, openQuarantineNotice, type QuarantineNotice } from './flow/report/index.ts';
import { openRunner } from './flow/schedule/index.ts';
import { createBinaryMail } from './flow/outgoing/index.ts';
import { createTrialTransport } from './flow/transport/trial/index.ts';
import type { Logbook } from './front/log/index.ts';
import type { LogMemory } from './kit/log/log-memory.ts';
import { openControlServer } from './front/control/index.ts';
import { parseAddress } from './grammar/address.ts';
import { nodeFileSystem } from './kit/file/durable-file.ts';
import { openKernels } from './kit/wasm/kernels.ts';
import { createMetrics } from './kit/metrics.ts';
import { createSystemChance, createSystemClock } from './kit/system-clock.ts';
import { openListeners, sharingOf } from './gateway/ways-in/listeners.ts';
import { openOutsideListeners } from './gateway/ways-in/outside-listeners.ts';
import { createLocalDelivery } from './gateway/ways-out/local-delivery.ts';
import { createOnlookers } from './gateway/onlookers.ts';
import { openQueue, showQueue } from './gateway/opened-queue.ts';
import { openOutbound } from './gateway/ways-out/outbound.ts';
import { withPercentForm } from './gateway/percent-form.ts';
import { openPickupDesk } from './gateway/ways-in/pickup.ts';
import { openLinkDesk } from './gateway/ways-out/links.ts';
import { openHousekeeping } from './gateway/housekeeping.ts';
import { forwardCopy } from './gateway/ways-out/forwarding.ts';
import { createQueueOperations } from './gateway/queue-operations.ts';
import { openDevices } from './gateway/ways-in/devices.ts';
import { intakeOptions } from './gateway/ways-in/intake-options.ts';
import { createFiltersOfRecipients } from './gateway/ways-in/recipient-filters.ts';
import { withModuleLimits } from './gateway/module-limits.ts';
import { compileRules, type Rules } from './gateway/rules.ts';
import { expiryBy } from './gateway/timetable.ts';
import { intakeByHost } from './gateway/virtual-hosts.ts';
import { openTlsReportDesk } from './gateway/ways-out/tls-reports.ts';
import { createPipes, openUucpSite, uucpFirst } from './gateway/ways-out/uucp.ts';
import { sumMetrics } from './kit/metrics-text.ts';
import { withOwnSenders } from './gateway/own-senders.ts';
import { openTeller } from './gateway/ways-in/tallies.ts';
import { openReceiverProcesses, type ReceiverProcesses } from './gateway/ways-in/receivers.ts';

export interface Gateway {
  readonly listeners: readonly { readonly kind: string; readonly host: string; readonly port: number }[];
  readonly http: { readonly host: string; readonly port: number } | null;
  reload(): Promise<readonly string[]>;
  /** Finishes what is on the wire, gives the rest back to the queue, ends. May be called again. */
  close(): Promise<void>;
  /** Resolves when it is closed, whoever asked. */
  readonly closed: Promise<void>;
}

const GRACE_MS = 30_000;
const LEASE_MS = 10 * 60_000;
const WINDOW_OCTETS = 32 * 1024 * 1024;

export interface Given {
  readonly log: Log;
  readonly version: string;
  /** The places behind `log`; they follow the configuration. */
  readonly logbook?: Pick<Logbook, 'use' | 'reopen'>;
  /** What `log` remembers; absent: it does not. */
  readonly memory?: LogMemory;
  /** Absent: as the configuration has it. */
  readonly faxLine?: FaxLine;
}

export async function openGateway(first: Configuration, given: Given): Promise<Gateway> {
  // What was opened is closed again, last first, when a later part cannot be opened, and in the end.
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).toReversed()) await close();
  };
  try {
    return await build(first, given, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function build(first: Configuration, given: Given, opened: (() => Promise<void>)[], closeAll: () => Promise<void>): Promise<Gateway> {
  const clock = createSystemClock();
  const chance = createSystemChance();
  const startedAt = clock.now();
  const kernels = openKernels();
  const metrics = createMetrics();
  let inForce = first;
  const onlookers = createOnlookers({ ...given, configuration: () => inForce, startedAt, clock, chance, metrics });
  const { log } = onlookers;
  const { stateFolder } = first;

  // Opening the queue may find damage before anybody can be written to.
  const early: [MessageId, string][] = [];
  let tell: QuarantineNotice['tell'] = (id, why) => void early.push([id, why]);
  const store = await openQueue(first, { kernels, clock, log, metrics }, (id, why) => tell(id, why));
  opened.push(() => store.close());
  opened.push(await onlookers.watch(store));
  const { transport: local, everyone, accounts, maildrop } = createLocalDelivery({
    first, configuration: () => rules.configuration, clock, log,
    instruction: recipient => rules.instruction(recipient),
    forward: (addresses, copy) => forwardCopy({ store, intake, kernels, clock }, addresses, copy),
  });
  let rules: Rules = compileRules(first, local.names, log);
  const tlsReports = openTlsReportDesk(() => rules, { kernels, clock, chance, log });
  opened.push(() => tlsReports.close());
  const outbound = openOutbound(() => rules, { kernels, clock, chance, log, metrics, notes: store.notes, tlsJournal: tlsReports.journal }, true);
  opened.push(() => outbound.close());
  const uucp = openUucpSite(() => rules.configuration, { clock, log, runs: true });
  opened.push(() => uucp.close());
  const recipients = createFiltersOfRecipients(() => rules, { names: local.names, maildrop, log });
  const filters = await openFilterDesk(() => rules, { store, router: outbound.router, destinations: outbound.destinations, kernels, clock, log, metrics, recipients }, true);
  opened.push(() => filters.close());
  let receivers: ReceiverProcesses | null = null;
  const teller = openTeller(clock, tallies => receivers?.tell(tallies));
  opened.push(async () => teller.close());
  const defences = openDefences(() => rules, { resolver: outbound.resolver, notes: store.notes, clock, log, metrics, ...(first.receiveProcesses === 1 ? {} : { counted: teller.count }) });
  const intake = intakeByHost(() => rules, each => createIntake(intakeOptions(each, { store, kernels, clock, log, metrics, filtering: filters, defences }, recipients)));
  // Whoever is a device is known: no list of strangers is asked about it.
  const devices = await openDevices(() => rules.configuration, { intake: variables => intakeByHost(() => rules, each => createIntake(intakeOptions(each, { store, kernels, clock, log, metrics, filtering: filters }, recipients, variables))), kernels, clock, log });
  opened.push(() => devices.close());
  const faxModems = await openFaxModems(() => rules.configuration, { intake, kernels, clock, log });
  opened.push(() => faxModems.close());
  const fax = openFax(() => rules.configuration, { line: given.faxLine ?? faxModems.line, kernels, clock, log });
  opened.push(() => fax.close());
  const reporter = { report: (news: Parameters<ReturnType<typeof createReporter>['report']>[0]) => reporterOf(rules.of(news.message.envelope.origin)).report(news) };
  function reporterOf({ configuration: { names, reports } }: Rules) {
    return createReporter({ intake, me: names.me, postmaster: postmasterOf(names.me), dsnLimitOctets: reports.limitOctets, texts: reports.texts, wishes: { toLogin: reports.toAuthAddress, delaysByDefault: reports.delaysByDefault }, ...(reports.from === undefined ? {} : { dsnFrom: reports.from }), kernels, clock, log });
  }
  const notice = openQuarantineNotice({
    intake, kernels, clock, log,
    address: () => {
      const { names: { me }, reports } = rules.configuration;
      return { me, from: fromField(me, reports.from), to: postmasterOf(me) };
    },
  });
  opened.push(async () => notice.close());
  tell = notice.tell;
  for (const [id, why] of early.splice(0)) tell(id, why);
  const archived = withArchive(store, { folder: () => rules.configuration.archiveFolder, files: nodeFileSystem, clock, log });
  const router = demandingRouter(faxFirst(() => rules.configuration, uucpFirst(() => rules, outbound.router)));
  const links = await openLinkDesk(() => rules.configuration, { store, router, clock, log, metrics });
  const runner = openRunner({
    store: archived, reporter, clock, chance, log, metrics,
    router, links,
    transports: withoutBinary([
      withoutBackscatter(withPercentForm(outbound.transport, () => rules, kernels), () => rules.configuration.client.blockedBackscatter, log),
      withOwnSenders(withModuleLimits(local, () => rules.configuration.modules.local)), withOwnSenders(uucp.transport), fax, withOwnSenders(createPipes(() => rules.configuration, log)),
      createTrialTransport({ behind: everyone, clock }),
    ], kernels),
    settings: origin => (origin === undefined ? rules : rules.of(origin)).calendar,
    late: route => outbound.late(route),
    window: windowBy(() => rules),
    heard: ({ id, envelope }, recipient, outcome) => {
      devices.heard(id, outcome);
      trackOutcome(store.track, envelope.origin, rules.variables(envelope.origin), recipient, outcome);
      learnFromReport(store.notes, clock, envelope, recipient.address, outcome);
    },
    leaseMs: LEASE_MS,
  });
  opened.push(() => runner.close({ graceMs: GRACE_MS }));
  links.serve(runner);
  opened.push(() => links.close());

  const pickup = await openPickupDesk(() => rules, { store, intake, reporter, kernels, clock, log });
  opened.push(() => pickup.close());

  tlsReports.begin({ intake, resolver: outbound.resolver });

  const operations: Operations = {
    ...createQueueOperations({
      store, intake, kernels, clock, router, links, expiresAt: expiryBy(() => rules),
      flush: which => runner.flush(which),
      moving: { startedAt, total: metrics.total, nexthops: () => runner.nexthops() },
    }),
    reload,
    stop: close,
    devices: () => Promise.resolve(devices.report()),
    filters: () => Promise.resolve(filters.standing()),
    tlsResults: () => Promise.resolve(tlsReports.results()),
    recent: onlookers.recent,
    webhooks: onlookers.webhooks,
    testWebhook: onlookers.testWebhook,
  };
  const control = await openControlServer({ folder: stateFolder, operations, log });
  // The last to go: as long as it answers, the gateway is still there.
  opened.unshift(() => control.close());
  const housekeeping = openHousekeeping({ store, clock, log });
  opened.push(() => housekeeping.close());
  showQueue(metrics, store);
  const listeners = await openListeners(rules, { intake, auth: accounts, kernels, clock, log, metrics, reverse: outbound.reverse, guard: defences.guard, failures: defences.failures, devices }, sharingOf(first));
  opened.push(() => listeners.close(GRACE_MS));
  const outside = openOutsideListeners(() => rules.configuration, { listeners, clock, chance, log });
  opened.push(() => outside.close());
  const http = await onlookers.show(store, {
    listeners: () => [...listeners.addresses(), ...outside.addresses()], lanes: () => runner.nexthops(), links: () => links.views(), devices: () => devices.report(),
    troubles: () => [...(store.room(0) === 'full' ? ['the queue has no room: free space is below the watermark'] : []), ...outbound.troubles(), ...uucp.troubles(), ...faxModems.troubles(), ...outside.troubles()],
    metrics: async () => sumMetrics([await metrics.render(), ...(await receivers?.metrics() ?? [])]),
  });
  // Before the listeners in the list, so closed after them: whoever watches sees the end.
  if (http !== null) opened.splice(-2, 0, () => http.close());
  receivers = first.receiveProcesses === 1 ? null : await openReceiverProcesses({ count: first.receiveProcesses - 1, folder: first.folder, ports: listeners.ports(), log, queued: () => store.poke(), heard: onlookers.written.info, tallied: defences.heard });
  if (receivers !== null) opened.push(closeReceivers(receivers));

  async function reload(): Promise<readonly string[]> {
    // First, for whoever moved a file away does not ask whether the configuration is right.
    given.logbook?.reopen();
    const read = readConfiguration(rules.configuration.folder);
    if (read.kind === 'wrong') return complain(read.problems.map(formatProblem));
    const { configuration } = read;
    if (configuration.stateFolder !== stateFolder) return complain([`${configuration.folder}/statedir: the state folder of a running gateway cannot change; stop it first`]);
    const next = compileRules(configuration, local.names, log);
    const wrong = next.aliasProblems();
    if (wrong.length > 0) return complain(wrong);
    const troubles = await listeners.reload(next);
    if (troubles.length > 0) return complain(troubles);
    rules = next;
    inForce = configuration;
    given.logbook?.use(configuration.names.me, configuration.log);
    outbound.reload();
    devices.reload();
    await outside.reload();
    faxModems.reload();
    await links.reload();
    await filters.reload();
    await onlookers.reload();
    receivers?.reload();
    log.info('reloaded', { listeners: listeners.addresses() });
    return [];
  }
  function complain(problems: readonly string[]): readonly string[] {
    log.error('reload refused, the old configuration stays', { problems });
    return problems;
  }

  let closing: Promise<void> | null = null;
  const ended = Promise.withResolvers<void>();
  function close(): Promise<void> {
    closing ??= (async () => {
      log.info('stopping');
      await closeAll();
      log.info('stopped');
      ended.resolve();
    })();
    return closing;
  }

  return { listeners: listeners.addresses(), http: http?.address ?? null, reload, close, closed: ended.promise };
}

function closeReceivers(receivers: ReceiverProcesses): () => Promise<void> {
  return () => receivers.close(GRACE_MS);
}

/** By their names; only ESMTP knows mail that has no lines. */
function withoutBinary(transports: readonly Transport[], kernels: MimeKernels): ReadonlyMap<string, Transport> {
  return new Map(transports.map(transport => [transport.name, createBinaryMail({ transport, kernels, ...(transport.name === 'esmtp' ? { mayTake: true } : {}) })]));
}

/** As the rules have it at each moment. */
function windowBy(rules: () => Rules): { readonly messages: number; readonly octets: number; readonly low: number; readonly fillMs: number } {
  return {
    octets: WINDOW_OCTETS,
    get messages() { return rules().configuration.queue.high; },
    get low() { return rules().configuration.queue.low; },
    get fillMs() { return rules().configuration.queue.fillMs; },
  };
}

function postmasterOf(me: string): Address {
  const postmaster = parseAddress(`postmaster@${me}`);
  if (postmaster === null) throw new Error(`postmaster@${me} is no address`);
  return postmaster;
}
