/** One reading of a folder: hands out its files' values, and keeps every problem, notice and decided setting. */
import { readdirSync, readFileSync, statSync, type Stats } from 'node:fs';
import { basename, join } from 'node:path';
import { parseOneLine } from '../grammar/config/control-file.ts';
import { noting, type Parsed, type Problem } from '../grammar/config/parsed.ts';
import { nameFor } from './host-files.ts';
import type { ConfigurationProblem, Notice, Setting } from './types.ts';

/** A configuration file beyond this is not one; the largest real ones list a million domains. */
const largestFileOctets = 32 * 1024 * 1024;

export interface Sheet {
  readonly folder: string;
  readonly problems: ConfigurationProblem[];
  readonly notices: Notice[];
  readonly settings: Setting[];
  /** The operator asked, in so many words, for a relay that everyone may use. */
  readonly openRelay: boolean;
  path(name: string): string;
  /** The names in a folder of the folder, sorted; undefined when it is none. */
  names(folder: string): readonly string[] | undefined;
  /** The file's text; undefined when there is none, or when it could not be read (then a problem is noted). */
  text(name: string): string | undefined;
  /** A file of one value, or what holds without it. `show` is what people see of the value. */
  value<T>(name: string, fallback: T, rule: ValueRule<T>): T;
  /** A file of many lines, parsed whole. */
  list<T>(name: string, parse: (text: string) => Parsed<T>): T | undefined;
  note<T>(name: string, parsed: Parsed<T>): T | undefined;
  setting(name: string, value: string, source: string | undefined): void;
  problem(file: string, line: number | undefined, what: string, right: string): void;
  notice(file: string, what: string): void;
  /** A problem when strangers on this machine could read the file; `group: false` keeps its group out as well. */
  demandPrivate(name: string, rule: { readonly group: boolean }): void;
}

export interface ValueRule<T> {
  parse(text: string): Parsed<T>;
  show(value: T): string;
  readonly example: string;
}

/** `host`: of a virtual host, whose own files stand in the place of the others. */
export function createSheet(folder: string, openRelay = false, host?: string): Sheet {
  const problems: ConfigurationProblem[] = [];
  const notices: Notice[] = [];
  const settings: Setting[] = [];
  const path = (name: string): string => join(folder, host === undefined ? name : nameFor(folder, host, name));
  const sheet: Sheet = {
    folder, problems, notices, settings, openRelay,
    path, names, text, value, list, note, setting, problem, notice, demandPrivate,
  };

  function problem(file: string, line: number | undefined, what: string, right: string): void {
    problems.push({ file, ...(line === undefined ? {} : { line }), what, right });
  }
  function notice(file: string, what: string): void {
    notices.push({ file, what });
  }
  function setting(name: string, shown: string, source: string | undefined): void {
    // Of a virtual host only what it has of its own is worth a line.
    if (host !== undefined && (source === undefined || nameFor(folder, host, source) === source)) return;
    settings.push(host === undefined ? { name, value: shown, source: source ?? 'default' } : { name: `${name} (vhost ${host})`, value: shown, source: nameFor(folder, host, source ?? '') });
  }
  function note<T>(name: string, parsed: Parsed<T>): T | undefined {
    const found: Problem[] = [];
    const result = noting(parsed, 1, found);
    for (const { line, what, right } of found) problem(sheet.path(name), line, what, right);
    return result;
  }
  function names(name: string): readonly string[] | undefined {
    return readNames(sheet, sheet.path(name));
  }
  function text(name: string): string | undefined {
    return readText(sheet, sheet.path(name));
  }
  function list<T>(name: string, parse: (content: string) => Parsed<T>): T | undefined {
    const content = text(name);
    return content === undefined ? undefined : note(name, parse(content));
  }
  function value<T>(name: string, fallback: T, rule: ValueRule<T>): T {
    const line = list(name, (content) => parseOneLine(content, rule.example));
    const found = line === undefined ? undefined : note(name, shifted(rule.parse(line.text), line.line));
    const result = found === undefined ? fallback : found; // null is a value
    setting(name, rule.show(result), found === undefined ? undefined : name);
    return result;
  }
  function demandPrivate(name: string, rule: { readonly group: boolean }): void {
    const mode = statOf(sheet.path(name))?.mode ?? 0;
    const forbidden = rule.group ? 0o037 : 0o077;
    if ((mode & forbidden) === 0) return;
    const what = `others may read or change it (mode ${(mode & 0o777).toString(8)}), and it holds secrets`;
    problem(sheet.path(name), undefined, what, `chmod ${rule.group ? '640' : '600'} ${basename(name)}`);
  }
  return sheet;
}

/** undefined too when the path cannot be: too long, or through a folder that is closed to us. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Names in any folder, sorted; undefined when there is none, or when it cannot be listed (then a problem is noted). */
export function readNames(sheet: Pick<Sheet, 'problem'>, path: string): readonly string[] | undefined {
  try {
    return statOf(path)?.isDirectory() === true ? readdirSync(path).toSorted(byCode) : undefined;
  } catch (error) {
    sheet.problem(path, undefined, `cannot be listed (${codeOf(error)})`, 'a folder that this account may read');
    return undefined;
  }
}

/** Text of any file: one the folder has, or one that a setting points to. */
export function readText(sheet: Pick<Sheet, 'problem'>, path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (!stat.isFile()) sheet.problem(path, undefined, 'this is no file', 'a text file');
    else if (stat.size > largestFileOctets) sheet.problem(path, undefined, `${stat.size} octets are too many for a configuration file`, `at most ${largestFileOctets}`);
    else {
      const content = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
      if (!content.includes('\0')) return content;
      sheet.problem(path, content.slice(0, content.indexOf('\0')).split('\n').length, 'a NUL octet in a text file', 'plain text');
    }
  } catch (error) {
    const coded = codeOf(error);
    if (coded === 'ERR_ENCODING_INVALID_ENCODED_DATA') sheet.problem(path, undefined, 'not UTF-8 text', 'plain text in UTF-8');
    else sheet.problem(path, undefined, `cannot be read (${coded})`, 'a file that this account may read');
  }
  return undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

function byCode(left: string, right: string): number {
  return left < right ? -1 : 1;
}

function shifted<T>(parsed: Parsed<T>, line: number): Parsed<T> {
  if (parsed.kind === 'read') return parsed;
  return { kind: 'wrong', problems: parsed.problems.map((found) => ({ ...found, line: found.line + line - 1 })) };
}
