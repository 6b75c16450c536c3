/**
 * `log`: where log lines go, a place a line; without the file, `stdout`.
 *
 *   stdout [format=json|text] [level=info|warn|error]
 *   /var/log/posthorn.log [format=…] [level=…]
 *   syslog 127.0.0.1:514 [format=…] [level=…] [protocol=5424|3164] [facility=mail] [tag=posthorn]
 */
import { parseLines } from './control-file.ts';
import { parseEndpoint } from './endpoint.ts';
import { nearestName } from './nearest-name.ts';
import { parseIpAddress } from './network.ts';
import { settle, shown, type Parsed, type Problem } from './parsed.ts';

export type LogTarget = StandardOutput | LogFile | Syslog;

interface Common {
  readonly format: 'json' | 'text';
  /** The least that is written there. */
  readonly level: 'info' | 'warn' | 'error';
}

export interface StandardOutput extends Common {
  readonly kind: 'stdout';
}

export interface LogFile extends Common {
  readonly kind: 'file';
  /** Absolute. */
  readonly path: string;
}

export interface Syslog extends Common {
  readonly kind: 'syslog';
  readonly host: string;
  readonly port: number;
  /** Of which RFC a line is. */
  readonly protocol: '5424' | '3164';
  /** Its code (RFC 5424 §6.2.1). */
  readonly facility: number;
  readonly tag: string;
}

export const usualLog: readonly LogTarget[] = [{ kind: 'stdout', format: 'json', level: 'info' }];

const EXAMPLES = { stdout: 'stdout format=json', file: '/var/log/posthorn.log format=text', syslog: 'syslog 127.0.0.1:514 facility=mail' } as const;
const OPTIONS: Readonly<Record<LogTarget['kind'], readonly string[]>> = { stdout: ['format', 'level'], file: ['format', 'level'], syslog: ['format', 'level', 'protocol', 'facility', 'tag'] };
const VALUES: Readonly<Record<string, readonly string[]>> = { format: ['json', 'text'], level: ['info', 'warn', 'error'], protocol: ['5424', '3164'] };
export const facilities: readonly string[] = ['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp', 'ntp', 'audit', 'alert', 'clock', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'];
const MOST = 8;
const MAIL = 2;

export function parseLogTargets(text: string): Parsed<readonly LogTarget[]> {
  const problems: Problem[] = [];
  const targets: LogTarget[] = [];
  const lines = parseLines(text);
  for (const { line, text: entry } of lines) {
    const say = (what: string, right: string): void => void problems.push({ line, what, right });
    const [place = '', ...words] = entry.split(/\s+/);
    const kind = place === 'stdout' || place === 'syslog' ? place : place.startsWith('/') ? 'file' : null;
    if (kind === null) {
      say(`${shown(place)} is no place for a log: stdout, syslog, or the absolute path of a file`, nearestName(place, ['stdout', 'syslog']) ?? EXAMPLES.file);
      continue;
    }
    if (kind === 'file' && place.endsWith('/')) say(`${shown(place)} is a folder`, EXAMPLES.file);
    const options = optionsOf(kind, kind === 'syslog' ? words.slice(1) : words, say);
    const common: Common = { format: options.get('format') === 'text' || (kind === 'syslog' && !options.has('format')) ? 'text' : 'json', level: (options.get('level') as Common['level'] | undefined) ?? 'info' };
    if (kind === 'stdout') targets.push({ kind, ...common });
    else if (kind === 'file') targets.push({ kind, path: place, ...common });
    else {
      const endpoint = parseEndpoint(words[0] ?? '', 514, EXAMPLES.syslog);
      // A name would be looked up for each line.
      if (endpoint.kind === 'wrong') say(endpoint.problems[0]?.what ?? '', EXAMPLES.syslog);
      else if (parseIpAddress(endpoint.value.host) === null || endpoint.value.port === 0) say(`${shown(words[0] ?? '')} is not an address and a port`, EXAMPLES.syslog);
      else targets.push({ kind, ...endpoint.value, ...common, protocol: options.get('protocol') === '3164' ? '3164' : '5424', facility: options.has('facility') ? facilities.indexOf(options.get('facility') as string) : MAIL, tag: options.get('tag') ?? 'posthorn' });
    }
  }
  if (lines.length > MOST) problems.push({ line: lines[MOST]?.line ?? 1, what: `more than ${MOST} places`, right: 'fewer' });
  if (lines.length === 0) problems.push({ line: 1, what: 'no place in this file', right: EXAMPLES.stdout });
  return settle(targets, problems);
}

function optionsOf(kind: LogTarget['kind'], words: readonly string[], say: (what: string, right: string) => void): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const word of words) {
    const [, name = '', value = ''] = /^([a-z]+)=(.*)$/.exec(word) ?? [];
    const values = VALUES[name];
    if (!OPTIONS[kind].includes(name)) say(`${shown(word)} is no option of ${kind}`, EXAMPLES[kind]);
    else if (options.has(name)) say(`${name}= is said twice`, 'once');
    else if (values !== undefined && !values.includes(value)) say(`${shown(value)} is not one of ${values.join(', ')}`, `${name}=${values[0]}`);
    else if (name === 'facility' && !facilities.includes(value)) say(`${shown(value)} is no facility of syslog`, `facility=${nearestName(value, facilities) ?? 'mail'}`);
    // RFC 3164 §4.1.3: letters and digits, at most 32.
    else if (name === 'tag' && !/^[A-Za-z0-9_-]{1,32}$/.test(value)) say(`${shown(value)} cannot be a tag`, 'tag=posthorn');
    else options.set(name, value);
  }
  return options;
}

export function formatLogTarget(target: LogTarget): string {
  const place = target.kind === 'file' ? target.path : target.kind === 'stdout' ? 'stdout' : `syslog ${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
  const more = target.kind === 'syslog' ? ` protocol=${target.protocol} facility=${facilities[target.facility]} tag=${target.tag}` : '';
  return `${place} format=${target.format} level=${target.level}${more}`;
}
