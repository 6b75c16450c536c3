/**
 * Most patterns of recipes are simple enough that a backtracking engine cannot run away with them. How many ways such a
 * pattern has through a text of n characters is c·n^d, found here from the tree; while that is small, the pattern
 * runs as a regular expression of the language, else on our machine.
 */
import { exactWidth, leastWidth, type CharacterSet, type Node } from './tree.ts';

export interface Native {
  readonly expression: RegExp;
  /** Whether all ways through a text of this length are few enough. */
  affords(characters: number): boolean;
}

interface Ways {
  readonly count: number;
  readonly degree: number;
}

const ONE: Ways = { count: 1, degree: 0 };
const MOST_WAYS = 4_000_000;
const MOST_SOURCE = 4000;

/** Null: the machine's. */
export function createNative(tree: Node): Native | null {
  const ways = waysOf(tree);
  const caseless = caselessOf(tree);
  if (ways === null || caseless === 'both') return null;
  const source = write(tree);
  if (source.length > MOST_SOURCE) return null;
  // The first way to the very end is the last one tried.
  const degree = ways.degree + (startsAtStart(tree) ? 0 : 1) - (endsOpen(tree) ? 1 : 0);
  return {
    expression: new RegExp(source, caseless === 'yes' ? 'giu' : 'gu'),
    affords: characters => ways.count * (characters + 1) ** degree <= MOST_WAYS,
  };
}

function waysOf(node: Node): Ways | null {
  switch (node.kind) {
    case 'set':
    case 'at':
      return ONE;
    case 'sequence': {
      let all = ONE;
      for (const item of node.items) {
        const ways = waysOf(item);
        if (ways === null) return null;
        all = { count: all.count * ways.count, degree: all.degree + ways.degree };
      }
      return all;
    }
    case 'choice': {
      let all: Ways = { count: 0, degree: 0 };
      for (const item of node.items) {
        const ways = waysOf(item);
        if (ways === null) return null;
        all = { count: all.count + ways.count, degree: Math.max(all.degree, ways.degree) };
      }
      return all;
    }
    case 'group':
      return waysOf(node.item);
    case 'repeat': {
      const ways = waysOf(node.item);
      // The language's engine does not count a turn that takes nothing; Perl's does.
      if (ways === null || node.greed === 'possessive' || leastWidth(node.item) === 0) return null;
      if (node.most <= 1) return { count: ways.count + 1, degree: ways.degree };
      // What is repeated must be one way through, of one width; a group's last turn must be the one that counts.
      const inner = node.item.kind === 'group' ? node.item.item : node.item;
      const width = exactWidth(node.item);
      if (ways !== ONE && (ways.count !== 1 || ways.degree !== 0)) return null;
      if (width === null || width === 0 || hasCapture(inner)) return null;
      return node.most === Infinity ? { count: 1, degree: 1 } : { count: node.most - node.least + 1, degree: 0 };
    }
    case 'look':
    case 'atomic':
    case 'back':
      return null;
    default:
      return node satisfies never;
  }
}

function hasCapture(node: Node): boolean {
  if (node.kind === 'group') return node.number !== undefined || hasCapture(node.item);
  if (node.kind === 'sequence' || node.kind === 'choice') return node.items.some(hasCapture);
  return node.kind === 'repeat' || node.kind === 'look' || node.kind === 'atomic' ? hasCapture(node.item) : false;
}

/** One switch holds for a whole expression; sets without letters do not care. */
function caselessOf(node: Node): 'yes' | 'no' | 'either' | 'both' {
  if (node.kind === 'set') return caresForCase(node.set) ? (node.set.caseless ? 'yes' : 'no') : 'either';
  const items = node.kind === 'sequence' || node.kind === 'choice' ? node.items : 'item' in node ? [node.item] : [];
  const found = new Set(items.map(caselessOf).filter(one => one !== 'either'));
  return found.size === 0 ? 'either' : found.size === 1 ? [...found][0]! : 'both';
}

function caresForCase({ ranges, properties }: CharacterSet): boolean {
  const letter = (low: number, high: number): boolean => high > 0x7f || (low <= 0x7a && high >= 0x41);
  return properties.length > 0 || ranges.some(([low, high]) => letter(low, high) && !(low <= 10 && high >= 0x10ffff) && high - low < 0x10000);
}

function startsAtStart(node: Node): boolean {
  if (node.kind === 'at') return node.place === 'start';
  if (node.kind === 'sequence') return node.items[0] !== undefined && startsAtStart(node.items[0]);
  if (node.kind === 'choice') return node.items.every(startsAtStart);
  return node.kind === 'group' && startsAtStart(node.item);
}

/** A `.*` or `(.*)` at the end. */
function endsOpen(node: Node): boolean {
  if (node.kind === 'sequence') return node.items.length > 0 && endsOpen(node.items.at(-1)!);
  if (node.kind === 'group') return endsOpen(node.item);
  return node.kind === 'repeat' && node.most === Infinity && node.item.kind === 'set';
}

function write(node: Node): string {
  switch (node.kind) {
    case 'set':
      return writeSet(node.set);
    case 'sequence':
      return node.items.map(item => (item.kind === 'choice' ? `(?:${write(item)})` : write(item))).join('');
    case 'choice':
      return node.items.map(write).join('|');
    case 'group':
      return `(${node.number === undefined ? '?:' : ''}${write(node.item)})`;
    case 'repeat': {
      const count = node.most === Infinity ? `{${node.least},}` : `{${node.least},${node.most}}`;
      return `${node.item.kind === 'set' || node.item.kind === 'group' ? write(node.item) : `(?:${write(node.item)})`}${count}${node.greed === 'lazy' ? '?' : ''}`;
    }
    case 'at':
      return { start: '^', end: '(?=\\n?$)', 'very-end': '$', 'line-start': '(?<=^|\\n)', 'line-end': '(?=$|\\n)', boundary: '(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))', 'no-boundary': '(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))' }[node.place];
    case 'look':
    case 'atomic':
    case 'back':
      throw new Error(`${node.kind} has no number of ways`);
    default:
      return node satisfies never;
  }
}

function writeSet({ ranges, properties, negated }: CharacterSet): string {
  const hex = (code: number): string => (code >= 0x20 && code < 0x7f && /[\w @%&,;:"'<>=!~`#]/.test(String.fromCharCode(code)) ? String.fromCharCode(code) : `\\u{${code.toString(16)}}`);
  const [only] = ranges;
  if (!negated && properties.length === 0 && ranges.length === 1 && only !== undefined && only[0] === only[1]) return hex(only[0]);
  const inside = ranges.map(([low, high]) => (low === high ? hex(low) : `${hex(low)}-${hex(high)}`)).join('')
    + properties.map(name => (name.startsWith('^') ? `\\P{${name.slice(1)}}` : `\\p{${name}}`)).join('');
  return `[${negated ? '^' : ''}${inside}]`;
}
