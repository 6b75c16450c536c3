/** The userdb's text: read when asked for and changed since, never when others could have read or written it. */
import { statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../core/log.ts';
import { parseUserdb, type UserRecord } from '../../grammar/config/ways-in/userdb.ts';

export interface UserdbText {
  load(): Promise<Loaded>;
}

export type Loaded =
  | { readonly kind: 'loaded'; readonly accounts: ReadonlyMap<string, UserRecord>; readonly all: readonly UserRecord[] }
  | { readonly kind: 'unavailable'; readonly why: string };

/** "Good for a few thousand accounts": memory has to hold it. */
const largestOctets = 64 * 1024 * 1024;
const mostFiles = 1000;

interface Part {
  readonly path: string;
  /** Changes whenever the content may have. */
  readonly mark: string;
}

export function createUserdbText(path: string, log: Log): UserdbText {
  let mark = '';
  let current: Loaded = { kind: 'unavailable', why: 'not read yet' };
  let reading: Promise<Loaded> | undefined;

  /** Logins that come while one reads wait for that reading. */
  function load(): Promise<Loaded> {
    reading ??= refresh().finally(() => (reading = undefined));
    return reading;
  }

  async function refresh(): Promise<Loaded> {
    const parts = await survey(path).catch((error: unknown) => `userdb cannot be read (${codeOf(error)})`);
    if (typeof parts === 'string') {
      mark = '';
      current = { kind: 'unavailable', why: parts };
      return current;
    }
    const seen = parts.map((part) => part.mark).join('\n');
    if (seen === mark) return current;
    current = await readParts(parts, log).catch((error: unknown) => ({ kind: 'unavailable', why: `userdb cannot be read (${codeOf(error)})` }) as const);
    // A file that changed while it was read has another mark next time.
    mark = current.kind === 'loaded' ? seen : '';
    return current;
  }
  return { load };
}

async function readParts(parts: readonly Part[], log: Log): Promise<Loaded> {
  const accounts = new Map<string, UserRecord>();
  for (const part of parts) {
    const { records, problems } = parseUserdb(await readFile(part.path, 'utf8'));
    for (const { line, what } of problems) log.warn('userdb', { file: part.path, line, what });
    for (const record of records) {
      if (accounts.has(record.name)) log.warn('userdb', { file: part.path, line: record.line, what: 'a second account of that name; the first one holds' });
      else accounts.set(record.name, record);
    }
  }
  return { kind: 'loaded', accounts, all: [...accounts.values()] };
}

/** The files there are, or why they may not be used. */
async function survey(path: string): Promise<readonly Part[] | string> {
  // Asked for every recipient: a turn of the event loop costs more than the look.
  const top = statSync(path);
  const names = top.isDirectory() ? (await readdir(path)).filter((name) => !/^\.|~$|\.dat$/.test(name)).toSorted() : [];
  if (top.isDirectory() && (top.mode & 0o022) !== 0) return 'others may write into the userdb folder';
  if (names.length > mostFiles) return `more than ${mostFiles} files in the userdb folder`;
  const parts: Part[] = [];
  let octets = 0;
  for (const file of top.isDirectory() ? names.map((name) => join(path, name)) : [path]) {
    const found = file === path ? top : await stat(file);
    if (!found.isFile()) continue;
    if ((found.mode & 0o077) !== 0) return `${file} is not private (chmod 600)`;
    octets += found.size;
    parts.push({ path: file, mark: `${file} ${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}` });
  }
  return octets > largestOctets ? `userdb has more than ${largestOctets} octets` : parts;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
