/**
 * The alias files, in force as soon as they are written: questions look whether one of them changed, all of a moment once.
 * A change takes hold whole or not at all: as long as anything in the new text is wrong, the old table answers.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../../core/envelope.ts';
import type { Log } from '../../core/log.ts';
import { createAliasTable, type AliasDefinition, type AliasTable } from '../../grammar/alias/alias-table.ts';
import { parseAliases, parseMemberList, type AliasMember } from '../../grammar/alias/aliases.ts';

export interface AliasOptions {
  /** Files or folders of files; those that are not there have no aliases. */
  readonly paths: readonly string[];
  canonical(address: Address): Address;
  readonly log: Log;
  /** Looks are this far apart; absent: each question looks. A look at a file is two system calls, and a busy relay has thousands of questions a second. */
  readonly momentMs?: number;
}

export interface Aliases {
  /** null: none could be read so far, so nobody can say what is an alias. */
  current(): AliasTable | null;
  /** What is wrong with the text as it is now, a line each. */
  problems(): readonly string[];
}

const LARGEST_OCTETS = 64 * 1024 * 1024;
const MOST_INCLUDES = 10;
/** Of one file; nobody reads more. */
const MOST_PROBLEMS = 20;
/** What editors and package managers leave behind, and what is hidden. */
const NOT_READ = /^\.|~|^#.*#$|\.(dat|dist|rpmnew|rpmsave|rpmorig|bak|orig|swp|ucf-\w+|dpkg-[\w-]+)$/;

interface Reading {
  readonly definitions: AliasDefinition[];
  readonly problems: string[];
  /** Everything that was looked at, whether it was there or not. */
  readonly seen: Map<string, string>;
}

export function createAliases({ paths, canonical, log, momentMs = 0 }: AliasOptions): Aliases {
  let table: AliasTable | null = null;
  let marks: ReadonlyMap<string, string> = new Map();
  let wrong: readonly string[] = [];
  let read = false;
  let lookedAt = -Infinity;

  function refresh(): void {
    const now = performance.now();
    if (now - lookedAt < momentMs) return;
    lookedAt = now;
    if (read && isAsMarked(marks)) return;
    const reading: Reading = { definitions: [], problems: [], seen: new Map() };
    for (const path of paths) readPath(path, reading);
    const next = createAliasTable(reading.definitions, canonical);
    const problems = [...reading.problems, ...next.problems.map(({ where, what }) => `${where}: ${what}`)];
    // A file that changed while it was read has another mark next time.
    marks = reading.seen;
    wrong = problems;
    if (problems.length > 0) log.error('aliases refused, the old ones stay', { problems: problems.slice(0, 20) });
    else table = next;
    read = true;
  }
  return {
    current() {
      refresh();
      return table;
    },
    problems() {
      refresh();
      return wrong;
    },
  };
}

/** The name by which an instruction travels in an envelope. What it says is in the alias file alone, found by this. */
export function instructionAddress(alias: Address, text: string): string {
  const name = alias.replace(/[^a-z0-9@_-]/gi, ':').replace('@', '=').slice(0, 100);
  return `.xalias/${digestOf(text)}/${name}`;
}

/** Whether a local-part is the name of this very instruction. */
export function namesInstruction(localPart: string, text: string): boolean {
  return localPart.startsWith(`.xalias/${digestOf(text)}/`);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function markOf(path: string): string {
  try {
    const found = statSync(path, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? 'absent' : `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  } catch {
    return 'unreadable';
  }
}

function isAsMarked(marks: ReadonlyMap<string, string>): boolean {
  for (const [path, mark] of marks) if (markOf(path) !== mark) return false;
  return true;
}

function readPath(path: string, reading: Reading): void {
  const names = look(path, reading, () => (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(path).toSorted() : null));
  const files = names?.filter(name => !NOT_READ.test(name)).map(name => join(path, name)) ?? [path];
  for (const file of files) {
    const text = readText(file, reading, false);
    if (text === null) continue;
    const parsed = parseAliases(text);
    if (parsed.kind === 'wrong') {
      reading.problems.push(...parsed.problems.slice(0, MOST_PROBLEMS).map(({ line, what, right }) => `${file}:${line}: ${what}; right would be: ${right}`));
      continue;
    }
    for (const { line, name, members } of parsed.value) {
      const where = `${file}:${line}`;
      reading.definitions.push({ where, name, members: included(members, where, reading, 0) });
    }
  }
}

function included(members: readonly AliasMember[], where: string, reading: Reading, depth: number): AliasDefinition['members'] {
  return members.flatMap(member => {
    if (member.kind !== 'include') return [member];
    if (depth >= MOST_INCLUDES) {
      reading.problems.push(`${where}: includes within includes, more than ${MOST_INCLUDES} deep`);
      return [];
    }
    const parsed = parseMemberList(readText(member.path, reading, true) ?? '');
    if (parsed.kind === 'read') return included(parsed.value, member.path, reading, depth + 1);
    reading.problems.push(...parsed.problems.slice(0, MOST_PROBLEMS).map(({ line, what }) => `${member.path}:${line}: ${what}`));
    return [];
  });
}

function readText(path: string, reading: Reading, needed: boolean): string | null {
  return look(path, reading, () => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined || !found.isFile()) {
      if (needed || found !== undefined) reading.problems.push(`${path}: no such file`);
      return null;
    }
    // Who may write here decides where everyone's mail goes, and which commands run.
    if ((found.mode & 0o002) !== 0) reading.problems.push(`${path}: everyone may write to it (chmod o-w)`);
    else if (found.size > LARGEST_OCTETS) reading.problems.push(`${path}: more than ${LARGEST_OCTETS} octets`);
    else return readFileSync(path, 'utf8');
    return null;
  });
}

/** The mark is taken before the reading: what changes meanwhile is read again. */
function look<T>(path: string, reading: Reading, work: () => T): T | null {
  try {
    reading.seen.set(path, markOf(path));
    return work();
  } catch (error) {
    reading.problems.push(`${path}: cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'})`);
    return null;
  }
}
