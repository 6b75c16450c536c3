/**
 * `node bench/compare.ts BEFORE.json AFTER.json [--peer posthorn]`: two runs side by side. A change counts when the
 * medians differ by more than both runs' spread and by more than a tenth; a change for the worse ends with 1.
 */
import { parseArgs } from 'node:util';
import { readResults, type Results } from './results.ts';
import { median, spread } from './statistics.ts';
import { columns, number, paint } from './table.ts';

export interface Change {
  readonly name: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** Above 1 is better, whatever the unit. */
  readonly gain: number;
  readonly noise: number;
  readonly verdict: 'better' | 'worse' | 'same';
}

/** The least change that is not called noise. */
const leastChange = 0.1;

export function compare(before: Results, after: Results, peer: string): readonly Change[] {
  return after.answers.flatMap((answer) => {
    const now = answer.samples[peer];
    const then = before.answers.find((one) => one.name === answer.name)?.samples[peer];
    if (now === undefined || then === undefined) return [];
    const [was, is] = [median(then), median(now)];
    const gain = answer.better === 'more' ? is / was : was / is;
    const noise = Math.max(leastChange, spread(then) + spread(now));
    const verdict = gain > 1 + noise ? 'better' : gain < 1 / (1 + noise) ? 'worse' : 'same';
    return [{ name: answer.name, unit: answer.unit, before: was, after: is, gain, noise, verdict }];
  });
}

if (import.meta.main) process.exitCode = main();

function main(): number {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { peer: { type: 'string', default: 'posthorn' } } });
  const [before, after] = positionals;
  if (before === undefined || after === undefined) {
    process.stderr.write('usage: node bench/compare.ts BEFORE.json AFTER.json [--peer NAME]\n');
    return 2;
  }
  const changes = compare(readResults(before), readResults(after), values.peer);
  const rows = changes.map((one) => [`${one.name} (${one.unit})`, number(one.before), number(one.after), `${number(one.gain)}×`, `±${Math.round(one.noise * 100)}%`, one.verdict]);
  const colour = { better: 'green', worse: 'red', same: 'gray' } as const;
  for (const [at, line] of columns([['', 'before', 'after', 'gain', 'noise', ''], ...rows], new Set([1, 2, 3, 4])).entries()) {
    process.stdout.write(`${at === 0 ? line : paint(colour[changes[at - 1]?.verdict ?? 'same'], line)}\n`);
  }
  return changes.some((one) => one.verdict === 'worse') ? 1 : 0;
}
