/** Counts in memory, a file a day on disk. Bounded whatever strangers' domains do. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { TlsFailure, TlsFailureCount, TlsJournal, TlsPolicyResults, TlsResults, TlsSession } from '../../core/tls.ts';
import { keepFile, nodeFileSystem, type FileSystem } from '../../kit/file/durable-file.ts';

export interface TlsCollection extends TlsJournal {
  /** Days that are over and not all told, oldest first; and today last. */
  days(): readonly string[];
  results(day: string): readonly TlsResults[];
  /** That domain's report of that day needs no more doing; `how` is for people. */
  settle(day: string, domain: string, how: string): void;
  /** On disk when it resolves; a disk that fails is logged. */
  save(): Promise<void>;
  close(): Promise<void>;
}

export interface TlsCollectionSettings {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly files?: FileSystem;
  /** Domains a day. */
  readonly domains?: number;
  /** How often what changed is written. */
  readonly everyMs?: number;
}

const DOMAINS = 5000;
const POLICIES = 8;
const DETAILS = 50;
const EVERY_MS = 60_000;
const KEPT_DAYS = 7;
const LONGEST_WHY = 200;
/** A file is read whole. */
const NAME = /^(\d{4}-\d\d-\d\d)\.json$/;

interface Domain {
  reported?: string;
  readonly policies: Map<string, Counted>;
}

type Counted = Omit<TlsPolicyResults, 'successes' | 'failures' | 'details'> & { successes: number; failures: number; readonly details: Map<string, { -readonly [K in keyof TlsFailureCount]: TlsFailureCount[K] }> };

interface Day {
  readonly domains: Map<string, Domain>;
  changed: boolean;
}

export function openTlsCollection(settings: TlsCollectionSettings): TlsCollection {
  const { folder, clock, log, files = nodeFileSystem, domains: most = DOMAINS, everyMs = EVERY_MS } = settings;
  const days = readDays(folder);
  const stopping = new AbortController();
  let saving: Promise<void> = Promise.resolve();

  const today = (): string => dayOf(clock.now());

  function dayFor(name: string): Day {
    const known = days.get(name);
    if (known !== undefined) return known;
    const fresh: Day = { domains: new Map(), changed: false };
    days.set(name, fresh);
    return fresh;
  }

  function domainFor({ domains }: Day, name: string): Domain | null {
    const known = domains.get(name);
    if (known !== undefined) return known;
    if (domains.size >= most && !makeRoom(domains)) return null;
    const fresh: Domain = { policies: new Map() };
    domains.set(name, fresh);
    return fresh;
  }

  function note({ published, relay, failure = published.flaw }: TlsSession): void {
    const day = dayFor(today());
    const domain = domainFor(day, published.domain);
    if (domain === null) return;
    const key = `${published.kind} ${published.lines.join('\n')}`;
    let policy = domain.policies.get(key);
    if (policy === undefined) {
      if (domain.policies.size >= POLICIES) return;
      policy = { kind: published.kind, lines: published.lines, ...(published.mxHosts === undefined ? {} : { mxHosts: published.mxHosts }), successes: 0, failures: 0, details: new Map() };
      domain.policies.set(key, policy);
    }
    day.changed = true;
    if (failure === undefined) policy.successes++;
    else fail(policy, failure, relay);
  }

  async function saveNow(): Promise<void> {
    const oldest = dayOf(clock.now() - KEPT_DAYS * DAY_MS);
    for (const [name, day] of days) {
      if (name < oldest) {
        days.delete(name);
        await files.unlink(`${folder}/${name}.json`).catch(() => undefined);
      } else if (day.changed) {
        day.changed = false;
        try {
          await keepFile(files, folder, `${name}.json`, [Buffer.from(JSON.stringify({ version: 1, results: resultsOf(name, day) }))]);
        } catch (cause) {
          day.changed = true;
          log.warn('tls-report', { what: 'the counts could not be written', why: cause instanceof Error ? cause.message : String(cause) });
        }
      }
    }
  }

  const save = (): Promise<void> => (saving = saving.then(saveNow));

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleepUntil(after(clock.now(), everyMs), stopping.signal);
      await save();
    }
  }
  const kept = keep();

  return {
    note,
    days: () => [...new Set([...days.keys(), today()])].toSorted(),
    results: name => {
      const day = days.get(name);
      return day === undefined ? [] : resultsOf(name, day);
    },
    settle(name, domain, how) {
      const day = days.get(name);
      const found = day?.domains.get(domain);
      if (day === undefined || found === undefined) return;
      found.reported = how;
      day.changed = true;
    },
    save,
    async close() {
      stopping.abort();
      await kept;
      await save();
    },
  };
}

const DAY_MS = 86_400_000;

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** Who published nothing and had no trouble is the first to be forgotten. */
function makeRoom(domains: Map<string, Domain>): boolean {
  for (const [name, { policies }] of domains) {
    if ([...policies.values()].some(({ kind, failures }) => kind !== 'no-policy-found' || failures > 0)) continue;
    return domains.delete(name);
  }
  return false;
}

function fail(policy: Counted, { type, why }: TlsFailure, { host, address }: TlsSession['relay']): void {
  policy.failures++;
  const key = `${type} ${host} ${address ?? ''}`;
  const known = policy.details.get(key);
  if (known !== undefined) known.count++;
  else if (policy.details.size < DETAILS) policy.details.set(key, { type, why: why.slice(0, LONGEST_WHY), mx: host, ...(address === undefined ? {} : { address }), count: 1 });
}

function resultsOf(day: string, { domains }: Day): readonly TlsResults[] {
  return [...domains].map(([domain, { policies, reported }]) => ({
    day, domain, ...(reported === undefined ? {} : { reported }),
    policies: [...policies.values()].map(policy => ({ ...policy, details: [...policy.details.values()].map(one => ({ ...one })) })),
  }));
}

/** What an earlier run counted; a file that cannot be read is as none. */
function readDays(folder: string): Map<string, Day> {
  const days = new Map<string, Day>();
  let names: string[] = [];
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    names = readdirSync(folder);
  } catch {
    return days;
  }
  for (const name of names.toSorted()) {
    const [, day] = NAME.exec(name) ?? [];
    if (day === undefined) continue;
    const results = readResults(`${folder}/${name}`);
    if (results === null) continue;
    days.set(day, { changed: false, domains: new Map(results.map(({ domain, policies, reported }) => [domain, { ...(reported === undefined ? {} : { reported }), policies: new Map(policies.map(policy => [`${policy.kind} ${policy.lines.join('\n')}`, counted(policy)])) }])) });
  }
  return days;
}

function counted({ details, ...policy }: TlsPolicyResults): Counted {
  return { ...policy, details: new Map(details.map(one => [`${one.type} ${one.mx} ${one.address ?? ''}`, { ...one }])) };
}

function readResults(path: string): readonly TlsResults[] | null {
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as { readonly version?: unknown; readonly results?: unknown };
    // Only we write there; what half of a disk made of it must not count as a report.
    return read.version === 1 && Array.isArray(read.results) && read.results.every(isResults) ? read.results : null;
  } catch {
    return null;
  }
}

function isResults(one: unknown): one is TlsResults {
  const { domain, policies } = (one ?? {}) as Partial<TlsResults>;
  return typeof domain === 'string' && Array.isArray(policies) && policies.every(({ lines, details, successes, failures }) => Array.isArray(lines) && Array.isArray(details) && Number.isInteger(successes) && Number.isInteger(failures));
}
