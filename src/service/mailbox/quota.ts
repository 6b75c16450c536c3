/**
 * Maildir++ quota (courier-services 2.8): what a mailbox may hold, and what it holds as `maildirsize` keeps count.
 * No lock: two deliveries at once may go a little over, and the next count finds out.
 */
import { constants } from 'node:fs';
import { join } from 'node:path';
import { isCode, type Files } from './files.ts';

export interface Quota {
  /** Absent: no limit. */
  readonly octets?: number;
  readonly messages?: number;
}

export interface Usage {
  readonly octets: number;
  readonly messages: number;
}

/** Longer, and it is counted anew: also what keeps a reader from reading for ever. */
const LONGEST_FILE = 5120;
/** Courier counts again before it refuses, unless the count is one line and fresh. */
const FRESH_MS = 15 * 60_000;
const LINE_OCTETS = 14;
const SETTLED_MS = 2000;
const MOST_REMEMBERED = 10_000;

/** `10000000S,1000C`; null: it says nothing. */
export function parseQuota(text: string): Quota | null {
  const quota: { octets?: number; messages?: number } = {};
  for (const part of text.split(',')) {
    const [, number, unit] = /^\s*(\d{1,15})\s*([SC])\s*$/i.exec(part) ?? [];
    if (number === undefined || Number(number) === 0) continue;
    if (unit?.toUpperCase() === 'S') quota.octets = Number(number);
    else quota.messages = Number(number);
  }
  return quota.octets === undefined && quota.messages === undefined ? null : quota;
}

export function formatQuota({ octets, messages }: Quota): string {
  return [...(octets === undefined ? [] : [`${octets}S`]), ...(messages === undefined ? [] : [`${messages}C`])].join(',');
}

interface Count extends Usage {
  readonly quota: Quota;
  readonly lines: number;
  readonly mtimeMs: number;
}

export interface QuotaOptions {
  readonly files: Files;
  now(): number;
  /** A name that nobody else uses, for tmp/. */
  unique(): string;
}

export interface QuotaKeeper {
  /**
   * Whether `octets` more fit; asked before the message gets its name. `said`: what the account's owner
   * was given; `changedMs`: when a name was last made or removed in the folder.
   */
  admits(folder: string, octets: number, said: string | undefined, changedMs: number | undefined): Promise<'unlimited' | 'fits' | 'over'>;
  /** One message more, where it fitted. */
  add(folder: string, octets: number): Promise<void>;
}

