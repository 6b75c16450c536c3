/** Perl's pattern syntax to a tree, or what is wrong with it. Recursion, conditions and verbs are refused by name. */
import { classes, complementOf, exactWidth, single, type CharacterSet, type Node } from './tree.ts';

export type ParsedPattern =
  | { readonly kind: 'pattern'; readonly tree: Node; readonly groups: number; readonly hasBack: boolean }
  | { readonly kind: 'wrong'; readonly at: number; readonly what: string };

class Wrong extends Error {
  readonly at: number;
  constructor(at: number, what: string) {
    super(what);
    this.at = at;
  }
}

const DEEPEST = 100;
const MOST_REPEATS = 65_535; // PCRE's own
const ESCAPED: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };
const QUANTIFIER = /[*+?]|\{(\d*)(,?)(\d*)\}/y;

interface Switches {
  readonly caseless: boolean;
  readonly dotAll: boolean;
  readonly lines: boolean;
  readonly lazy: boolean;
}

export function parsePattern(text: string, caseSensitive: boolean): ParsedPattern {
  try {
    return new Parser(text, { caseless: !caseSensitive, dotAll: false, lines: false, lazy: false }).parse();
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { kind: 'wrong', at: error.at, what: error.message };
  }
}

class Parser {
  readonly #text: string;
  #switches: Switches;
  #at = 0;
  #groups = 0;
  #depth = 0;
  #highestBack = 0;

  constructor(text: string, switches: Switches) {
    this.#text = text;
    this.#switches = switches;
  }

