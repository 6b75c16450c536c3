/**
 * Builds the gateway: the only file that sees every room. A reload compiles the new configuration into new rules
 * first and swaps them in one assignment; what cannot change in a running gateway keeps the old, and says so.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatProblem, readConfiguration, type Configuration } from './configuration.ts';
import type { Log } from './core/log.ts';
import type { Operations } from './core/operations.ts';
import { createIntake, type IntakeOptions } from './flow/intake/index.ts';
import { openLmdbQueue, type LmdbQueue } from './flow/queue/index.ts';
import { createReporter } from './flow/report/index.ts';
import { openRunner } from './flow/schedule/index.ts';
import { createLocalTransport } from './flow/transport/local/index.ts';
import { createTrialTransport } from './flow/transport/trial/index.ts';
import { openControlServer } from './front/control/index.ts';
import { openHealthServer } from './front/http/index.ts';
import { parseAddress } from './grammar/address.ts';
import { openKernels } from './kit/kernels.ts';
import { createMetrics, type MetricsRegistry } from './kit/metrics.ts';
import { createRecentEvents } from './kit/recent-events.ts';
import { createSystemChance, createSystemClock } from './kit/system-clock.ts';
import { openListeners } from './listeners.ts';
import { openOutbound } from './outbound.ts';
import { forwardCopy } from './forwarding.ts';
import { createQueueOperations } from './queue-operations.ts';
import { compileRules, type Rules } from './rules.ts';
import { createPipes, openUucpSite, uucpFirst } from './uucp.ts';
import { createUserdb } from './service/auth/index.ts';
import { createMailboxes } from './service/mailbox/index.ts';

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
const REMEMBERED_EVENTS = 5000;
const WINDOW_OCTETS = 32 * 1024 * 1024;

export async function openGateway(first: Configuration, given: { readonly log: Log; readonly version: string }): Promise<Gateway> {
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

async function build(first: Configuration, given: { readonly log: Log; readonly version: string }, opened: (() => Promise<void>)[], closeAll: () => Promise<void>): Promise<Gateway> {
  const clock = createSystemClock();
  const chance = createSystemChance();
  const startedAt = clock.now();
  const kernels = openKernels();
  const metrics = createMetrics();
  const { log, recent } = createRecentEvents(given.log, REMEMBERED_EVENTS, () => clock.now());
  const { stateFolder } = first;

  const store = await openQueue(first, { kernels, clock, log, metrics });
  opened.push(() => store.close());
  const accounts = createUserdb({ path: first.userdb, log });
  const folder = join(stateFolder, 'mailboxes');
  const mailboxes = createMailboxes({ host: first.names.me, clock, log });
  const local = createLocalTransport({
    name: 'local', folder, accounts, mailboxes, clock, log, ...namesOf(() => rules),
    instruction: recipient => rules.instruction(recipient),
    forward: (addresses, mission) => forwardCopy({ intake, kernels, clock }, addresses, mission),
  });
  const everyone = createLocalTransport({ name: 'trial', folder, mailboxes, everyone: true, clock, log });
  let rules: Rules = compileRules(first, local.names, log);
  const outbound = openOutbound(() => rules, { kernels, clock, chance, log, metrics });
  opened.push(() => outbound.close());
  const uucp = openUucpSite(() => rules.configuration, { clock, log, runs: true });
  opened.push(() => uucp.close());
  const intake = createIntake(intakeOptions(() => rules, { store, clock, log, metrics }));
  const reporter = { report: (news: Parameters<ReturnType<typeof createReporter>['report']>[0]) => reporterOf(rules).report(news) };
  function reporterOf({ configuration: { names, reports } }: Rules) {
    const postmaster = parseAddress(`postmaster@${names.me}`);
    if (postmaster === null) throw new Error(`postmaster@${names.me} is no address`);
    return createReporter({ intake, me: names.me, postmaster, dsnLimitOctets: reports.limitOctets, ...(reports.from === undefined ? {} : { dsnFrom: reports.from }), kernels, clock, log });
  }
  const runner = openRunner({
    store, reporter, clock, chance, log, metrics,
    router: uucpFirst(() => rules, outbound.router),
    transports: new Map([['esmtp', outbound.transport], ['local', local], ['uucp', uucp.transport], ['pipe', createPipes(() => rules.configuration, log)], ['trial', createTrialTransport({ behind: everyone, clock })]]),
    settings: () => rules.calendar,
    window: { messages: Math.max(first.queue.high, LEAST_WINDOW), octets: WINDOW_OCTETS },
    leaseMs: LEASE_MS,
  });
  opened.push(() => runner.close({ graceMs: GRACE_MS }));

  const operations: Operations = {
    ...createQueueOperations({ store, intake, kernels, clock, flush: which => runner.flush(which) }),
    reload,
    stop: close,
    recent: id => Promise.resolve(recent(id)),
  };
  const control = await openControlServer({ folder: stateFolder, operations, log });
  // The last to go: as long as it answers, the gateway is still there.
  opened.unshift(() => control.close());
  const http = first.http === null ? null : await openHealthServer({
    ...first.http, version: given.version, startedAt,
    render: () => metrics.render(),
    summary: async () => store.summary(),
    troubles: () => [...(store.room(0) === 'full' ? ['the queue has no room: free space is below the watermark'] : []), ...uucp.troubles()],
  });
  if (http !== null) opened.push(() => http.close());
  watch(metrics, store);
  const listeners = await openListeners(rules, { intake, auth: accounts, kernels, clock, log, metrics, reverse: outbound.reverse });
  opened.push(() => listeners.close(GRACE_MS));

  async function reload(): Promise<readonly string[]> {
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
    outbound.reload();
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

/** Below it the transports' own limits would starve. */
const LEAST_WINDOW = 1000;

