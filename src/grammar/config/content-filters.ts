/**
 * `contentfilters`: programs on this machine or another that look at content, in the order in which to ask them, and what
 * holds for filters of Courier's socket protocol. `NAME KIND [WHERE] [option=value …]`.
 */
import { parseLines } from './control-file.ts';
import { parseDuration } from './duration.ts';
import { parseEndpoint, type Endpoint } from './endpoint.ts';
import { noting, settle, shown, type Parsed, type Problem } from './parsed.ts';
import { parseSize } from './size.ts';

export type FilterPlace = { readonly kind: 'tcp'; readonly endpoint: Endpoint } | { readonly kind: 'unix'; readonly path: string };
export type FilterSource = 'esmtp' | 'submission' | 'local' | 'uucp';

export interface FilterManners {
  readonly timeoutMs: number;
  readonly whenAbsent: 'pass' | 'defer';
}

/** What to do at which score, highest first; absent ones are never done. */
export interface ScoreActions {
  readonly reject?: number;
  readonly quarantine?: number;
  readonly defer?: number;
  /** Its words go before the Subject. */
  readonly subject?: number;
  /** X-Spam-Flag: YES. */
  readonly flag?: number;
}

export interface ContentFilter extends FilterManners {
  readonly line: number;
  readonly name: string;
  readonly kind: 'rspamd' | 'spamd' | 'clamd' | 'milter';
  readonly place: FilterPlace;
  /** Absent: as enablefiltering says. */
  readonly sources?: ReadonlySet<FilterSource>;
  readonly largestOctets: number;
  readonly scores: ScoreActions;
  /** Of clamd: what is done with mail that has something. */
  readonly found: 'reject' | 'quarantine' | 'flag';
  readonly subjectTag: string;
  /** Fields that say what was found are added. */
  readonly fields: boolean;
  readonly user?: string;
  readonly passwordFile?: string;
}

export interface ContentFilters {
  readonly filters: readonly ContentFilter[];
  /** For socket filters, by name; `*` for the others. */
  readonly courier: ReadonlyMap<string, FilterManners>;
}

export const usualManners: FilterManners = { timeoutMs: 60_000, whenAbsent: 'defer' };
const EXAMPLE = 'virus clamd /run/clamav/clamd.ctl timeout=20s absent=pass';
const PORTS: Readonly<Record<ContentFilter['kind'], number>> = { rspamd: 11_333, spamd: 783, clamd: 3310, milter: 8891 };
const SOURCES: ReadonlySet<string> = new Set(['esmtp', 'submission', 'local', 'uucp']);
/** The gateway's own patience with all filters together is eight minutes. */
const LONGEST_MS = 480_000;

export function parseContentFilters(text: string): Parsed<ContentFilters> {
  const problems: Problem[] = [];
  const filters: ContentFilter[] = [];
  const courier = new Map<string, FilterManners>();
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [name = '', kind = '', ...rest] = words(entry);
    const options = optionsOf(rest, line, problems);
    const places = rest.filter(word => !/^[a-z-]+=/.test(word));
    if (kind === 'courier') {
      if (!/^(?:\*|[\w][\w.+-]*)$/.test(name)) say(`${shown(name)} is not the name of a filter`, '* courier timeout=60s absent=defer');
      if (places.length > 0) say(`${shown(places[0] ?? '')} is not understood`, `${name} courier timeout=60s absent=defer`);
      for (const key of options.keys()) if (key !== 'timeout' && key !== 'absent') say(`${key} is nothing for a courier filter`, 'timeout=60s absent=defer');
      courier.set(name, mannersOf(options));
      continue;
    }
    if (!/^[a-zA-Z][\w.-]{0,40}$/.test(name) || (kind !== 'rspamd' && kind !== 'spamd' && kind !== 'clamd' && kind !== 'milter')) {
      say(`${shown(entry)} is not a name, a kind (rspamd, spamd, clamd, milter or courier) and a place`);
      continue;
    }
    if (filters.some(one => one.name === name)) say(`a second filter ${name}`, 'one line a name');
    if (places.length !== 1) {
      say(places.length === 0 ? 'where does it listen?' : `${shown(places[1] ?? '')} is not understood`);
      continue;
    }
    const place = noting(parsePlace(places[0] ?? '', PORTS[kind]), line, problems);
    if (kind === 'rspamd' && place?.kind === 'unix') say('rspamd is spoken to over HTTP', 'spam rspamd 127.0.0.1:11333');
    else if (place !== undefined) filters.push(filterOf({ line, name, kind, place }, options));
  }
  return settle({ filters, courier }, problems);
}