export function createQuotaKeeper({ files, now, unique }: QuotaOptions): QuotaKeeper {
  // Most mailboxes have no quota, and are not asked for one as long as no name in them changes.
  const countless = new Map<string, number>();
  function remember(folder: string, changedMs: number | undefined): void {
    // A clock of the file system may be slower than two changes.
    if (changedMs === undefined || now() - changedMs < SETTLED_MS) return;
    countless.delete(folder);
    countless.set(folder, changedMs);
    const [oldest] = countless.keys();
    if (countless.size > MOST_REMEMBERED && oldest !== undefined) countless.delete(oldest);
  }

  return {
    async admits(folder, octets, said, changedMs) {
      if (said === undefined && changedMs !== undefined && countless.get(folder) === changedMs) return 'unlimited';
      const written = await readCount(files, folder);
      const quota = (said === undefined ? null : parseQuota(said)) ?? (written === 'broken' ? null : written?.quota) ?? null;
      if (quota === null) {
        if (written === null) remember(folder, changedMs);
        return 'unlimited';
      }
      const stale = written === null || written === 'broken' || formatQuota(written.quota) !== formatQuota(quota);
      let count: Usage = stale ? await recount(folder, quota) : written;
      if (!stale && !fits(count, quota, octets) && (written.lines > 1 || now() - written.mtimeMs > FRESH_MS)) count = await recount(folder, quota);
      return fits(count, quota, octets) ? 'fits' : 'over';
    },
    async add(folder, octets) {
      const file = await files.open(join(folder, 'maildirsize'), constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
      try {
        await files.write(file, [Buffer.from(formatLine({ octets, messages: 1 }))]);
      } finally {
        files.close(file);
      }
    },
  };

  async function recount(folder: string, quota: Quota): Promise<Usage> {
    const counted = await countMaildir(files, folder);
    // Mail came or went meanwhile: this count serves once, and the next one counts again.
    if (counted.steady) await writeCount(folder, `${formatQuota(quota)}\n${formatLine(counted)}`);
    return counted;
  }

  async function writeCount(folder: string, text: string): Promise<void> {
    const temporary = join(folder, 'tmp', unique());
    const file = await files.open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
    try {
      await files.write(file, [Buffer.from(text)]);
    } finally {
      files.close(file);
    }
    await files.rename(temporary, join(folder, 'maildirsize'));
  }
}

function fits(count: Usage, quota: Quota, octets: number): boolean {
  return (quota.octets === undefined || count.octets + octets <= quota.octets) && (quota.messages === undefined || count.messages + 1 <= quota.messages);
}

/** Padded: a reader must be able to tell from the size how many lines there are at most. */
function formatLine({ octets, messages }: Usage): string {
  return `${`${octets} ${messages}`.padEnd(LINE_OCTETS - 1)}\n`;
}

/** Null: there is none. */
async function readCount(files: Files, folder: string): Promise<Count | null | 'broken'> {
  let text: string;
  let mtimeMs: number;
  try {
    const file = await files.open(join(folder, 'maildirsize'), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const found = files.look(file);
      if (!found.isFile()) return 'broken';
      mtimeMs = Number(found.mtimeMs);
      const octets = Buffer.alloc(LONGEST_FILE);
      text = octets.toString('latin1', 0, await files.read(file, octets, 0));
    } finally {
      files.close(file);
    }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    if (isCode(error, 'ELOOP')) return 'broken';
    throw error;
  }
  const [first = '', ...lines] = text.trimEnd().split('\n');
  const quota = parseQuota(first);
  if (quota === null) return 'broken';
  if (text.length >= LONGEST_FILE) return { quota, octets: Infinity, messages: Infinity, lines: Infinity, mtimeMs: 0 };
  let octets = 0;
  let messages = 0;
  for (const line of lines) {
    const [, size, count] = /^\s*(-?\d{1,15})\s+(-?\d{1,10})\s*$/.exec(line) ?? [];
    if (size === undefined) return 'broken';
    octets += Number(size);
    messages += Number(count);
  }
  return { quota, octets, messages, lines: lines.length, mtimeMs };
}

/** Counts what lies in new and cur of every folder; not the Trash, and nothing that is marked deleted. */
export async function countMaildir(files: Pick<Files, 'opendir' | 'stat'>, folder: string): Promise<Usage & { readonly steady: boolean }> {
  const usage = { octets: 0, messages: 0 };
  const seen = new Map<string, number>();
  for (const top of ['', ...(await subfolders(files, folder))]) {
    for (const part of ['new', 'cur']) {
      const path = join(folder, top, part);
      const found = await files.stat(path).catch(() => null);
      if (found === null) continue;
      seen.set(path, found.mtimeMs);
      for await (const name of namesIn(files, path)) {
        if (name.startsWith('.') || /:2,[A-Za-z]*T/.test(name)) continue;
        const written = /,S=(\d{1,15})(?=[,:]|$)/.exec(name)?.[1];
        const octets = written === undefined ? await files.stat(join(path, name)).then(one => one.size, () => null) : Number(written);
        if (octets === null) continue;
        usage.octets += octets;
        usage.messages++;
      }
    }
  }
  let steady = true;
  for (const [path, mtimeMs] of seen) steady &&= (await files.stat(path).catch(() => null))?.mtimeMs === mtimeMs;
  return { ...usage, steady };
}

async function subfolders(files: Pick<Files, 'opendir'>, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of namesIn(files, folder)) {
    if (name.startsWith('.') && name !== '.Trash' && !name.startsWith('.Trash.')) found.push(name);
  }
  return found;
}

/** One after the other: a folder may hold a million. */
async function* namesIn(files: Pick<Files, 'opendir'>, path: string): AsyncGenerator<string> {
  for await (const entry of await files.opendir(path, { bufferSize: 256 })) yield entry.name;
}
