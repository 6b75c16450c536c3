/** A plot as SVG for the lines and HTML for the words, so that letters stay legible at every width. */
import { html, Html, type HtmlPart } from '../../kit/html.ts';
import { formatSpan } from './figures.ts';
import type { Measure, Series } from './history.ts';

export interface PlotLine {
  readonly measure: Measure;
  readonly name: string;
  /** Which of the style's colours. */
  readonly colour: 'a' | 'b' | 'c' | 'd';
}

export interface Plot {
  readonly title: string;
  readonly series: Series;
  readonly lines: readonly PlotLine[];
  format(value: number): string;
  /** The axis reaches at least so far. */
  readonly least: number;
  /** What one is on the axis: a MiB for octets. */
  readonly unit?: number;
}

const WIDTH = 600;
const HEIGHT = 120;
/** Points in a line: more than pixels on a phone, and a day of minutes still is small. */
const POINTS = 300;

export function formatPlot({ title, series, lines, format, least, unit = 1 }: Plot): Html {
  const drawn = lines.map(line => ({ ...line, values: thinned(series.of(line.measure)) }));
  const top = unit * niceTop(Math.max(least, ...drawn.flatMap(({ values }) => values.filter(value => !Number.isNaN(value)))) / unit);
  const span = formatSpan(series.of(lines[0]?.measure ?? 'queued').length * series.stepMs);
  const latest = drawn.map(({ name, colour, values }) => ({ name, colour, value: format(values.findLast(value => !Number.isNaN(value)) ?? Number.NaN) }));
  const words = `${title}, last ${span}: ${latest.map(({ name, value }) => `${name} ${value}`).join(', ')}; the axis ends at ${format(top)}`;
  return html`<figure class="plot">
<figcaption><span class="plot-title">${title}</span> ${latest.map(({ name, colour, value }): HtmlPart => html`<span class="key key-${colour}">${name} <b>${value}</b></span> `)}</figcaption>
<div class="plot-area"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${words}">
<path class="grid" d="M0 ${HEIGHT / 2}H${WIDTH}M0 0.5H${WIDTH}M0 ${HEIGHT - 0.5}H${WIDTH}"/>
${drawn.map(({ colour, values }, at) => html`${at === 0 ? html`<path class="area" d="${runsOf(values, top).map(areaOf).join('')}"/>
` : null}<path class="line line-${colour}" d="${runsOf(values, top).map(lineOf).join('')}"/>
`)}</svg><span class="axis-top" aria-hidden="true">${format(top)}</span></div>
<div class="axis" aria-hidden="true"><span>${span} ago</span><span>now</span></div>
</figure>`;
}

/** The highest of each few, so that a peak of a second is seen in a day too. */
function thinned(values: readonly number[]): readonly number[] {
  const each = Math.ceil(values.length / POINTS);
  if (each === 1) return values;
  return Array.from({ length: Math.ceil(values.length / each) }, (_, n) => {
    const known = values.slice(n * each, (n + 1) * each).filter(value => !Number.isNaN(value));
    return known.length === 0 ? Number.NaN : Math.max(...known);
  });
}

type Point = readonly [x: number, y: number];

/** What is not known parts the line. */
function runsOf(values: readonly number[], top: number): readonly (readonly Point[])[] {
  const step = WIDTH / Math.max(1, values.length - 1);
  const runs: Point[][] = [];
  let run: Point[] | null = null;
  for (const [at, value] of values.entries()) {
    if (Number.isNaN(value)) {
      run = null;
      continue;
    }
    if (run === null) runs.push((run = []));
    run.push([round(at * step), round(HEIGHT - 1 - (Math.min(value, top) / top) * (HEIGHT - 2))]);
  }
  return runs;
}

/** A value alone is a dot: a line of no length with round ends. */
function lineOf(run: readonly Point[]): string {
  return `M${run.map(([x, y]) => `${x} ${y}`).join('L')}${run.length === 1 ? 'h0' : ''}`;
}

function areaOf(run: readonly Point[]): string {
  return `M${run[0]?.[0] ?? 0} ${HEIGHT}L${run.map(([x, y]) => `${x} ${y}`).join('L')}V${HEIGHT}Z`;
}

/** 1, 2 or 5 of its power of ten. */
export function niceTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find(step => value <= step * power * 1.0001) ?? 10) * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
