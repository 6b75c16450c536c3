/**
 * The tree as a program, and the machine that runs it: Perl's order of alternatives, captures, look-around.
 * A step that failed at a position fails there again, so each (step, position) is entered once: time is at most the
 * product of both, whatever the pattern. Only patterns with back references do without that memory; for them, and for
 * texts too long to remember, a number of steps is the limit.
 */
import { leastWidth, type Anchor, type CharacterSet, type Node } from './tree.ts';
import { widthsOf } from './syntax.ts';

type Test = (code: number) => boolean;
type Step =
  | { readonly kind: 'one'; readonly test: Test }
  | { readonly kind: 'split'; readonly first: number; readonly second: number }
  | { readonly kind: 'jump'; readonly to: number }
  | { readonly kind: 'save'; readonly slot: number }
  /** A turn of a loop that took nothing is its last. */
  | { readonly kind: 'moved'; readonly slot: number; readonly out: number }
  | { readonly kind: 'at'; readonly place: Anchor }
  | { readonly kind: 'look'; readonly start: number; readonly behind: readonly number[] | null; readonly negative: boolean; readonly to: number }
  | { readonly kind: 'atomic'; readonly start: number; readonly to: number }
  | { readonly kind: 'back'; readonly number: number; readonly caseless: boolean }
  | { readonly kind: 'done' };

export interface Machine {
  readonly steps: readonly Step[];
  /** Two for the match and for each group, then one for each loop that might not move. */
  readonly slots: number;
  readonly groups: number;
  readonly remembers: boolean;
}

