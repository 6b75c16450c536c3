/**
 * `uucpbatches`, ours in Courier's style: neighbours that get batched SMTP instead of a job for each message.
 * `NODE COMMAND [none|gzip|zstd] [size=4M] [age=1h|poll] [grade=X]`; the node as uucpneighbors lists it.
 */
import { parseLines } from '../config/control-file.ts';
import { parseDuration } from '../config/duration.ts';
import { noting, read, settle, shown, wrong, type Parsed, type Problem } from '../config/parsed.ts';
import { parseSize } from '../config/size.ts';
import { isNodePath } from './neighbors.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

export interface BatchRule {
  readonly node: string;
  /** What the neighbour runs: rsmtp, rgsmtp … */
  readonly command: string;
  readonly compression: Compression;
  /** A batch goes when so much waits, before it is compressed … */
  readonly sizeOctets: number;
  /** … or when the oldest message waited so long; null: only when the neighbour is polled. */
  readonly ageMs: number | null;
  readonly grade?: string;
}

const EXAMPLE = 'siteb rgsmtp size=4M age=1h';
const SIZE_OCTETS = 4 * 1024 * 1024;
const AGE_MS = 3_600_000;
/** What the name promises; rbsmtp is bzip2 elsewhere, so it must be said what is meant. */
const USUAL: Readonly<Record<string, Compression>> = { rsmtp: 'none', bsmtp: 'none', rgsmtp: 'gzip', rzsmtp: 'zstd' };

export function parseBatchRules(text: string): Parsed<readonly BatchRule[]> {
  const problems: Problem[] = [];
  const rules: BatchRule[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const rule = noting(parseRule(entry), line, problems);
    if (rule === undefined) continue;
    if (rules.some(one => one.node.toLowerCase() === rule.node.toLowerCase())) problems.push({ line, what: `a second line for ${rule.node}`, right: 'one line a neighbour' });
    else rules.push(rule);
  }
  return settle(rules, problems);
}

function parseRule(entry: string): Parsed<BatchRule> {
  const [node = '', command = '', ...words] = entry.split(/\s+/);
  if (!isNodePath(node)) return wrong(`${shown(node)} is no node`, EXAMPLE);
  if (!/^[a-z][a-z0-9]{0,30}$/.test(command)) return wrong(`${shown(command)} is no command for batched SMTP`, EXAMPLE);
  let compression = USUAL[command];
  let rule = { node, command, sizeOctets: SIZE_OCTETS, ageMs: AGE_MS as number | null };
  let grade: string | undefined;
  for (const word of words) {
    const [key = '', value = ''] = word.split('=', 2);
    if (key === 'none' || key === 'gzip' || key === 'zstd') compression = key;
    else if (key === 'size') {
      const size = parseSize(value, 'size=4M');
      if (size.kind === 'wrong') return size;
      rule = { ...rule, sizeOctets: size.value };
    } else if (key === 'age') {
      const age = value === 'poll' ? read(null) : parseDuration(value, 'age=1h, or age=poll');
      if (age.kind === 'wrong') return age;
      rule = { ...rule, ageMs: age.value };
    } else if (key === 'grade' && isGrade(value)) grade = value;
    else return wrong(`${shown(word)} is not understood`, EXAMPLE);
  }
  if (compression === undefined) return wrong(`how ${command} is compressed must be said: none, gzip or zstd`, `${node} ${command} gzip`);
  return read({ ...rule, compression, ...(grade === undefined ? {} : { grade }) });
}

/** One letter or digit; 0 goes first, z last. */
export function isGrade(text: string): boolean {
  return /^[0-9A-Za-z]$/.test(text);
}
