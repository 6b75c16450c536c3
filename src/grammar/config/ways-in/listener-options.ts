/** TCPDOPTS, options of Courier's listener program: those that say something about whom it serves. */
import { read, shown, wrong, type Parsed } from '../parsed.ts';

export interface ListenerOptions {
  /** Clients' addresses are not looked up: nobody has a name. */
  readonly nameless: boolean;
  /** What a client hears that the access file denies; null: the usual text. */
  readonly denied: string | null;
  /** Options that do nothing here, by name. */
  readonly idle: readonly string[];
}

export const noListenerOptions: ListenerOptions = { nameless: false, denied: null, idle: [] };

/** About logging and processes, which are another matter here. */
const QUIET = new Set(['stderr', 'stderrlogger', 'stderrloggername', 'pid', 'lock', 'user', 'group', 'noidentlookup', 'maxprocs', 'maxperip', 'maxperc', 'warn', 'address', 'access']);

export function parseListenerOptions(text: string): Parsed<ListenerOptions> {
  let options = noListenerOptions;
  const idle: string[] = [];
  for (const word of text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []) {
    const [, name, value = ''] = /^--?([a-z]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) return wrong(`${shown(word)} is not an option`, 'TCPDOPTS="-nodnslookup -noidentlookup"');
    if (name === 'nodnslookup') options = { ...options, nameless: true };
    else if (name === 'denymsg') {
      const said = value.replaceAll(/["']/g, '').replaceAll(/[^\u0020-\u007e]/g, ' ').trim();
      options = { ...options, denied: said === '' ? null : said.slice(0, 400) };
    } else if (!QUIET.has(name)) idle.push(name);
  }
  return read({ ...options, idle });
}
