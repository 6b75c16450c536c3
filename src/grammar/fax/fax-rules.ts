/**
 * `faxrc`: which numbers may be dialled from where, and how they are dialled. Courier's language, to the letter:
 *
 *   rw[^][*] SEARCH [REPLACE]     rewrites; `^` matches a prefix, `*` repeats while it matches
 *   accept[^] SEARCH SOURCE       good for mail from that source; goes on
 *   reject[^] SEARCH SOURCE       refused at once
 *
 * `#` begins a comment anywhere. What no line has accepted is refused.
 */
import { splitLines } from '../config/control-file.ts';
import { nearestName } from '../config/nearest-name.ts';
import { settle, shown, type Parsed, type Problem } from '../config/parsed.ts';
import { NUMBER_CHARACTERS } from './fax-address.ts';
import { parseNumberPattern, parseReplacement, type NumberPattern } from './number-pattern.ts';

/** Courier's names for ways in. */
export const faxSources = ['local', 'esmtp', 'uucp', 'dsn'] as const;
export type FaxSource = (typeof faxSources)[number];

export type FaxRule = { readonly line: number; readonly text: string; readonly pattern: NumberPattern } & (
  | { readonly kind: 'rewrite'; readonly repeats: boolean; readonly replace: (groups: readonly string[]) => string }
  | { readonly kind: 'accept' | 'reject'; readonly source: FaxSource }
);

export interface FaxStep {
  readonly line: number;
  readonly text: string;
  readonly what: 'rewritten' | 'accepted' | 'refused' | 'other-source' | 'no-match';
  /** The number behind this line. */
  readonly number: string;
}

export type Dialling = { readonly steps: readonly FaxStep[] } & (
  | { readonly kind: 'dial'; readonly number: string }
  | { readonly kind: 'refused'; readonly why: string }
);

/** courierfax stops a `*` after about as many. */
const ROUNDS = 90;
const EXAMPLE = 'rw (nnnnnnn) 999$1, or accept 2nnnnnnnnn local';

export function parseFaxRules(text: string): Parsed<readonly FaxRule[]> {
  const problems: Problem[] = [];
  const rules: FaxRule[] = [];
  for (const [index, whole] of splitLines(text).entries()) {
    const line = index + 1;
    const entry = whole.replace(/#.*$/, '').trim();
    if (entry === '') continue;
    const rule = parseRule(entry, line, problems);
    if (rule !== null) rules.push(rule);
  }
  return settle(rules, problems);
}

function parseRule(entry: string, line: number, problems: Problem[]): FaxRule | null {
  const say = (what: string, right = EXAMPLE): null => {
    problems.push({ line, what, right });
    return null;
  };
  const keep = <T>(parsed: Parsed<T>): T | null => {
    if (parsed.kind === 'read') return parsed.value;
    for (const { what, right } of parsed.problems) problems.push({ line, what, right });
    return null;
  };
  const [word = '', search = '', last = '', more] = entry.split(/\s+/);
  const [, kind = '', flags = ''] = /^(rw|accept|reject)([\^*]*)$/.exec(word) ?? [];
  if (kind === '') return say(`${shown(word)} is not rw, accept or reject`);
  if (new Set(flags).size !== flags.length || (kind !== 'rw' && flags.includes('*'))) return say(`${shown(word)} has flags that ${kind} does not take`, kind === 'rw' ? 'rw^*' : `${kind}^`);
  if (search === '') return say(`${shown(entry)} says nothing to search for`);
  if (more !== undefined) return say(`${shown(more)} is one word too many`);
  const pattern = keep(parseNumberPattern(search, { prefix: flags.includes('^') }));
  const shared = { line, text: entry.split(/\s+/).join(' ') };
  if (kind === 'rw') {
    const replace = keep(parseReplacement(last));
    return pattern === null || replace === null ? null : { ...shared, kind: 'rewrite', pattern, repeats: flags.includes('*'), replace };
  }
  const source = faxSources.find(one => one === last);
  if (source === undefined) return say(`${shown(last)} is not a source of mail`, nearestName(last, [...faxSources]) ?? faxSources.join(', '));
  return pattern === null ? null : { ...shared, kind: kind === 'accept' ? 'accept' : 'reject', pattern, source };
}

/**
 * From the number as parseFaxNumber gives it to what is dialled. `source` null: the number was accepted when the
 * message came, and is only rewritten now.
 */
export function applyFaxRules(rules: readonly FaxRule[], given: string, source: FaxSource | null): Dialling {
  const steps: FaxStep[] = [];
  let number = given;
  let accepted = source === null;
  for (const rule of rules) {
    const groups = rule.pattern.match(number);
    const step = (what: FaxStep['what']): void => void steps.push({ line: rule.line, text: rule.text, what, number });
    if (groups === null) {
      step('no-match');
    } else if (rule.kind === 'rewrite') {
      number = rewrite(rule, groups);
      step('rewritten');
      if (number.length > NUMBER_CHARACTERS) return { kind: 'refused', why: `line ${rule.line} makes a number of more than ${NUMBER_CHARACTERS} characters`, steps };
    } else if (rule.source !== source) {
      step('other-source');
    } else if (rule.kind === 'reject') {
      step('refused');
      return { kind: 'refused', why: `line ${rule.line} rejects it`, steps };
    } else {
      accepted = true;
      step('accepted');
    }
  }
  if (!accepted) return { kind: 'refused', why: `no line accepts it from ${source ?? 'anywhere'}`, steps };
  const dialled = number.replaceAll('~', '#').toUpperCase();
  // A `;` or a line end would be the modem's next command: only what dials may pass, whatever made it.
  if (!isDialString(dialled)) return { kind: 'refused', why: dialled === '' ? 'nothing is left of it' : `${shown(dialled)} cannot be dialled`, steps };
  return { kind: 'dial', number: dialled, steps };
}

/** What may reach a modem's dial command. */
export function isDialString(text: string): boolean {
  return text.length <= NUMBER_CHARACTERS && /^[0-9A-D*#,W@!TP]*[0-9A-D*#][0-9A-D*#,W@!TP]*$/.test(text);
}

function rewrite(rule: Extract<FaxRule, { kind: 'rewrite' }>, first: readonly string[]): string {
  let now = rule.replace(first);
  for (let round = 1; rule.repeats && round < ROUNDS && now.length <= NUMBER_CHARACTERS; round++) {
    const groups = rule.pattern.match(now);
    if (groups === null) break;
    now = rule.replace(groups);
  }
  return now;
}

/** `faxblocked`: numbers as dialled that are never called; SEARCH, or ^SEARCH for a prefix, one a line. */
export function parseBlockedNumbers(text: string): Parsed<readonly NumberPattern[]> {
  const problems: Problem[] = [];
  const patterns: NumberPattern[] = [];
  for (const [index, whole] of splitLines(text).entries()) {
    const entry = whole.replace(/#.*$/, '').trim();
    if (entry === '') continue;
    const prefix = entry.startsWith('^');
    const parsed = parseNumberPattern(entry.slice(prefix ? 1 : 0).trim(), { prefix });
    if (parsed.kind === 'read') patterns.push(parsed.value);
    else for (const { what, right } of parsed.problems) problems.push({ line: index + 1, what, right });
  }
  return settle(patterns, problems);
}

export function isBlocked(patterns: readonly NumberPattern[], dialled: string): boolean {
  const number = dialled.replaceAll('#', '~');
  return patterns.some(pattern => pattern.match(number) !== null);
}
