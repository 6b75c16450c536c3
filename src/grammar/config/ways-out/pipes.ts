/**
 * `pipes`: programs that take mail. `NAME [input=message|bsmtp] [recipients=16] [parallel=4] [timeout=10m]: PROGRAM
 * WORD …`; words may stand in quotes, and no shell reads them. `piperoutes`: `DOMAIN NAME [NEXTHOP]`.
 */
import { parseLines } from '../control-file.ts';
import { foldDomain, isDomain } from '../domain-list.ts';
import { parseDuration } from '../duration.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface PipeRule {
  readonly name: string;
  /** What standard input has: the message with LF ends, or its envelope and the message as batched SMTP. */
  readonly input: 'message' | 'bsmtp';
  /** In one run. */
  readonly recipients: number;
  readonly parallel: number;
  readonly timeoutMs: number;
  /** The program, absolute, and its words. */
  readonly command: readonly string[];
}

export interface PipeRoute {
  readonly line: number;
  readonly domain: string;
  readonly name: string;
  readonly nexthop: string;
}

const EXAMPLE = 'nncp recipients=16: /usr/bin/nncp-exec -quiet {nexthop} rmail {recipients}';
/** {recipients} becomes as many words; the others are the text of one recipient, or of the envelope. */
export const placeholders = ['sender', 'recipients', 'recipient', 'user', 'domain', 'nexthop', 'id'] as const;
const OF_ONE = /\{(?:recipient|user|domain)\}/;

export function parsePipes(text: string): Parsed<readonly PipeRule[]> {
  const problems: Problem[] = [];
  const rules: PipeRule[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [, name = '', options = '', rest = ''] = /^([a-z][\w.-]{0,40})((?:\s+[a-z]+=\S+)*)\s*:\s+(.*)$/.exec(entry) ?? [];
    if (name === '') {
      say(`${shown(entry)} is not a name, options, a colon and a command`);
      continue;
    }
    let rule: PipeRule = { name, input: 'message', recipients: 16, parallel: 4, timeoutMs: 600_000, command: words(rest) };
    for (const option of options.trim().split(/\s+/)) {
      const [key = '', value = ''] = option.split('=', 2);
      const duration = key === 'timeout' ? parseDuration(value, 'timeout=10m') : null;
      if (key === '') continue;
      if (key === 'input' && (value === 'message' || value === 'bsmtp')) rule = { ...rule, input: value };
      else if ((key === 'recipients' || key === 'parallel') && /^[1-9]\d{0,3}$/.test(value)) rule = { ...rule, [key]: Number(value) };
      else if (duration?.kind === 'read' && duration.value >= 1000) rule = { ...rule, timeoutMs: duration.value };
      else say(`${shown(option)} is not understood`);
    }
    const [program = ''] = rule.command;
    const unknown = rule.command.flatMap(word => [...word.matchAll(/\{(\w+)\}/g)].map(found => found[1] as string)).find(one => !placeholders.some(known => known === one));
    if (!program.startsWith('/') || program.includes('{')) say(`${shown(program)} is not the absolute path of a program`);
    if (unknown !== undefined) say(`there is no {${unknown}}`, placeholders.map(one => `{${one}}`).join(' '));
    if (rule.command.some(word => word.includes('{recipients}') && word !== '{recipients}')) say('{recipients} is several words and must stand alone', '{recipients}');
    if (rule.command.some(word => OF_ONE.test(word))) rule = { ...rule, recipients: 1 };
    else if (rule.input === 'message' && !rule.command.includes('{recipients}')) say('nothing tells the program who gets the message', 'a word {recipients} or {recipient}, or input=bsmtp');
    if (rules.some(one => one.name === name)) say(`a second pipe ${name}`, 'one line a name');
    rules.push(rule);
  }
  return settle(rules, problems);
}

/** Blanks part words; quotes keep them together; a backslash is itself but before a quote. */
function words(text: string): readonly string[] {
  return [...text.matchAll(/(?:"((?:\\"|[^"])*)"|(\S+))/g)].map(([, quoted, plain]) => (quoted === undefined ? (plain as string) : quoted.replaceAll('\\"', '"')));
}

export function parsePipeRoutes(text: string): Parsed<readonly PipeRoute[]> {
  const problems: Problem[] = [];
  const routes: PipeRoute[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const [written = '', name = '', nexthop = '', more] = entry.split(/\s+/);
    const domain = foldDomain(written.replace(/^\./, ''));
    if (!isDomain(domain) || name === '' || more !== undefined || nexthop.startsWith('-')) problems.push({ line, what: `${shown(entry)} is not a domain, a pipe and perhaps a next hop`, right: 'office.example.com nncp office' });
    else routes.push({ line, domain: written.startsWith('.') ? `.${domain}` : domain, name, nexthop });
  }
  return settle(routes, problems);
}
