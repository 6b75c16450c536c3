/**
 * The links as they are now. What decides is asked again and again; a change is one step after the other:
 *
 *   up ── written down as down ──▶ down, and its mail is withdrawn
 *   down ── up, and its mail is made due ──▶ written down as up
 *
 * so that after a power cut a link that came up is found down, and its mail is made due once more.
 */
import { after, type Clock, type Instant } from '../../core/clock.ts';
import type { DownLink, Links, LinkView } from '../../core/links.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Route } from '../../core/transport.ts';
import { matchesRoute, type LinkRule } from '../../grammar/config/ways-out/links.ts';
import { weekAt } from '../../grammar/config/week.ts';
import type { Ran } from '../../kit/run-program.ts';
import { changed, downMsOf, readRecords, writeRecords, type LinkFile, type LinkRecord, type LinkState } from './link-records.ts';

export interface LinksOptions extends LinkFile {
  /** In the order in which they are asked about a route. */
  rules(): readonly LinkRule[];
  /** Runs a program that says whether a link is up. */
  readonly run: (command: readonly string[], withinMs: number, signal: AbortSignal) => Promise<Ran>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface LinkEvents {
  /** Its mail goes now; resolves when all of it is due, or when nobody waits for that any more: then it is told again. */
  came(name: string, needs: (route: Route) => boolean, signal: AbortSignal): Promise<void>;
  went(name: string): void;
}

export interface OpenLinks extends Links {
  /** From now on links come and go. */
  watch(events: LinkEvents): void;
  views(): readonly LinkView[];
  /** Null: there is none of that name. 'auto' takes an operator's word back. Where nobody watches, it is found by who does. */
  order(name: string, word: LinkState | 'auto'): Promise<LinkView | null>;
  reload(): Promise<void>;
  close(): Promise<void>;
}

interface Link {
  readonly rule: LinkRule;
  record: LinkRecord;
  /** As its mail sees it; the record follows, or goes before. */
  state: LinkState;
  /** What the program said. */
  heard: LinkState | null;
  why: string | undefined;
  /** Changes wait for one another. */
  turn: Promise<void>;
}

const LONGEST_WHY = 200;

export async function openLinks(options: LinksOptions): Promise<OpenLinks> {
  const { clock, log } = options;
  const gauge = options.metrics.gauge('posthorn_link_up', 'Whether a link is up.');
  const known = new Map(await readRecords(options).catch((cause: unknown) => {
    log.error('link', { what: 'what was known of the links cannot be read', cause });
    return new Map<string, LinkRecord>();
  }));
  let links = options.rules().map(open);
  let events: LinkEvents | null = null;
  let watching = new AbortController();
  let loops: Promise<void>[] = [];
  let writing: Promise<void> = Promise.resolve();
  const closing = new AbortController();

  function open(rule: LinkRule): Link {
    const record = known.get(rule.name) ?? changed(undefined, 'down', clock.now());
    gauge.set(record.state === 'up' ? 1 : 0, { link: rule.name });
    return { rule, record, state: record.state, heard: null, why: undefined, turn: Promise.resolve() };
  }

  function wanted({ rule: { when }, record, heard }: Link): LinkState {
    if (record.word !== undefined) return record.word;
    switch (when.kind) {
      case 'timetable':
        return weekAt(when.spans, clock.now()).open ? 'up' : 'down';
      case 'signal':
        return 'down';
      case 'program':
        return heard ?? record.state;
      default:
        return when satisfies never;
    }
  }

  /** One write at a time, of all that is known when it begins. */
  function save(): Promise<void> {
    writing = writing.then(() => writeRecords(options, known)).catch((cause: unknown) => log.error('link', { what: 'the links cannot be written down', cause }));
    return writing;
  }

  function settle(link: Link): Promise<void> {
    link.turn = link.turn.then(() => move(link)).catch((cause: unknown) => log.error('link', { name: link.rule.name, cause }));
    return link.turn;
  }

  async function move(link: Link): Promise<void> {
    const { name } = link.rule;
    const state = wanted(link);
    if (events === null || state === link.record.state) return;
    const { why } = link;
    log.info('link', { name, state, ...(why === undefined ? {} : { why }) });
    gauge.set(state === 'up' ? 1 : 0, { link: name });
    if (state === 'up') {
      link.state = state;
      const { signal } = watching;
      await events.came(name, route => linkOf(route) === link, signal);
      if (signal.aborted) return;
    }
    link.record = changed(link.record, state, clock.now());
    known.set(name, link.record);
    await save();
    if (state === 'up') return;
    link.state = state;
    events.went(name);
  }

  async function follow(link: Link, signal: AbortSignal): Promise<void> {
    const { when } = link.rule;
    while (!signal.aborted) {
      if (when.kind === 'program') await ask(link, when, signal);
      if (signal.aborted) return;
      await settle(link);
      const now = clock.now();
      const until = when.kind === 'program' ? after(now, when.everyMs) : when.kind === 'timetable' ? weekAt(when.spans, now).until : null;
      if (until === null) return;
      await clock.sleepUntil(until as Instant, signal);
    }
  }

  async function ask(link: Link, { command, withinMs }: { readonly command: readonly string[]; readonly withinMs: number }, signal: AbortSignal): Promise<void> {
    const ran = await options.run(command, withinMs, signal);
    if (signal.aborted) return;
    switch (ran.kind) {
      case 'exited':
        link.heard = ran.code === 0 ? 'up' : 'down';
        link.why = oneLine(ran.stdout || ran.stderr) ?? `${command[0]} ended with ${ran.code}`;
        return;
      case 'killed':
        // Who does not answer does not say that it is up.
        link.heard = 'down';
        link.why = `${command[0]} did not answer: ${ran.why}`;
        return;
      case 'absent':
      case 'starved':
        // That says nothing about the link. It stays as it was.
        link.why = `${command[0]} cannot be run`;
        log.error('link', { name: link.rule.name, why: link.why, cause: ran.kind === 'absent' ? ran.why : ran.cause });
        return;
      default:
        ran satisfies never;
    }
  }

  function watchAll(): void {
    watching = new AbortController();
    const { signal } = watching;
    loops = links.map(link => follow(link, signal).catch((cause: unknown) => log.error('link', { name: link.rule.name, cause })));
  }

  async function rest(): Promise<void> {
    watching.abort();
    await Promise.all(loops);
    await Promise.all(links.map(({ turn }) => turn));
    await writing;
  }

  function linkOf(route: Route): Link | undefined {
    return links.find(({ rule }) => matchesRoute(rule.routes, route));
  }

  function viewOf(link: Link): LinkView {
    const { rule: { name, when }, record, state, why } = link;
    const until = when.kind === 'timetable' && record.word === undefined ? weekAt(when.spans, clock.now()).until : null;
    return {
      name, state, since: record.changes.at(-1)?.at ?? clock.now(),
      by: record.word !== undefined && when.kind !== 'signal' ? 'operator' : when.kind,
      ...(until === null ? {} : { until }),
      ...(why === undefined ? {} : { why }),
    };
  }

  return {
    down(route): DownLink | null {
      if (links.length === 0) return null;
      const link = linkOf(route);
      if (link === undefined || link.state === 'up') return null;
      const { rule: { name, longestMs, warns, when }, record } = link;
      const until = when.kind === 'timetable' && record.word === undefined ? weekAt(when.spans, clock.now()).until : null;
      return { name, until: until as Instant | null, longestMs, warns };
    },
    downMs(route, from, to) {
      if (links.length === 0) return 0;
      const link = linkOf(route);
      return link === undefined ? 0 : downMsOf(link.record, from, to);
    },
    watch(told) {
      events = told;
      watchAll();
    },
    views: () => links.map(viewOf),
    async order(name, word) {
      const link = links.find(({ rule }) => rule.name === name);
      if (link === undefined) return null;
      const { word: _, ...record } = link.record;
      link.record = word === 'auto' ? record : { ...record, word };
      known.set(name, link.record);
      await save();
      await settle(link);
      return viewOf(link);
    },
    async reload() {
      await rest();
      const gone = links.filter(({ rule, state }) => state === 'down' && !options.rules().some(({ name }) => name === rule.name));
      links = options.rules().map(open);
      // Nothing stands in their way any more. What waited for another rule looks again by itself.
      for (const { rule } of gone) await events?.came(rule.name, route => matchesRoute(rule.routes, route), closing.signal);
      if (events !== null) watchAll();
    },
    close() {
      closing.abort();
      return rest();
    },
  };
}

function oneLine(text: string): string | undefined {
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim().slice(0, LONGEST_WHY);
  return line === '' ? undefined : line;
}