  parse(): ParsedPattern {
    const tree = this.#choice();
    if (this.#at < this.#text.length) throw new Wrong(this.#at, 'a ) without its (');
    if (this.#highestBack > this.#groups) throw new Wrong(this.#at, `there is no group ${this.#highestBack}`);
    return { kind: 'pattern', tree, groups: this.#groups, hasBack: this.#highestBack > 0 };
  }

  #choice(): Node {
    if (++this.#depth > DEEPEST) throw new Wrong(this.#at, `more than ${DEEPEST} groups within each other`);
    const before = this.#switches;
    const items = [this.#sequence()];
    while (this.#text[this.#at] === '|') {
      this.#at++;
      items.push(this.#sequence());
    }
    this.#switches = before;
    this.#depth--;
    return items.length === 1 ? items[0]! : { kind: 'choice', items };
  }

  #sequence(): Node {
    const items: Node[] = [];
    while (this.#at < this.#text.length && this.#text[this.#at] !== '|' && this.#text[this.#at] !== ')') {
      if (this.#text.startsWith('\\Q', this.#at)) {
        const end = this.#text.indexOf('\\E', this.#at + 2);
        const quoted = this.#text.slice(this.#at + 2, end < 0 ? undefined : end);
        this.#at = end < 0 ? this.#text.length : end + 2;
        const characters = Array.from(quoted, one => this.#character(one.codePointAt(0)!));
        const last = characters.pop();
        items.push(...characters);
        if (last !== undefined) items.push(this.#repeated(last));
        continue;
      }
      const item = this.#item();
      if (item !== null) items.push(this.#repeated(item));
    }
    return items.length === 1 ? items[0]! : { kind: 'sequence', items };
  }

  #repeated(item: Node): Node {
    for (let repeated = item; ;) {
      QUANTIFIER.lastIndex = this.#at;
      const found = QUANTIFIER.exec(this.#text);
      if (found === null || found[0] === '{}' || (found[0].startsWith('{') && found[1] === '')) return repeated;
      if (repeated !== item || item.kind === 'at') throw new Wrong(this.#at, 'nothing to repeat');
      this.#at += found[0].length;
      const [least, most] = bounds(found);
      if (least > MOST_REPEATS || (most > MOST_REPEATS && most !== Infinity)) throw new Wrong(this.#at, `more than ${MOST_REPEATS} repetitions`);
      if (most < least) throw new Wrong(this.#at, 'the upper bound is below the lower');
      const mark = this.#text[this.#at];
      if (mark === '?' || mark === '+') this.#at++;
      const greed = mark === '+' ? 'possessive' : (mark === '?') !== this.#switches.lazy ? 'lazy' : 'greedy';
      repeated = { kind: 'repeat', item, least, most, greed };
      if (item.kind === 'look') repeated = { kind: 'repeat', item, least: Math.min(least, 1), most: Math.min(most, 1), greed };
    }
  }

  /** Null for what matches nothing by itself: a comment, a switch. */
  #item(): Node | null {
    const start = this.#at;
    const code = this.#text.codePointAt(start)!;
    const next = String.fromCodePoint(code);
    this.#at += next.length;
    switch (next) {
      case '(':
        return this.#group(start);
      case '[':
        return { kind: 'set', set: this.#class(start) };
      case '.':
        return { kind: 'set', set: { ranges: this.#switches.dotAll ? [[0, 0x10ffff]] : classes['N']!, properties: [], negated: false, caseless: false } };
      case '^':
        return { kind: 'at', place: this.#switches.lines ? 'line-start' : 'start' };
      case '$':
        return { kind: 'at', place: this.#switches.lines ? 'line-end' : 'end' };
      case '*':
      case '+':
      case '?':
        throw new Wrong(start, 'nothing to repeat');
      case '\\':
        return this.#escape(start);
      default:
        return this.#character(code);
    }
  }

  #character(code: number): Node {
    return { kind: 'set', set: single(code, this.#switches.caseless) };
  }

  #group(start: number): Node | null {
    if (this.#text[this.#at] === '*') throw new Wrong(start, 'verbs (*…) are not known here');
    if (this.#text[this.#at] !== '?') {
      const number = ++this.#groups;
      return this.#close(start, { kind: 'group', number, item: this.#choice() });
    }
    const found = /^\?(?:(#[^)]*\))|([:=!>]|<[=!])|(?:P?<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')|([imsUx-]+)([:)]))/.exec(this.#text.slice(this.#at));
    if (found === null) throw new Wrong(start, 'this kind of group is not known here');
    this.#at += found[0].length;
    const [, comment, kind, name, quotedName, switches, behind] = found;
    if (comment !== undefined) return null;
    if (name !== undefined || quotedName !== undefined) {
      const number = ++this.#groups;
      return this.#close(start, { kind: 'group', number, item: this.#choice() });
    }
    if (switches !== undefined) {
      const before = this.#switches;
      this.#switches = switched(before, switches, start);
      // (?i) alone holds to the end of the group around it; #choice() takes it back there.
      if (behind === ')') return null;
      const node = this.#close(start, { kind: 'group', item: this.#choice() });
      this.#switches = before;
      return node;
    }
    const item = this.#choice();
    if (kind === ':') return this.#close(start, { kind: 'group', item });
    if (kind === '>') return this.#close(start, { kind: 'atomic', item });
    const looksBehind = kind === '<=' || kind === '<!';
    if (looksBehind && widthsOf(item) === null) throw new Wrong(start, 'what is looked for behind has no fixed width');
    return this.#close(start, { kind: 'look', behind: looksBehind, negative: kind === '!' || kind === '<!', item });
  }

  #close(start: number, node: Node): Node {
    if (this.#text[this.#at] !== ')') throw new Wrong(start, 'this ( has no )');
    this.#at++;
    return node;
  }

  #escape(start: number): Node | null {
    const next = this.#text[this.#at];
    if (next === undefined) throw new Wrong(start, 'a \\ at the very end');
    if (next === 'E') {
      this.#at++;
      return null;
    }
    const digits = /^[1-9]\d?/.exec(this.#text.slice(this.#at))?.[0];
    const named = /^g(?:(\d+)|\{(\d+)\})/.exec(this.#text.slice(this.#at));
    if (digits !== undefined || named !== null) {
      const number = Number(digits ?? named![1] ?? named![2]);
      this.#at += digits?.length ?? named![0].length;
      this.#highestBack = Math.max(this.#highestBack, number);
      return { kind: 'back', number, caseless: this.#switches.caseless };
    }
    const place = ({ b: 'boundary', B: 'no-boundary', A: 'start', Z: 'end', z: 'very-end' } as const)[next];
    if (place !== undefined) {
      this.#at++;
      return { kind: 'at', place };
    }
    if (next === 'R') {
      this.#at++;
      const set = (ranges: CharacterSet['ranges']): Node => ({ kind: 'set', set: { ranges, properties: [], negated: false, caseless: false } });
      return { kind: 'atomic', item: { kind: 'choice', items: [{ kind: 'sequence', items: [set([[13, 13]]), set([[10, 10]])] }, set(classes['v']!)] } };
    }
    const ranges = this.#escapedSet();
    if (ranges !== null) return { kind: 'set', set: ranges };
    return this.#character(this.#escapedCode(start));
  }

  /** `\d`, `\W`, `\p{L}` and their like; null when it is none of them. */
  #escapedSet(): CharacterSet | null {
    const next = this.#text[this.#at] ?? '';
    const found = /^([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/.exec(this.#text.slice(this.#at));
    if (found !== null) {
      const name = found[3] ?? found[4]!;
      this.#at += found[0].length;
      return { ranges: [], properties: [knownProperty(name, this.#at)], negated: (found[1] === 'P') !== (found[2] === '^'), caseless: false };
    }
    const small = next.toLowerCase();
    if (next === 'N' || 'dwshv'.includes(small) && small !== '') {
      this.#at++;
      return { ranges: next === 'N' ? classes['N']! : next === small ? classes[small]! : complementOf(classes[small]!), properties: [], negated: false, caseless: false };
    }
    return null;
  }

  #escapedCode(start: number): number {
    const rest = this.#text.slice(this.#at);
    const found = /^(?:x\{([0-9A-Fa-f]{1,6})\}|x([0-9A-Fa-f]{0,2})|o\{([0-7]{1,7})\}|(0[0-7]{0,2})|c([\x20-\x7e]))/.exec(rest);
    if (found !== null) {
      this.#at += found[0].length;
      const [, braced, hex, octal, zero, control] = found;
      const code = control === undefined ? (braced ?? hex) === undefined ? Number.parseInt(octal ?? zero ?? '0', 8) : Number.parseInt((braced ?? hex) || '0', 16) : control.toUpperCase().charCodeAt(0) ^ 64;
      if (code > 0x10ffff) throw new Wrong(start, 'there is no such character');
      return code;
    }
    const code = this.#text.codePointAt(this.#at)!;
    const next = String.fromCodePoint(code);
    this.#at += next.length;
    if (Object.hasOwn(ESCAPED, next)) return ESCAPED[next]!;
    if (/[A-Za-z0-9]/.test(next)) throw new Wrong(start, `\\${next} is not known here`);
    return code;
  }

  #class(start: number): CharacterSet {
    const ranges: (readonly [number, number])[] = [];
    const properties: string[] = [];
    const negated = this.#text[this.#at] === '^';
    if (negated) this.#at++;
    for (let first = true; ; first = false) {
      const next = this.#text[this.#at];
      if (next === undefined) throw new Wrong(start, 'this [ has no ]');
      if (next === ']' && !first) break;
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#text.slice(this.#at));
      if (posix !== null) {
        const known = Object.hasOwn(classes, posix[2]!) && posix[2]!.length > 1 ? classes[posix[2]!] : undefined;
        if (known === undefined) throw new Wrong(this.#at, `[:${posix[2]}:] is not known here`);
        ranges.push(...(posix[1] === '' ? known : complementOf(known)));
        this.#at += posix[0].length;
        continue;
      }
      const low = this.#classItem(ranges, properties);
      if (low === null) continue;
      if (this.#text[this.#at] !== '-' || this.#text[this.#at + 1] === ']' || this.#text[this.#at + 1] === undefined) {
        ranges.push([low, low]);
        continue;
      }
      this.#at++;
      const high = this.#classItem(ranges, properties);
      if (high === null) ranges.push([low, low], [0x2d, 0x2d]);
      else if (high < low) throw new Wrong(this.#at, 'the range goes backwards');
      else ranges.push([low, high]);
    }
    this.#at++;
    return { ranges, properties, negated, caseless: this.#switches.caseless };
  }

  /** A character of a class, or null when a whole set was added. */
  #classItem(ranges: (readonly [number, number])[], properties: string[]): number | null {
    const start = this.#at;
    if (this.#text[this.#at] !== '\\') {
      const code = this.#text.codePointAt(this.#at)!;
      this.#at += code > 0xffff ? 2 : 1;
      return code;
    }
    this.#at++;
    if (this.#text[this.#at] === 'b') {
      this.#at++;
      return 8;
    }
    const octal = /^[1-7][0-7]{0,2}/.exec(this.#text.slice(this.#at));
    if (octal !== null) {
      this.#at += octal[0].length;
      return Number.parseInt(octal[0], 8);
    }
    if (this.#text[this.#at] === undefined) throw new Wrong(start, 'this [ has no ]');
    const set = this.#escapedSet();
    if (set === null) return this.#escapedCode(start);
    if (set.properties.length > 0) properties.push(...set.properties.map(one => (set.negated ? `^${one}` : one)));
    else ranges.push(...set.ranges);
    return null;
  }
}

function bounds([whole, least = '', comma = '', most = '']: RegExpExecArray): readonly [number, number] {
  if (whole === '*') return [0, Infinity];
  if (whole === '+') return [1, Infinity];
  if (whole === '?') return [0, 1];
  return [Number(least), comma === '' ? Number(least) : most === '' ? Infinity : Number(most)];
}

function switched(before: Switches, letters: string, start: number): Switches {
  let after = before;
  let on = true;
  for (const letter of letters) {
    if (letter === '-') on = false;
    else if (letter === 'i') after = { ...after, caseless: on };
    else if (letter === 's') after = { ...after, dotAll: on };
    else if (letter === 'm') after = { ...after, lines: on };
    else if (letter === 'U') after = { ...after, lazy: on };
    else throw new Wrong(start, `the switch ${letter} is not known here`);
  }
  return after;
}

function knownProperty(name: string, at: number): string {
  for (const spelled of [name, `Script=${name}`]) {
    try {
      return new RegExp(`\\p{${spelled}}`, 'u').flags === 'u' ? spelled : '';
    } catch {
      // The other spelling, or none.
    }
  }
  throw new Wrong(at, `the property ${name} is not known here`);
}

/** Each alternative of a look behind may have a width of its own. */
export function widthsOf(node: Node): readonly number[] | null {
  const items = node.kind === 'choice' ? node.items : [node];
  const widths = items.map(exactWidth);
  return widths.includes(null) ? null : (widths as number[]);
}
