/** TCPDOPTS, options of Courier's listener program: those that say something about whom it serves. */
import { parseWholeNumber } from '../control-file.ts';
import { parseDnsLists } from './dns-lists.ts';
import { settle, shown, wrong, type Parsed, type Problem } from '../parsed.ts';

export interface ListenerOptions {
  /** Clients' addresses are not looked up: nobody has a name. */
  readonly nameless: boolean;
  /** What a client hears that the access file denies; null: the usual text. */
  readonly denied: string | null;
  /** The access file is also asked about the address and port that the client called. */
  readonly local: boolean;
  /** In the place of MAXDAEMONS, MAXPERIP and MAXPERC, which reach Courier's program as these options. */
  readonly limits: { readonly [name in (typeof LIMITS)[number]]?: number };
  /** `-block=…`, `-allow=…`, `-drop…`, as BLACKLISTS has them. */
  readonly lists: readonly string[];
  /** Options that do nothing here, by name. */
  readonly idle: readonly string[];
}

const LIMITS = ['maxprocs', 'maxperip', 'maxperc'] as const;

export const noListenerOptions: ListenerOptions = { nameless: false, denied: null, local: false, limits: {}, lists: [], idle: [] };

/** About logging and processes, which are another matter here. -haproxy has its own notice. */
const QUIET = new Set(['stderr', 'stderrlogger', 'stderrloggername', 'pid', 'lock', 'user', 'group', 'noidentlookup', 'warn', 'haproxy']);

export function parseListenerOptions(text: string): Parsed<ListenerOptions> {
  let options = noListenerOptions;
  const problems: Problem[] = [];
  for (const word of text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []) {
    const [, name, value = ''] = /^--?([a-z]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) return wrong(`${shown(word)} is not an option`, 'TCPDOPTS="-nodnslookup -noidentlookup"');
    const limit = LIMITS.find(one => one === name);
    if (limit !== undefined) {
      const number = parseWholeNumber(value, 1, 65_536, `-${limit}=20`);
      if (number.kind === 'read') options = { ...options, limits: { ...options.limits, [limit]: number.value } };
      else problems.push(...number.problems);
    } else if (name === 'block' || name === 'allow' || name === 'drop') {
      const lists = parseDnsLists(word);
      if (lists.kind === 'read') options = { ...options, lists: [...options.lists, word] };
      else problems.push(...lists.problems);
    } else if (name === 'denymsg') {
      const said = value.replaceAll(/["']/g, '').replaceAll(/[^\u0020-\u007e]/g, ' ').trim();
      options = { ...options, denied: said === '' ? null : said.slice(0, 400) };
    } else if (name === 'nodnslookup') options = { ...options, nameless: true };
    else if (name === 'accesslocal') options = { ...options, local: true };
    else if (!QUIET.has(name)) options = { ...options, idle: [...options.idle, name] };
  }
  return settle(options, problems);
}
