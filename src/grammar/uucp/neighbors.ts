/**
 * Courier's `uucpneighbors`: who may be reached by UUCP, and where rmail runs. A line is `NODE[!NODE…]<TAB>FLAGS`:
 * none: only NODE!user; F: rmail runs on the last node of a longer path; G: on NODE itself; R: on NODE, whatever
 * longer path is listed beside it.
 */
import { parseLines } from '../config/control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../config/parsed.ts';

export interface Neighbor {
  /** As listed: one node, or several joined with `!`. */
  readonly path: string;
  readonly reach: 'only' | 'forward' | 'gateway' | 'relay';
}

export interface Neighbors {
  readonly all: readonly Neighbor[];
  /** Case does not matter. */
  find(path: string): Neighbor | undefined;
  /** A path begins with it. */
  knows(node: string): boolean;
}

const NODE = /^[a-z0-9](?:[a-z0-9_.-]{0,126}[a-z0-9])?$/i;
const REACHES: Readonly<Record<string, Neighbor['reach']>> = { '': 'only', F: 'forward', G: 'gateway', R: 'relay' };

/** A name that can be a program's argument and a folder's name whatever reads it. */
export function isNode(text: string): boolean {
  return NODE.test(text) && !text.includes('..');
}

/** One node or several. */
export function isNodePath(text: string): boolean {
  return text.split('!').every(isNode);
}

export function parseNeighbors(text: string): Parsed<readonly Neighbor[]> {
  const problems: Problem[] = [];
  const neighbors: Neighbor[] = [];
  const seen = new Set<string>();
  for (const { line, text: entry } of parseLines(text)) {
    const [path = '', ...flags] = entry.split(/\s+/);
    const reach = REACHES[flags.join('').toUpperCase()];
    if (!isNodePath(path)) problems.push({ line, what: `${shown(path)} is not a node, nor nodes joined with !`, right: 'siteb, or siteb!far' });
    else if (reach === undefined) problems.push({ line, what: `${shown(flags.join(' '))} is not one of the flags F, G, R`, right: `${path}\tF` });
    else if (seen.has(path.toLowerCase())) problems.push({ line, what: `a second line for ${path}`, right: 'one line a neighbour' });
    else neighbors.push({ path, reach });
    seen.add(path.toLowerCase());
  }
  return settle(neighbors, problems);
}

export function createNeighbors(all: readonly Neighbor[]): Neighbors {
  const byPath = new Map(all.map(one => [one.path.toLowerCase(), one]));
  const first = new Set(all.map(({ path }) => (path.split('!')[0] as string).toLowerCase()));
  return { all, find: path => byPath.get(path.toLowerCase()), knows: node => first.has(node.toLowerCase()) };
}