/** Also as milters are configured elsewhere: `inet:8891@localhost`, `local:/run/x.sock`. */
function parsePlace(text: string, port: number): Parsed<FilterPlace> {
  const [, path] = /^(?:(?:unix|local):)?(\/.+)$/.exec(text) ?? [];
  if (path !== undefined) return { kind: 'read', value: { kind: 'unix', path } };
  const [, inetPort, inetHost] = /^inet6?:(\d+)@(.+)$/.exec(text) ?? [];
  const endpoint = parseEndpoint(inetPort === undefined ? text.replace(/^inet6?:/, '') : `${inetHost?.includes(':') === true ? `[${inetHost}]` : inetHost}:${inetPort}`, port, '127.0.0.1:783 or /run/clamav/clamd.ctl');
  return endpoint.kind === 'read' ? { kind: 'read', value: { kind: 'tcp', endpoint: endpoint.value } } : endpoint;
}

type Option = { readonly key: string; readonly value: unknown };
type Options = ReadonlyMap<string, unknown>;

function optionsOf(rest: readonly string[], line: number, problems: Problem[]): Options {
  const options = new Map<string, unknown>();
  for (const word of rest) {
    const [, key = '', text = ''] = /^([a-z-]+)=(.*)$/s.exec(word) ?? [];
    if (key === '') continue;
    const option = optionOf(key, text);
    if (option === null) problems.push({ line, what: `${shown(word)} is not understood`, right: EXAMPLE });
    else if (options.has(option.key)) problems.push({ line, what: `${key} is given twice`, right: EXAMPLE });
    else options.set(option.key, option.value);
  }
  return options;
}

function optionOf(key: string, text: string): Option | null {
  switch (key) {
    case 'timeout': {
      const parsed = parseDuration(text, 'timeout=60s');
      return parsed.kind === 'read' && parsed.value >= 1000 && parsed.value <= LONGEST_MS ? { key, value: parsed.value } : null;
    }
    case 'absent':
      return text === 'pass' || text === 'defer' ? { key, value: text } : null;
    case 'largest': {
      const parsed = parseSize(text, 'largest=10M');
      return parsed.kind === 'read' ? { key, value: parsed.value } : null;
    }
    case 'for': {
      const sources = text.split(',');
      return sources.every(one => SOURCES.has(one)) ? { key, value: new Set(sources) } : null;
    }
    case 'reject':
    case 'quarantine':
    case 'defer':
    case 'subject':
    case 'flag':
      return /^-?\d{1,5}(?:\.\d{1,3})?$/.test(text) ? { key, value: Number(text) } : null;
    case 'found':
      return text === 'reject' || text === 'quarantine' || text === 'flag' ? { key, value: text } : null;
    case 'tag':
      return /^[ -~]{1,60}$/.test(text) ? { key, value: text } : null;
    case 'fields':
      return text === 'yes' || text === 'no' ? { key, value: text === 'yes' } : null;
    case 'user':
      return /^[\w.@+-]{1,100}$/.test(text) ? { key, value: text } : null;
    case 'password-file':
      return text.startsWith('/') ? { key, value: text } : null;
    default:
      return null;
  }
}

function mannersOf(options: Options): FilterManners {
  return { timeoutMs: Number(options.get('timeout') ?? usualManners.timeoutMs), whenAbsent: options.get('absent') === 'pass' ? 'pass' : 'defer' };
}

function filterOf(head: Pick<ContentFilter, 'line' | 'name' | 'kind' | 'place'>, options: Options): ContentFilter {
  const scores = Object.fromEntries(['reject', 'quarantine', 'defer', 'subject', 'flag'].flatMap(key => (options.has(key) ? [[key, Number(options.get(key))]] : [])));
  const found = options.get('found');
  const sources = options.get('for');
  const user = options.get('user');
  const tag = options.get('tag');
  const passwordFile = options.get('password-file');
  return {
    ...head, ...mannersOf(options), scores,
    ...(sources instanceof Set ? { sources } : {}),
    largestOctets: Number(options.get('largest') ?? (head.kind === 'milter' ? Number.MAX_SAFE_INTEGER : LARGEST[head.kind])),
    found: found === 'quarantine' || found === 'flag' ? found : 'reject',
    subjectTag: typeof tag === 'string' ? tag : '[SPAM]',
    fields: options.get('fields') !== false,
    ...(typeof user === 'string' ? { user } : {}),
    ...(typeof passwordFile === 'string' ? { passwordFile } : {}),
  };
}

/** spamd reads nothing larger by its own choice; clamd's StreamMaxLength is 100 MB as shipped, 25 MB in older ones. */
const LARGEST = { rspamd: 50 * 1024 * 1024, spamd: 500 * 1024, clamd: 25 * 1024 * 1024 } as const;

/** Blanks part words; quotes behind `=` keep them together. */
function words(text: string): readonly string[] {
  return [...text.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map(([word]) => word.replaceAll('"', ''));
}
