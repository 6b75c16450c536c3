/** The environment files: which variables each may set, what they say, and where they said it. */
import { parseSwitch, parseWholeNumber } from '../grammar/config/control-file.ts';
import { parseEnvironment } from '../grammar/config/environment.ts';
import { nearestName } from '../grammar/config/nearest-name.ts';
import type { Parsed } from '../grammar/config/parsed.ts';
import type { Sheet } from './sheet.ts';

export interface Vocabulary {
  readonly used: readonly string[];
  /** Known, and without effect here; docs/configuration.md says why. */
  readonly idle: readonly string[];
}

export interface Environment {
  /** The files it was read from; the last one wins. */
  readonly files: readonly string[];
  get(name: string): string | undefined;
  /** The file that set it. */
  source(name: string): string | undefined;
  text(name: string, fallback: string): string;
  flag(name: string, fallback: boolean): boolean;
  number(name: string, fallback: number, low: number, high: number): number;
  parsed<T>(name: string, fallback: T, parse: (text: string) => Parsed<T>): T;
  problem(name: string, what: string, right: string): void;
}

interface Place {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

/** What a shell file may hold beside its settings: where things were installed, and the shell's own. */
const everywhere = [
  'PATH', 'SHELL', 'LANG', 'LC_ALL', 'TZ', 'prefix', 'exec_prefix', 'bindir', 'sbindir', 'libexecdir', 'sysconfdir', 'datadir', 'datarootdir',
  'localstatedir', 'mandir', 'LOGGEROPTS', 'ULIMIT', 'SYSLOGNAME',
];

/** Reads the files one over the other, as `esmtpd` and then `esmtpd-msa`. Absent files say nothing. */
export function readEnvironment(sheet: Sheet, files: readonly string[], vocabulary: Vocabulary): Environment {
  const places = new Map<string, Place>();
  for (const file of files) {
    const known = new Map([...places].map(([name, { value }]) => [name, value]));
    for (const { line, name, value } of sheet.list(file, (text) => parseEnvironment(text, known)) ?? []) places.set(name, { value, file, line });
  }
  return { files, ...accessors(sheet, places, vocabulary) };
}

/** Complains about names nobody knows, and says which known ones do nothing. Once a file. */
export function reviewEnvironment(sheet: Sheet, file: string, vocabulary: Vocabulary, known: ReadonlyMap<string, string> = new Map()): void {
  const text = sheet.text(file);
  const parsed = text === undefined ? undefined : parseEnvironment(text, known);
  if (parsed?.kind !== 'read') return; // its problems were noted where it was read
  const silent: string[] = [];
  for (const { line, name, value } of parsed.value) {
    if (vocabulary.used.includes(name) || everywhere.includes(name)) continue;
    if (vocabulary.idle.includes(name) || /^AUTHSERVICE\d+$/.test(name)) {
      if (value !== '') silent.push(name);
    } else if (name === 'RELAYCLIENT' || name === 'FAXRELAYCLIENT') {
      sheet.problem(sheet.path(file), line, `${name} here would make an open relay of this listener`, `${name} in smtpaccess/, for the networks that may relay`);
    } else {
      const near = nearestName(name, [...vocabulary.used, ...vocabulary.idle]);
      sheet.problem(sheet.path(file), line, `unknown variable ${name}`, near === undefined ? 'see docs/configuration.md for what this file may set' : `${near}=${value}`);
    }
  }
  if (silent.length > 0) sheet.notice(sheet.path(file), `without effect here: ${[...new Set(silent)].join(', ')}; docs/configuration.md says why`);
}

function accessors(sheet: Sheet, places: ReadonlyMap<string, Place>, vocabulary: Vocabulary): Omit<Environment, 'files'> {
  function get(name: string): string | undefined {
    if (!vocabulary.used.includes(name)) throw new Error(`${name} is read but not in the vocabulary`);
    return places.get(name)?.value;
  }
  function problem(name: string, what: string, right: string): void {
    const place = places.get(name);
    sheet.problem(sheet.path(place?.file ?? ''), place?.line, what, right);
  }
  function parsed<T>(name: string, fallback: T, parse: (text: string) => Parsed<T>): T {
    const value = get(name);
    if (value === undefined) return fallback;
    const result = parse(value);
    if (result.kind === 'read') return result.value;
    for (const { what, right } of result.problems) problem(name, `${name}: ${what}`, right);
    return fallback;
  }
  return {
    get,
    problem,
    parsed,
    source: (name) => places.get(name)?.file,
    text: (name, fallback) => get(name) ?? fallback,
    flag: (name, fallback) => parsed(name, fallback, (text) => parseSwitch(text, `${name}=1`)),
    number: (name, fallback, low, high) => parsed(name, fallback, (text) => parseWholeNumber(text, low, high, `${name}=${fallback}`)),
  };
}
