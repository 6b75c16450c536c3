/**
 * BLACKLISTS and DROP, as Courier's listener takes them: `-block=ZONE[=DISPLAY][,VAR[/n.n.n.n][,MSG]]`,
 * `-allow=ZONE[=DISPLAY][,VAR[/n.n.n.n[,]]]`, `-drop[=VAR,…]`. Quotes keep blanks and commas together.
 */
import { isDomain, foldDomain } from '../domain-list.ts';
import { parseIpAddress } from '../network.ts';
import { read, settle, shown, wrong, type Parsed, type Problem } from '../parsed.ts';

export interface DnsList {
  readonly kind: 'block' | 'allow';
  readonly zone: string;
  /** How the zone is called where strangers read it. */
  readonly display: string;
  readonly variable: string;
  /** Only this answer counts; null: any. */
  readonly only: string | null;
  /** `txt`: what the list itself says. Null: the usual text. */
  readonly message: { readonly kind: 'text'; readonly text: string } | { readonly kind: 'txt' } | null;
}

export interface DnsLists {
  /** In the order in which they decide. */
  readonly lists: readonly DnsList[];
  /** Variables whose hit ends it at once. */
  readonly drop: readonly string[];
}

export const noDnsLists: DnsLists = { lists: [], drop: [] };

const example = '-block=zen.example.org,BLOCK';
/** Each is a question for each connection. */
const MOST_LISTS = 32;

export function parseDnsLists(text: string): Parsed<DnsLists> {
  const words = splitWords(text);
  if (words === null) return wrong('a quote is not closed', `${example},"Blocked, see example.org"`);
  const problems: Problem[] = [];
  const lists: DnsList[] = [];
  const drop: string[] = [];
  for (const word of words) {
    const [, option = '', value] = /^--?(\w+)(?:=(.*))?$/s.exec(word) ?? [];
    if (option === 'drop') {
      const variables = value === undefined ? ['BLOCK'] : value.split(',').filter(one => one !== '');
      const bad = variables.find(one => !isVariable(one));
      if (bad === undefined) drop.push(...variables);
      else problems.push({ line: 1, what: `${shown(bad)} is not a variable`, right: '-drop=BLOCK' });
      continue;
    }
    const list = (option === 'block' || option === 'allow') && value !== undefined ? parseList(option, value) : wrong(`${shown(word)} is neither -block=ZONE, -allow=ZONE nor -drop`, example);
    if (list.kind === 'read') lists.push(list.value);
    else problems.push(...list.problems);
  }
  if (lists.length > MOST_LISTS) return wrong(`${lists.length} lists; each is asked about each client`, `at most ${MOST_LISTS}`);
  return settle({ lists, drop }, problems);
}

function parseList(kind: 'block' | 'allow', value: string): Parsed<DnsList> {
  const [names = '', place = '', ...rest] = splitAt(value, ',');
  const [given = '', display = given] = splitAt(names, '=');
  const zone = foldDomain(given);
  if (!isDomain(zone) || !zone.includes('.')) return wrong(`${shown(given)} is not a zone`, example);
  const [variable = '', only] = place === '' ? ['BLOCK'] : place.split('/', 2);
  if (!isVariable(variable === '' ? 'BLOCK' : variable)) return wrong(`${shown(variable)} is not a variable`, example);
  if (only !== undefined && parseIpAddress(only)?.family !== 4) return wrong(`${shown(only)} is not an address that a list answers`, '-block=zen.example.org,BLOCK/127.0.0.2');
  // Of -allow, a third part asks for the list's text, whatever it holds.
  const message = rest.length === 0 ? null : kind === 'allow' || rest.join(',') === '*' ? { kind: 'txt' as const } : { kind: 'text' as const, text: rest.join(',') };
  return read({ kind, zone, display, variable: variable === '' ? 'BLOCK' : variable, only: only ?? null, message });
}

function isVariable(name: string): boolean {
  return /^[A-Z_][A-Z0-9_]*$/.test(name);
}

/** Where a letter parts, outside quotes; the quotes go. */
function splitAt(text: string, letter: string): string[] {
  const parts = [''];
  let quote = '';
  for (const char of text) {
    if (quote !== '' && char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (quote === '' && char === letter) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

/** Quotes stay, for the parts of a word. */
function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (const char of text) {
    if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    word += char;
  }
  if (word !== '') words.push(word);
  return quote === '' ? words : null;
}
