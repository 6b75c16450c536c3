/**
 * The language of `aliases`: `name: member, member`, going on in lines that begin with a blank. A name is `user`,
 * `user@domain` or `@domain`; a member is an address, `:include:/file`, `/path` of a mailbox, or `|command`.
 * In quotes a comma is part of the member, as sendmail has it; an unquoted command goes to the end of its line.
 */
import { read, settle, shown, type Parsed, type Problem } from '../config/parsed.ts';

export type AliasMember =
  | { readonly kind: 'address'; readonly text: string }
  | { readonly kind: 'include'; readonly path: string }
  /** What a .courier line would say: `/path` or `|command`. */
  | { readonly kind: 'instruction'; readonly text: string };

export interface AliasLine {
  readonly line: number;
  /** As written; `@domain` is every address of that domain. */
  readonly name: string;
  readonly members: readonly AliasMember[];
}

const EXAMPLE = 'sales: ann, bob@example.com';
/** Of one line. */
const MOST_PROBLEMS = 20;
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

export function parseAliases(text: string): Parsed<readonly AliasLine[]> {
  const problems: Problem[] = [];
  const lines: { line: number; name: string; members: AliasMember[] }[] = [];
  let open: (typeof lines)[number] | undefined;
  for (const [index, whole] of splitLines(text).entries()) {
    const line = index + 1;
    if (whole.trim() === '' || whole.trimStart().startsWith('#')) continue;
    let members = whole;
    if (/^[ \t]/.test(whole)) {
      if (open === undefined) problems.push({ line, what: 'this line goes on from nothing', right: EXAMPLE });
    } else {
      const colon = endOfName(whole);
      const name = whole.slice(0, Math.max(0, colon)).trim();
      if (colon < 0 || name === '') {
        problems.push({ line, what: `${shown(whole)} has no name and colon`, right: EXAMPLE });
        open = undefined;
        continue;
      }
      open = { line, name, members: [] };
      lines.push(open);
      members = whole.slice(colon + 1);
    }
    const found = parseMembers(members, line);
    if (found.kind === 'wrong') problems.push(...found.problems.slice(0, MOST_PROBLEMS));
    else for (const member of found.value) open?.members.push(member);
  }
  for (const { line, name, members } of lines) {
    if (members.length === 0) problems.push({ line, what: `${shown(name)} has no members`, right: EXAMPLE });
  }
  return settle(lines, problems);
}

/** An included file: members, one a line or with commas between them. */
export function parseMemberList(text: string): Parsed<readonly AliasMember[]> {
  const problems: Problem[] = [];
  const members: AliasMember[] = [];
  for (const [index, whole] of splitLines(text).entries()) {
    if (whole.trimStart().startsWith('#')) continue;
    const found = parseMembers(whole, index + 1);
    if (found.kind === 'wrong') problems.push(...found.problems.slice(0, MOST_PROBLEMS));
    else for (const member of found.value) members.push(member);
  }
  return settle(members, problems);
}

function splitLines(text: string): readonly string[] {
  return text.split(/\r?\n/);
}

/** The colon behind the name; colons in quotes, and in an address literal, are the name's own. */
function endOfName(line: string): number {
  let quoted = false;
  let bracket = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === '[' || char === ']') bracket = char === '[';
    else if (char === ':' && !quoted && !bracket) return at;
  }
  return -1;
}

function parseMembers(text: string, line: number): Parsed<readonly AliasMember[]> {
  const problems: Problem[] = [];
  const members: AliasMember[] = [];
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const blank = /^[\s,]+/.exec(rest);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    const item = rest.startsWith('|') ? rest : nextItem(rest);
    at += item.length;
    const member = parseMember(item.trim());
    if (typeof member === 'string') problems.push({ line, what: member, right: EXAMPLE });
    else members.push(member);
  }
  return problems.length === 0 ? read(members) : { kind: 'wrong', problems };
}

/** Up to a comma that no quotes hold. */
function nextItem(text: string): string {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === ',' && !quoted) return text.slice(0, at);
  }
  return text;
}

/** The member, or what is wrong with it. */
function parseMember(item: string): AliasMember | string {
  if (CONTROL.test(item)) return 'a control character in a member';
  // sendmail: "|command, with comma" and "/path with blank" stand wholly in quotes.
  const plain = /^"([|/:].*)"$/.exec(item)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? item;
  const include = /^:include:\s*(.*)$/i.exec(plain)?.[1];
  if (include !== undefined) return include.startsWith('/') ? { kind: 'include', path: include } : `${shown(item)} does not name a file from the root on`;
  if (plain.startsWith('|')) return plain.slice(1).trim() === '' ? 'a | without a command' : { kind: 'instruction', text: `|${plain.slice(1).trim()}` };
  if (plain.startsWith('/')) return { kind: 'instruction', text: plain };
  const address = (/<([^<>]*)>\s*$/.exec(plain)?.[1] ?? plain).trim().replace(/^\\(?=[^\\])/, '');
  return address === '' || (!address.includes('"') && /\s/.test(address)) ? `${shown(item)} is no address` : { kind: 'address', text: address };
}
