/** `uucppolls`: when we call whom. `NODE at=07:00,19:30` in local time, or `NODE every=4h`. */
import { parseLines } from '../config/control-file.ts';
import { parseDuration } from '../config/duration.ts';
import { settle, shown, type Parsed, type Problem } from '../config/parsed.ts';
import { isNode } from './neighbors.ts';

export interface PollRule {
  readonly node: string;
  /** Minutes since midnight. */
  readonly at?: readonly number[];
  readonly everyMs?: number;
}

const EXAMPLE = 'siteb at=07:00,19:30, or siteb every=4h';
const SHORTEST_MS = 60_000;

export function parsePolls(text: string): Parsed<readonly PollRule[]> {
  const problems: Problem[] = [];
  const polls: PollRule[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const [node = '', when = '', more] = entry.split(/\s+/);
    const [key, value = ''] = when.split('=', 2);
    const every = key === 'every' ? parseDuration(value, 'every=4h') : null;
    const at = key === 'at' ? value.split(',').map(minutes) : [];
    if (!isNode(node) || more !== undefined) problems.push({ line, what: `${shown(entry)} is not one node and when it is called`, right: EXAMPLE });
    else if (every?.kind === 'read' && every.value >= SHORTEST_MS) polls.push({ node, everyMs: every.value });
    else if (at.length > 0 && !at.includes(-1)) polls.push({ node, at: at.toSorted((a, b) => a - b) });
    else problems.push({ line, what: `${shown(when)} is no time of day, nor an interval of a minute or more`, right: EXAMPLE });
  }
  return settle(polls, problems);
}

function minutes(text: string): number {
  const [, hours = '', rest = ''] = /^(\d{1,2}):(\d\d)$/.exec(text) ?? [];
  return hours === '' || Number(hours) > 23 || Number(rest) > 59 ? -1 : Number(hours) * 60 + Number(rest);
}

/** The first moment behind `now` at which the rule wants a call. `last`: when it was last called. */
export function nextPoll({ at, everyMs }: PollRule, last: number, now: number): number {
  if (everyMs !== undefined) return Math.max(now, last + everyMs);
  const day = new Date(now);
  const times = (at ?? []).flatMap(minute => [0, 1].map(later => new Date(day.getFullYear(), day.getMonth(), day.getDate() + later, 0, minute).getTime()));
  return Math.min(...times.filter(time => time > now));
}