/** Which mailboxes are called `user`, and what parts an extension from it: as the configuration in force has it. */
function namesOf(rules: () => Rules): Pick<Parameters<typeof createLocalTransport>[0], 'isLocal' | 'separators'> {
  return {
    isLocal: domain => rules().configuration.domains.locals.has(domain),
    separators: () => rules().configuration.addresses.separators,
  };
}

interface Rooms {
  readonly kernels: ReturnType<typeof openKernels>;
  readonly clock: ReturnType<typeof createSystemClock>;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
}

async function openQueue(configuration: Configuration, rooms: Rooms): Promise<LmdbQueue> {
  await mkdir(configuration.stateFolder, { recursive: true, mode: 0o700 });
  return openLmdbQueue({ ...rooms, folder: join(configuration.stateFolder, 'queue'), watermarkOctets: configuration.limits.freeSpaceOctets });
}

function intakeOptions(rules: () => Rules, rooms: Pick<IntakeOptions, 'store' | 'clock' | 'log' | 'metrics'>): IntakeOptions {
  return {
    ...rooms,
    get checks() { return rules().checks; },
    variables: origin => rules().variables(origin),
    resolve: (recipient, origin) => rules().resolve(recipient, origin),
    trace: request => rules().trace(request),
    get limits() {
      const { limits, queue } = rules().configuration;
      return { sizeOctets: limits.sizeOctets ?? 0, headerOctets: limits.headerOctets, receivedFields: RECEIVED_FIELDS, submitDelayMs: queue.submitDelayMs };
    },
  };
}

/** RFC 5321 §6.3: at least 100; Courier's is 100. */
const RECEIVED_FIELDS = 100;

/** The queue without listeners or deliveries, for commands while no gateway runs. */
export async function openOffline(configuration: Configuration, log: Log): Promise<Operations & { close(): Promise<void> }> {
  const rooms: Rooms = { kernels: openKernels(), clock: createSystemClock(), log, metrics: createMetrics() };
  const store = await openQueue(configuration, rooms);
  const accounts = createUserdb({ path: configuration.userdb, log });
  const local = createLocalTransport({ name: 'local', folder: join(configuration.stateFolder, 'mailboxes'), accounts, mailboxes: createMailboxes({ host: configuration.names.me, clock: rooms.clock, log }), clock: rooms.clock, log, ...namesOf(() => rules) });
  const rules: Rules = compileRules(configuration, local.names, log);
  const intake = createIntake(intakeOptions(() => rules, { ...rooms, store }));
  const nobody = () => Promise.reject(new Error('no gateway is running'));
  return { ...createQueueOperations({ ...rooms, store, intake }), reload: nobody, stop: nobody, recent: () => Promise.resolve([]), close: () => store.close() };
}

function watch(metrics: MetricsRegistry, store: LmdbQueue): void {
  const messages = metrics.gauge('posthorn_queue_messages', 'Messages in the queue.');
  const claimed = metrics.gauge('posthorn_queue_claimed', 'Messages being delivered.');
  const quarantined = metrics.gauge('posthorn_queue_quarantined', 'Messages set aside as corrupt.');
  const oldest = metrics.gauge('posthorn_queue_oldest_seconds', 'Age of the oldest message.');
  const free = metrics.gauge('posthorn_free_octets', 'Free space below the queue.');
  const resident = metrics.gauge('posthorn_resident_octets', 'Resident memory of this process.');
  metrics.onRender(async () => {
    const summary = await store.summary();
    messages.set(summary.messages);
    claimed.set(summary.claimed);
    quarantined.set(summary.quarantined);
    oldest.set(summary.oldestAcceptedAt === null ? 0 : Math.max(0, (Date.now() - summary.oldestAcceptedAt) / 1000));
    free.set(summary.freeOctets);
    resident.set(process.memoryUsage.rss());
  });
}