export type Ran =
  /** Offsets, two each: the match, then the groups; -1 where a group took no part. */
  | { readonly kind: 'found'; readonly offsets: readonly number[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'costly' };

const MOST_STEPS = 20_000;
/** Bits of memory for one search: 4 MiB. */
const MOST_MEMORY = 32 * 1024 * 1024;
export const STEP_LIMIT = 10_000_000;

/** Null when the program would be too long: `(a{1000}){1000}`. */
export function createMachine(tree: Node, groups: number, hasBack: boolean): Machine | null {
  const steps: Step[] = [];
  let slots = 2 * (groups + 1);
  // A repeated set is written out many times, and tested by one function.
  const tests = new Map<CharacterSet, Test>();
  const testOf = (set: CharacterSet): Test => {
    const test = tests.get(set) ?? tester(set);
    tests.set(set, test);
    return test;
  };
  const add = (step: Step): number => {
    if (steps.length >= MOST_STEPS) throw new TooLong();
    return steps.push(step) - 1;
  };
  const write = (node: Node): void => {
    switch (node.kind) {
      case 'set':
        add({ kind: 'one', test: testOf(node.set) });
        return;
      case 'sequence':
        node.items.forEach(write);
        return;
      case 'choice': {
        const jumps: number[] = [];
        node.items.forEach((item, index) => {
          if (index === node.items.length - 1) {
            write(item);
            return;
          }
          const split = add({ kind: 'done' });
          write(item);
          jumps.push(add({ kind: 'done' }));
          steps[split] = { kind: 'split', first: split + 1, second: steps.length };
        });
        for (const jump of jumps) steps[jump] = { kind: 'jump', to: steps.length };
        return;
      }
      case 'group':
        if (node.number !== undefined) add({ kind: 'save', slot: 2 * node.number });
        write(node.item);
        if (node.number !== undefined) add({ kind: 'save', slot: 2 * node.number + 1 });
        return;
      case 'repeat':
        if (node.greed === 'possessive') write({ kind: 'atomic', item: { ...node, greed: 'greedy' } });
        else repeat(node);
        return;
      case 'look':
      case 'atomic': {
        const at = add({ kind: 'done' });
        write(node.item);
        add({ kind: 'done' });
        steps[at] = node.kind === 'atomic'
          ? { kind: 'atomic', start: at + 1, to: steps.length }
          : { kind: 'look', start: at + 1, behind: node.behind ? widthsOf(node.item) : null, negative: node.negative, to: steps.length };
        return;
      }
      case 'back':
        add({ kind: 'back', number: node.number, caseless: node.caseless });
        return;
      case 'at':
        add({ kind: 'at', place: node.place });
        return;
      default:
        node satisfies never;
    }
  };
  const repeat = (node: Extract<Node, { kind: 'repeat' }>): void => {
    for (let n = 0; n < node.least; n++) write(node.item);
    const split = (from: number, to: number): Step => (node.greed === 'lazy' ? { kind: 'split', first: to, second: from } : { kind: 'split', first: from, second: to });
    if (node.most === Infinity) {
      const still = leastWidth(node.item) === 0 ? slots++ : null;
      const head = add({ kind: 'done' });
      if (still !== null) add({ kind: 'save', slot: still });
      write(node.item);
      const moved = still === null ? -1 : add({ kind: 'done' });
      add({ kind: 'jump', to: head });
      if (still !== null) steps[moved] = { kind: 'moved', slot: still, out: steps.length };
      steps[head] = split(head + 1, steps.length);
      return;
    }
    const heads: number[] = [];
    for (let n = node.least; n < node.most; n++) {
      heads.push(add({ kind: 'done' }));
      write(node.item);
    }
    for (const head of heads) steps[head] = split(head + 1, steps.length);
  };
  try {
    write(tree);
    add({ kind: 'done' });
  } catch (error) {
    if (error instanceof TooLong) return null;
    throw error;
  }
  return { steps, slots, groups, remembers: !hasBack };
}

class TooLong extends Error {}

/** The first match at or behind `from`. */
export function runMachine(machine: Machine, text: string, from: number): Ran {
  return new Run(machine, text).search(from);
}

class Run {
  readonly #machine: Machine;
  readonly #text: string;
  readonly #visited: Uint32Array | null;
  readonly #width: number;
  #left = STEP_LIMIT;

  constructor(machine: Machine, text: string) {
    this.#machine = machine;
    this.#text = text;
    this.#width = text.length + 1;
    const bits = machine.steps.length * this.#width;
    this.#visited = machine.remembers && bits <= MOST_MEMORY ? new Uint32Array(Math.ceil(bits / 32)) : null;
  }

  search(from: number): Ran {
    const slots = Array.from({ length: this.#machine.slots }, () => -1);
    for (let at = from; at <= this.#text.length; at++) {
      const end = this.#match(0, at, slots, this.#visited);
      if (end === COSTLY) return { kind: 'costly' };
      if (end >= 0) return { kind: 'found', offsets: [at, end, ...slots.slice(2, 2 * (this.#machine.groups + 1))] };
      if (isHighSurrogate(this.#text.charCodeAt(at))) at++;
    }
    return { kind: 'none' };
  }

  /** The end of the match, or -1; `slots` are set on success and as before otherwise. */
  #match(start: number, from: number, slots: number[], visited: Uint32Array | null): number {
    const { steps } = this.#machine;
    const text = this.#text;
    /** Where to go on when a way fails: step and position; or, with a negative step, a slot and what was in it. */
    const stack: number[] = [];
    let step = start;
    let at = from;
    for (;;) {
      if (--this.#left < 0) return COSTLY;
      let fits = true;
      if (visited !== null) {
        const bit = step * this.#width + at;
        if ((visited[bit >>> 5]! & (1 << (bit & 31))) !== 0) fits = false;
        else visited[bit >>> 5]! |= 1 << (bit & 31);
      }
      if (fits) {
        const now = steps[step]!;
        switch (now.kind) {
          case 'one': {
            const code = text.codePointAt(at);
            fits = code !== undefined && now.test(code);
            if (fits) at += code! > 0xffff ? 2 : 1;
            step++;
            break;
          }
          case 'split':
            stack.push(now.second, at);
            step = now.first;
            break;
          case 'jump':
            step = now.to;
            break;
          case 'save':
            stack.push(~now.slot, slots[now.slot]!);
            slots[now.slot] = at;
            step++;
            break;
          case 'moved':
            step = slots[now.slot] === at ? now.out : step + 1;
            break;
          case 'at':
            fits = isAt(now.place, text, at);
            step++;
            break;
          case 'look': {
            const before = [...slots];
            const found = this.#look(now.start, now.behind, at, slots);
            if (found === COSTLY) return COSTLY;
            fits = found >= 0 !== now.negative;
            if (!fits || now.negative) restore(slots, before);
            else keep(stack, slots, before);
            step = now.to;
            break;
          }
          case 'atomic': {
            const before = [...slots];
            const end = this.#match(now.start, at, slots, this.#fresh());
            if (end === COSTLY) return COSTLY;
            fits = end >= 0;
            if (fits) {
              keep(stack, slots, before);
              at = end;
            }
            step = now.to;
            break;
          }
          case 'back': {
            const [first, last] = [slots[2 * now.number]!, slots[2 * now.number + 1]!];
            const size = last - first;
            // A group that took no part is never found again.
            fits = first >= 0 && last >= 0 && same(text.slice(first, last), text.slice(at, at + size), now.caseless);
            at += fits ? size : 0;
            step++;
            break;
          }
          case 'done':
            return at;
          default:
            now satisfies never;
        }
      }
      while (!fits) {
        const where = stack.pop();
        const to = stack.pop();
        if (where === undefined || to === undefined) return -1;
        if (to >= 0) {
          step = to;
          at = where;
          fits = true;
        } else slots[~to] = where;
      }
    }
  }

  #look(start: number, behind: readonly number[] | null, at: number, slots: number[]): number {
    if (behind === null) return this.#match(start, at, slots, this.#fresh());
    for (const width of new Set(behind)) {
      const from = stepBack(this.#text, at, width);
      if (from < 0) continue;
      const end = this.#match(start, from, slots, this.#fresh());
      if (end === COSTLY || end === at) return end;
    }
    return -1;
  }

  /** A search within the search: its failures say nothing about the ways outside. */
  #fresh(): Uint32Array | null {
    if (this.#visited === null) return null;
    this.#left -= this.#visited.length;
    return new Uint32Array(this.#visited.length);
  }
}

const COSTLY = -2;

function restore(slots: number[], before: readonly number[]): void {
  for (let slot = 0; slot < slots.length; slot++) slots[slot] = before[slot]!;
}

/** What a way on may still take back. */
function keep(stack: number[], slots: readonly number[], before: readonly number[]): void {
  for (let slot = 0; slot < slots.length; slot++) if (slots[slot] !== before[slot]) stack.push(~slot, before[slot]!);
}

function stepBack(text: string, at: number, characters: number): number {
  let from = at;
  for (let n = 0; n < characters; n++) {
    if (from === 0) return -1;
    from -= from > 1 && isHighSurrogate(text.charCodeAt(from - 2)) ? 2 : 1;
  }
  return from;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function same(a: string, b: string, caseless: boolean): boolean {
  return a === b || (caseless && a.length === b.length && a.toLowerCase() === b.toLowerCase());
}

function isAt(place: Anchor, text: string, at: number): boolean {
  switch (place) {
    case 'start':
      return at === 0;
    case 'very-end':
      return at === text.length;
    case 'end':
      return at === text.length || (at === text.length - 1 && text[at] === '\n');
    case 'line-start':
      return at === 0 || text[at - 1] === '\n';
    case 'line-end':
      return at === text.length || text[at] === '\n';
    case 'boundary':
      return isWord(text, at - 1) !== isWord(text, at);
    case 'no-boundary':
      return isWord(text, at - 1) === isWord(text, at);
    default:
      return place satisfies never;
  }
}

function isWord(text: string, at: number): boolean {
  return /[0-9A-Za-z_]/.test(text[at] ?? '');
}

/** Whether a character is in the set; with a memory for ASCII, which is what mail is made of. */
function tester(set: CharacterSet): Test {
  const [only] = set.ranges;
  if (set.ranges.length === 1 && only !== undefined && only[0] === only[1] && set.properties.length === 0 && !set.negated) {
    const wanted = only[0];
    return set.caseless ? code => code === wanted || otherCases(code).includes(wanted) : code => code === wanted;
  }
  const properties = set.properties.map(name => (name.startsWith('^') ? new RegExp(`\\P{${name.slice(1)}}`, 'u') : new RegExp(`\\p{${name}}`, 'u')));
  const plain = (code: number): boolean => set.ranges.some(([low, high]) => code >= low && code <= high)
    || properties.some(one => one.test(String.fromCodePoint(code)));
  const whole = (code: number): boolean => (plain(code) || (set.caseless && otherCases(code).some(plain))) !== set.negated;
  const ascii = Uint8Array.from({ length: 128 }, (_, code) => Number(whole(code)));
  return code => (code < 128 ? ascii[code] === 1 : whole(code));
}

function otherCases(code: number): number[] {
  // The usual case, without making strings.
  if (code < 128) return (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a ? [code ^ 0x20] : [];
  const character = String.fromCodePoint(code);
  return [character.toLowerCase(), character.toUpperCase()].filter(one => one !== character && one.length === String.fromCodePoint(one.codePointAt(0)!).length).map(one => one.codePointAt(0)!);
}
