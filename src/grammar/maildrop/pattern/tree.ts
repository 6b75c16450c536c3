/** A pattern as a tree: Perl's syntax as far as mail needs it. */
export type Node =
  | { readonly kind: 'set'; readonly set: CharacterSet }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly items: readonly Node[] }
  /** Without a number it captures nothing. */
  | { readonly kind: 'group'; readonly number?: number; readonly item: Node }
  | { readonly kind: 'repeat'; readonly item: Node; readonly least: number; readonly most: number; readonly greed: 'greedy' | 'lazy' | 'possessive' }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negative: boolean; readonly item: Node }
  | { readonly kind: 'atomic'; readonly item: Node }
  | { readonly kind: 'back'; readonly number: number; readonly caseless: boolean }
  | { readonly kind: 'at'; readonly place: Anchor };

/** `end`: before a line feed that ends the text too, as `$` has it. */
export type Anchor = 'start' | 'end' | 'very-end' | 'line-start' | 'line-end' | 'boundary' | 'no-boundary';

/** One character: in the ranges or of the properties, or, when negated, neither. */
export interface CharacterSet {
  readonly ranges: readonly (readonly [number, number])[];
  /** Unicode properties, as `\p{…}` of a regular expression. */
  readonly properties: readonly string[];
  readonly negated: boolean;
  readonly caseless: boolean;
}

export function single(code: number, caseless: boolean): CharacterSet {
  return { ranges: [[code, code]], properties: [], negated: false, caseless };
}

/** `\w`, `\d`, `\s` and the POSIX classes are ASCII, as PCRE has them without its UCP option. */
export const classes: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  d: [[0x30, 0x39]],
  w: [[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]],
  s: [[0x09, 0x0d], [0x20, 0x20]],
  h: [[0x09, 0x09], [0x20, 0x20], [0xa0, 0xa0], [0x1680, 0x1680], [0x2000, 0x200a], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000]],
  v: [[0x0a, 0x0d], [0x85, 0x85], [0x2028, 0x2029]],
  N: [[0x00, 0x09], [0x0b, 0x10ffff]],
  alpha: [[0x41, 0x5a], [0x61, 0x7a]],
  lower: [[0x61, 0x7a]],
  upper: [[0x41, 0x5a]],
  digit: [[0x30, 0x39]],
  xdigit: [[0x30, 0x39], [0x41, 0x46], [0x61, 0x66]],
  alnum: [[0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]],
  word: [[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]],
  space: [[0x09, 0x0d], [0x20, 0x20]],
  blank: [[0x09, 0x09], [0x20, 0x20]],
  punct: [[0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]],
  print: [[0x20, 0x7e]],
  graph: [[0x21, 0x7e]],
  cntrl: [[0x00, 0x1f], [0x7f, 0x7f]],
  ascii: [[0x00, 0x7f]],
};

/** What is left of all characters. */
export function complementOf(ranges: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const left: (readonly [number, number])[] = [];
  let from = 0;
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (low > from) left.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= 0x10ffff) left.push([from, 0x10ffff]);
  return left;
}

/** Fewest characters that a match takes. */
export function leastWidth(node: Node): number {
  switch (node.kind) {
    case 'set':
      return 1;
    case 'sequence':
      return node.items.reduce((sum, item) => sum + leastWidth(item), 0);
    case 'choice':
      return Math.min(...node.items.map(leastWidth));
    case 'group':
    case 'atomic':
      return leastWidth(node.item);
    case 'repeat':
      return node.least * leastWidth(node.item);
    case 'look':
    case 'back':
    case 'at':
      return 0;
    default:
      return node satisfies never;
  }
}

/** The one width of all its matches, or null when they differ: what a look behind needs. */
export function exactWidth(node: Node): number | null {
  switch (node.kind) {
    case 'sequence': {
      let sum = 0;
      for (const item of node.items) {
        const width = exactWidth(item);
        if (width === null) return null;
        sum += width;
      }
      return sum;
    }
    case 'choice': {
      const widths = new Set(node.items.map(exactWidth));
      return widths.size === 1 ? ([...widths][0] ?? null) : null;
    }
    case 'group':
    case 'atomic':
      return exactWidth(node.item);
    case 'repeat': {
      const width = exactWidth(node.item);
      return width !== null && node.least === node.most ? width * node.least : null;
    }
    case 'back':
      return null;
    case 'set':
    case 'look':
    case 'at':
      return leastWidth(node);
    default:
      return node satisfies never;
  }
}
