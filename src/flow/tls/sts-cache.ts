/** MTA-STS policies on disk: one small file a domain, a bounded number; the longest unused goes first. */
import { readFile, readdir } from 'node:fs/promises';
import type { Log } from '../../core/log.ts';
import { parseStsPolicy, type StsPolicy } from '../../grammar/mta-sts.ts';
import { keepFile, nodeFileSystem, type FileSystem } from '../../kit/file/durable-file.ts';

export interface StsEntry {
  readonly domain: string;
  readonly id: string;
  /** ms since the epoch. */
  readonly fetchedAt: number;
  readonly policy: StsPolicy;
}

export interface StsCache {
  get(domain: string): Promise<StsEntry | null>;
  /** Durable when it resolves; a disk that fails is logged, and the policy holds in memory. */
  put(entry: StsEntry): Promise<void>;
  all(): Promise<readonly StsEntry[]>;
}

export interface StsCacheSettings {
  /** Made with the first policy. */
  readonly folder: string;
  readonly log: Log;
  /** False: the disk is read and not written. */
  readonly keeps?: boolean;
  readonly files?: FileSystem;
  readonly domains?: number;
}

const DOMAINS = 1000;
/** With `.part` behind it, a name that any file system takes. */
const LONGEST_NAME = 240;

export function openStsCache({ folder, log, keeps = true, files = nodeFileSystem, domains = DOMAINS }: StsCacheSettings): StsCache {
  const entries = new Map<string, StsEntry>();
  let loading: Promise<void> | null = null;
  /** One write after the other: two of one file would meet in its temporary name. */
  let writing: Promise<unknown> = Promise.resolve();

  async function load(): Promise<void> {
    const names = await readdir(folder).catch(() => []);
    const read: StsEntry[] = [];
    for (const name of names) {
      if (name.endsWith('.part')) continue;
      const entry = parseEntry(name, await readFile(`${folder}/${name}`, 'utf8').catch(() => ''));
      if (entry !== null) read.push(entry);
    }
    for (const entry of read.toSorted((one, other) => one.fetchedAt - other.fetchedAt).slice(-domains)) entries.set(entry.domain, entry);
  }

  async function write(entry: StsEntry, gone: string | null): Promise<void> {
    try {
      if (entry.domain.length <= LONGEST_NAME) await keepFile(files, folder, entry.domain, [Buffer.from(formatEntry(entry))]);
      if (gone !== null) await files.unlink(`${folder}/${gone}`).catch(() => undefined);
    } catch (cause) {
      log.warn('mta-sts', { what: 'a policy could not be kept on disk', domain: entry.domain, why: cause instanceof Error ? cause.message : String(cause) });
    }
  }

  return {
    async get(domain) {
      await (loading ??= load());
      const found = entries.get(domain);
      if (found === undefined) return null;
      entries.delete(domain);
      entries.set(domain, found);
      return found;
    },
    async put(entry) {
      await (loading ??= load());
      entries.delete(entry.domain);
      entries.set(entry.domain, entry);
      const gone = entries.size > domains ? (entries.keys().next().value as string) : null;
      if (gone !== null) entries.delete(gone);
      if (!keeps) return;
      const written = writing.then(() => write(entry, gone));
      writing = written;
      await written;
    },
    async all() {
      await (loading ??= load());
      return [...entries.values()];
    },
  };
}

/** Two lines of ours, then the policy as it was fetched. */
function formatEntry({ id, fetchedAt, policy }: StsEntry): string {
  return [`id ${id}`, `fetched ${fetchedAt}`, ...policy.lines, ''].join('\n');
}

function parseEntry(domain: string, text: string): StsEntry | null {
  const [, id, at, rest] = /^id ([A-Za-z0-9]{1,32})\nfetched (\d{1,15})\n([^]*)$/.exec(text) ?? [];
  if (id === undefined || at === undefined || rest === undefined) return null;
  const parsed = parseStsPolicy(rest);
  return parsed.kind === 'read' ? { domain, id, fetchedAt: Number(at), policy: parsed.policy } : null;
}
