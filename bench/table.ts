/** Results for people: one row a question, one column a peer, Posthorn's ratio to the first other. */
import { styleText } from 'node:util';
import type { Hotspot } from './cpu-profile.ts';
import type { Judgement } from './requirements.ts';
import type { Answer } from './results.ts';
import { median, spread } from './statistics.ts';

type Colour = Parameters<typeof styleText>[0];
export type Paint = (colour: Colour, text: string) => string;

/** Colours where the terminal has them; NO_COLOR and pipes get plain text. */
export const paint: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout });

export function columns(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows.map((row) => row.map((cell, at) => {
    const gap = ' '.repeat((widths[at] ?? 0) - cell.length);
    return right.has(at) ? gap + cell : cell + gap;
  }).join('  ').trimEnd());
}

export function number(value: number): string {
  if (Number.isNaN(value)) return '–';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

export function answersTable(answers: readonly Answer[], peers: readonly string[]): readonly string[] {
  const others = peers.filter((peer) => peer !== 'posthorn');
  const header = ['', ...peers, 'posthorn / best other'];
  const rows = answers.map((answer) => {
    const cells = peers.map((peer) => {
      const samples = answer.samples[peer];
      if (samples === undefined || samples.length === 0) return '';
      return `${number(median(samples))}${samples.length > 1 ? ` ±${Math.round(spread(samples) * 100)}%` : ''}`;
    });
    const ours = answer.samples['posthorn'];
    const theirs = others.filter((peer) => !peer.startsWith('floor')).map((peer) => answer.samples[peer]).filter((one) => one !== undefined && one.length > 0).map((one) => median(one ?? []));
    const best = answer.better === 'more' ? Math.max(...theirs) : Math.min(...theirs);
    const ratio = ours === undefined || ours.length === 0 || theirs.length === 0 ? '' : `${number(median(ours) / best)}×`;
    return [`${answer.name} (${answer.unit})`, ...cells, ratio];
  });
  return columns([header, ...rows], new Set(header.map((_, at) => at).slice(1)));
}

export function judgementTable(judgements: readonly Judgement[]): readonly string[] {
  const marks = { holds: 'holds', broken: 'BROKEN', open: 'not asked' } as const;
  const rows = judgements.map((one) => [one.kind, marks[one.verdict], one.what, one.found === undefined ? '' : `${number(one.found)} ${one.unit}`, one.wanted]);
  return columns(rows, new Set([3])).map((line, at) => {
    const { kind, verdict } = judgements[at] ?? { kind: 'aim', verdict: 'open' };
    if (verdict === 'open') return paint('gray', line);
    return paint(verdict === 'holds' ? 'green' : kind === 'must' ? 'red' : 'yellow', line);
  });
}

export function profileTable(found: readonly Hotspot[]): readonly string[] {
  return columns(found.map(({ share, name, where }) => [`${(share * 100).toFixed(1)} %`, name, where]), new Set([0]));
}
