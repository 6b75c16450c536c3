/** All filters of a gateway: which see a message, in which order; programs and modules kept running meanwhile. */
import { mkdir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { Origin } from '../../core/envelope.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { FilterStanding } from '../../core/operations.ts';
import type { Examination, Filter, Filtering, Inspected } from '../../core/policy.ts';
import { usualManners, type ContentFilter, type FilterManners } from '../../grammar/config/content-filters.ts';
import type { ActiveFilter, BuiltInSettings } from '../../grammar/config/filter-folder.ts';
import type { HttpClient } from '../../kit/net/http-client.ts';
import { createExamination, type Placed } from './examination.ts';
import { openProgram, type Program } from './program.ts';
import { createClient } from './clients.ts';
import { createHolding } from '../../kit/file/holding.ts';
import { createBuiltIn, type House } from './members.ts';
import { openModuleFilter, stampOf } from './module-filter.ts';
import { createMessageFiles } from './message-files.ts';
import { createSocketFilter } from './socket-filter.ts';
import { openSockets } from './sockets.ts';

export interface FilterPlan {
  readonly sources: ReadonlySet<'esmtp' | 'local' | 'uucp'>;
  readonly folder: string;
  readonly sockets: string;
  readonly active: readonly ActiveFilter[];
  readonly builtIn: BuiltInSettings;
  readonly rules: readonly ContentFilter[];
  readonly courier: ReadonlyMap<string, FilterManners>;
}

export interface FiltersOptions {
  /** As the configuration in force has it. */
  plan(): FilterPlan;
  /** What control files say of the queue. */
  queue(): { readonly batchSize: number; readonly queueTimeMs: number; readonly faxQueueTimeMs: number; readonly warnTimeMs: number };
  /** Keeps the programs running; other processes of the gateway only speak to their sockets. */
  readonly keeps: boolean;
  /** The configuration folder, which programs get as `sysconfdir`. */
  readonly configuration: string;
  /** For messages under examination; ours alone, and emptied at the start. */
  readonly spool: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly house: Omit<House, 'clock'>;
  /** Recipients' own; asked last, and only of mail that one of them wants to see. */
  readonly recipients?: { readonly filter: Filter; wants(origin: Origin): boolean };
  /** Our name, as milters are told it. */
  me(): string;
  readonly http: Pick<HttpClient, 'request'>;
}

/** A filter with something to close. */
interface Member {
  readonly filter: Filter;
  readonly state?: () => string;
  close(): Promise<void>;
}

export interface Filters extends Filtering {
  /** Starts what is new in the plan, ends what is gone; resolves when those that were started are ready. */
  reload(): Promise<void>;
  standing(): readonly FilterStanding[];
  close(): Promise<void>;
}

/** Below the sender's ten minutes for our answer to the content (RFC 5321 §4.5.3.2.6). */
const RECIPIENTS_MS = 5 * 60_000;
const OPTIONAL_FIRST = (one: Sorted, other: Sorted) => Number(other.optional) - Number(one.optional) || Buffer.compare(Buffer.from(one.name), Buffer.from(other.name));

interface Sorted extends Placed {
  readonly name: string;
}

interface Running extends Member {
  readonly key: string;
  readonly optional: boolean;
}

export async function openFilters(options: FiltersOptions): Promise<Filters> {
  const { clock, log, kernels } = options;
  const closing = new AbortController();
  const programs = new Map<string, Program>();
  const members = new Map<string, Running>();
  let clients: readonly { readonly rule: ContentFilter; readonly filter: Filter }[] = [];
  let sockets = openSockets(options.plan().sockets, () => clock.now());
  let socketFolder = options.plan().sockets;
  let spooled = 0;
  const files = createMessageFiles({ folder: options.spool, settings: () => options.queue() });
  const looks = options.metrics.counter('posthorn_filter_looks_total', 'Messages that a filter has looked at, by filter and result.');
  const seconds = options.metrics.histogram('posthorn_filter_seconds', 'How long a filter took.', [0.005, 0.02, 0.1, 0.5, 2, 10, 60]);

  await openSpool(options.spool, options.keeps);

  function manners(name: string): FilterManners {
    const { courier } = options.plan();
    return courier.get(name) ?? courier.get('*') ?? usualManners;
  }

  /** Optional ones, then mandatory ones, each by name as Courier sorts them; then contentfilters in its own order. */
  function inOrder(origin: Origin): readonly Placed[] {
    const found = sockets.list();
    const all: Sorted[] = found.map(({ name, path, optional }) => {
      const { timeoutMs, whenAbsent } = manners(name);
      return { name, optional, timeoutMs, filter: createSocketFilter({ name, path, whenAbsent, files, clock }) };
    });
    for (const { name } of wantedPrograms(options.plan())) {
      if (found.some(one => one.name === name)) continue;
      // Wanted, and not there: nothing may slip past it while it starts again.
      const { timeoutMs, whenAbsent } = manners(name);
      all.push({ name, optional: false, timeoutMs, filter: { name, whenAbsent, inspect: () => Promise.resolve({ kind: 'absent', why: `it has no socket; the program is ${programs.get(name)?.state ?? 'another process\'s'}` }) } });
    }
    for (const [name, { filter, optional }] of members) all.push({ name, optional, timeoutMs: manners(name).timeoutMs, filter });
    const placed: Placed[] = all.toSorted(OPTIONAL_FIRST);
    for (const { rule, filter } of clients) {
      if (rule.sources !== undefined && !rule.sources.has(wayIn(origin))) continue;
      placed.push({ filter, timeoutMs: rule.timeoutMs, optional: false, largestOctets: rule.largestOctets });
    }
    if (options.recipients?.wants(origin) === true) placed.push({ filter: options.recipients.filter, timeoutMs: RECIPIENTS_MS, optional: false });
    return placed;
  }

  async function reload(): Promise<void> {
    const plan = options.plan();
    // Nothing is filtered: nothing runs.
    const active = plan.sources.size === 0 ? [] : plan.active;
    if (plan.sockets !== socketFolder) {
      socketFolder = plan.sockets;
      sockets = openSockets(plan.sockets, () => clock.now());
    }
    if (plan.sources.size > 0) sockets.make();
    clients = plan.sources.size === 0 ? [] : plan.rules.map(rule => ({ rule, filter: createClient(rule, options) }));
    await Promise.all([reloadPrograms(plan, active), reloadMembers(plan, active)]);
  }

  async function reloadPrograms(plan: FilterPlan, active: readonly ActiveFilter[]): Promise<void> {
    if (!options.keeps) return;
    const wanted = new Map(active.flatMap(one => (one.kind === 'program' ? [[one.name, one.path] as const] : [])));
    const gone = [...programs.values()].filter(one => wanted.get(one.name) !== one.path);
    await Promise.all(gone.map(async one => {
      await one.close();
      programs.delete(one.name);
      sockets.remove(one.name);
      log.info('filter', { name: one.name, what: 'stopped' });
    }));
    const started: Program[] = [];
    for (const [name, path] of wanted) {
      if (programs.has(name)) continue;
      // What a crash left would refuse connections until the program makes its own.
      sockets.remove(name);
      const environment = { ...options.environment, sysconfdir: options.configuration, localstatedir: plan.sockets };
      const one = openProgram({ name, path, folder: plan.sockets, environment, clock, log });
      programs.set(name, one);
      started.push(one);
    }
    await Promise.all(started.map(one => one.settled));
  }

  async function reloadMembers(plan: FilterPlan, active: readonly ActiveFilter[]): Promise<void> {
    const wanted = new Map<string, { readonly active: Exclude<ActiveFilter, { kind: 'program' }>; readonly key: string }>();
    for (const one of active) {
      if (one.kind !== 'program') wanted.set(one.name, { active: one, key: JSON.stringify([one, one.kind === 'module' ? stampOf(one.path) : plan.builtIn, manners(one.name)]) });
    }
    for (const [name, member] of members) {
      if (wanted.get(name)?.key === member.key) continue;
      members.delete(name);
      await member.close();
    }
    for (const [name, { active: one, key }] of wanted) {
      if (members.has(name)) continue;
      members.set(name, { ...openMember(one, plan), key, optional: one.optional });
    }
  }

  function openMember(active: Exclude<ActiveFilter, { readonly kind: 'program' }>, plan: FilterPlan): Member {
    const { whenAbsent } = manners(active.name);
    switch (active.kind) {
      case 'built-in':
        return { filter: createBuiltIn(active.name, plan.builtIn, whenAbsent, { ...options.house, clock }), close: () => Promise.resolve() };
      case 'module':
        return openModuleFilter({ name: active.name, path: active.path, whenAbsent, clock, log });
      default: {
        const never: never = active;
        throw new Error(`no such filter ${JSON.stringify(never)}`);
      }
    }
  }

  await reload();

  return {
    open(origin): Examination | null {
      const word = sourceWord(origin);
      if (word === null || !options.plan().sources.has(word)) return null;
      if (wantedPrograms(options.plan()).length === 0 && members.size === 0 && clients.length === 0 && sockets.list().length === 0 && options.recipients?.wants(origin) !== true) return null;
      return createExamination({
        hold: () => createHolding(join(options.spool, `H${process.pid}.${++spooled}`)),
        filters: () => inOrder(origin),
        kernels, clock, log,
        signal: closing.signal,
        seen(name, result, ms) {
          looks.add(1, { filter: name, result });
          seconds.observe(ms / 1000, { filter: name });
        },
        forget: (message: Inspected) => files.forget(message),
      });
    },
    reload,
    standing() {
      const found = sockets.list();
      return [
        ...[...programs.values()].map(({ name, state, pid, restarts }) => ({ name, kind: 'program', state: found.some(one => one.name === name) || state !== 'running' ? state : 'running, without a socket', restarts, ...(pid === null ? {} : { pid }) })),
        ...[...members].map(([name, member]) => ({ name, kind: 'built in', state: member.state?.() ?? 'running' })),
        ...found.filter(one => !programs.has(one.name)).map(({ name }) => ({ name, kind: 'socket', state: 'started by others' })),
        ...clients.map(({ rule }) => ({ name: rule.name, kind: rule.kind, state: rule.place.kind === 'unix' ? rule.place.path : `${rule.place.endpoint.host}:${rule.place.endpoint.port}` })),
      ];
    },
    async close() {
      closing.abort();
      await Promise.all([...programs.values(), ...members.values()].map(one => one.close()));
      for (const name of programs.keys()) sockets.remove(name);
      programs.clear();
      members.clear();
    },
  };
}

function wantedPrograms({ active }: FilterPlan): readonly ActiveFilter[] {
  return active.filter(({ kind }) => kind === 'program');
}

/** As enablefiltering names ways in; null: never filtered (our own reports). */
function sourceWord({ source }: Origin): 'esmtp' | 'local' | 'uucp' | null {
  switch (source) {
    case 'esmtp':
    case 'submission':
      return 'esmtp';
    case 'uucp':
      return 'uucp';
    case 'local':
    case 'fax':
    case 'list':
      return 'local';
    case 'dsn':
      return null;
    default: {
      const never: never = source;
      throw new Error(`no such source ${String(never)}`);
    }
  }
}

function wayIn({ source }: Origin): 'esmtp' | 'submission' | 'local' | 'uucp' {
  return source === 'esmtp' || source === 'submission' || source === 'uucp' ? source : 'local';
}

/** What a crash left: nobody was told that it was taken. */
async function openSpool(folder: string, sweeps: boolean): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o750 });
  if (!sweeps) return;
  for (const name of await readdir(folder)) {
    if (/^[CDH]/.test(name)) await unlink(join(folder, name)).catch(() => undefined);
  }
}
