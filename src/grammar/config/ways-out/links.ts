/**
 * `links`: ways out that are not always there. `NAME ROUTE … [wait=30d] [warn=yes] [every=1m] [within=10s]: WHEN`, where
 * WHEN is hours of the week, `signal` (posthorn link up NAME), or a program whose exit code 0 means that the link is up.
 * A ROUTE is a domain, `.domain`, a relay as esmtproutes writes it, `*` for all that goes by ESMTP, or TRANSPORT/NEXTHOP.
 */
import { parseLines } from '../control-file.ts';
import { foldDomain } from '../domain-list.ts';
import { parseDuration } from '../duration.ts';
import { placeOf } from '../../next-hop.ts';
import { noting, settle, shown, type Parsed, type Problem } from '../parsed.ts';
import { parseWeek, type Span } from '../week.ts';

export interface LinkRule {
  readonly line: number;
  readonly name: string;
  readonly routes: readonly LinkRoute[];
  /** Longest wait of a message, from its acceptance on. */
  readonly longestMs: number;
  readonly warns: boolean;
  readonly when: LinkWhen;
}

/** `nexthop`: '*' any, a leading dot all domains below. */
export interface LinkRoute {
  readonly transport: string;
  readonly nexthop: string;
}

export type LinkWhen =
  | { readonly kind: 'timetable'; readonly spans: readonly Span[] }
  | { readonly kind: 'signal' }
  | { readonly kind: 'program'; readonly command: readonly string[]; readonly everyMs: number; readonly withinMs: number };

const EXAMPLE = 'satellite .islands.example relay.example.net,25: daily 06:00-06:20 18:00-18:20';
const LONGEST_MS = 30 * 86_400_000;
const EVERY_MS = 60_000;
const WITHIN_MS = 10_000;

export function parseLinks(text: string): Parsed<readonly LinkRule[]> {
  const problems: Problem[] = [];
  const rules: LinkRule[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    // An address of IPv6 has colons too, but no blank behind them.
    const colon = entry.search(/:\s/);
    const [name = '', ...words] = entry.slice(0, Math.max(0, colon)).trim().split(/\s+/);
    const right = colon < 0 ? '' : entry.slice(colon + 1).trim();
    if (!/^[a-z][\w.-]{0,40}$/i.test(name) || right === '') {
      say(`${shown(entry)} is not a name, routes, a colon and a blank, and when the link is up`);
      continue;
    }
    let longestMs = LONGEST_MS;
    let warns = false;
    let everyMs = EVERY_MS;
    let withinMs = WITHIN_MS;
    const routes: LinkRoute[] = [];
    for (const word of words) {
      const [key = '', value] = word.split('=', 2);
      if (value === undefined) {
        const route = parseRoute(word);
        if (route === null) say(`${shown(word)} is no route`, '.islands.example, relay.example.net,25, uucp/far or *');
        else routes.push(route);
      } else if (key === 'warn' && /^(yes|no)$/.test(value)) warns = value === 'yes';
      else if (key === 'wait' || key === 'every' || key === 'within') {
        const ms = noting(parseDuration(value, `${key}=${EXAMPLES[key]}`), line, problems) ?? 0;
        if (ms < 1000) say(`${shown(word)} is too short`, `${key}=${EXAMPLES[key]}`);
        else if (key === 'wait') longestMs = ms;
        else if (key === 'every') everyMs = ms;
        else withinMs = ms;
      } else say(`${shown(word)} is not understood`);
    }
    if (routes.length === 0) say(`${shown(name)} says nothing about any route`);
    const earlier = rules.find(one => one.name === name);
    if (earlier !== undefined) say(`a second link ${shown(name)}, the first is in line ${earlier.line}`, 'one line a link');
    const when = parseWhen(right, { everyMs, withinMs });
    const found = noting(when, line, problems);
    if (found !== undefined) rules.push({ line, name, routes, longestMs, warns, when: found });
  }
  return settle(rules, problems);
}

const EXAMPLES = { wait: '30d', every: '1m', within: '10s' } as const;

function parseWhen(text: string, times: { readonly everyMs: number; readonly withinMs: number }): Parsed<LinkWhen> {
  if (text === 'signal') return { kind: 'read', value: { kind: 'signal' } };
  if (text.startsWith('/')) return { kind: 'read', value: { kind: 'program', command: text.split(/\s+/), ...times } };
  const week = parseWeek(text);
  return week.kind === 'wrong' ? week : { kind: 'read', value: { kind: 'timetable', spans: week.value } };
}

function parseRoute(word: string): LinkRoute | null {
  const [, transport = 'esmtp', nexthop = ''] = /^(?:([a-z]+)\/)?(\S+)$/.exec(word) ?? [];
  if (nexthop === '' || nexthop.includes('/')) return null;
  // A mailbox has a local-part, whose case is its owner's.
  return { transport, nexthop: nexthop.includes('@') ? nexthop : foldDomain(nexthop) };
}

/**
 * Whether a route is one of these. The next hop of a relay begins with `HOST,PORT`, and the host alone will do as well;
 * domains are compared in A-labels, however the house writes them.
 */
export function matchesRoute(routes: readonly LinkRoute[], { transport, nexthop }: { readonly transport: string; readonly nexthop: string }): boolean {
  return routes.some(route => {
    if (route.transport !== transport) return false;
    if (route.nexthop === '*' || route.nexthop === nexthop) return true;
    const { text: place, host } = placeOf(foldDomain(placeOf(nexthop).text));
    return route.nexthop === place || route.nexthop === host || (route.nexthop.startsWith('.') && host.endsWith(route.nexthop));
  });
}
