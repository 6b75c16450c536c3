/** A registry in Prometheus' text format 0.0.4. Labels that strangers choose cannot fill memory: past a limit they become "other". */
import type { Counter, Gauge, Histogram, Labels, Metrics } from '../core/metrics.ts';

const SERIES_PER_METRIC = 200;
const OTHER = 'other';

export interface MetricsRegistry extends Metrics {
  /** Called before each rendering, to set gauges that cost something to know. */
  onRender(update: () => void | Promise<void>): void;
  render(): Promise<string>;
  /** The sum of a counter's series that have these labels. */
  total(name: string, labels?: Labels): number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  lines(): string[];
}

export function createMetrics(): MetricsRegistry {
  const families = new Map<string, Family>();
  const updates: (() => void | Promise<void>)[] = [];

  /** The same name gives the same instrument, so that several listeners share one. */
  function once<T>(name: string, make: () => { family: Family; instrument: T }, known: Map<string, T>): T {
    const found = known.get(name);
    if (found !== undefined) return found;
    const { family, instrument } = make();
    families.set(name, family);
    known.set(name, instrument);
    return instrument;
  }
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();

  return {
    counter: (name, help) => once(name, () => {
      const series = createSeries(() => ({ value: 0 }));
      return {
        family: { name, help, type: 'counter', lines: () => series.all().map(([key, one]) => `${name}${key} ${one.value}`) },
        instrument: { add: (n, labels) => { series.of(labels).value += n; } },
      };
    }, counters),
    gauge: (name, help) => once(name, () => {
      const series = createSeries(() => ({ value: 0 }));
      return {
        family: { name, help, type: 'gauge', lines: () => series.all().map(([key, one]) => `${name}${key} ${one.value}`) },
        instrument: { set: (value, labels) => { series.of(labels).value = value; } },
      };
    }, gauges),
    histogram: (name, help, bounds) => once(name, () => {
      const series = createSeries(() => ({ counts: bounds.map(() => 0), count: 0, sum: 0 }));
      return {
        family: { name, help, type: 'histogram', lines: () => series.all().flatMap(([key, one]) => histogramLines(name, key, bounds, one)) },
        instrument: {
          observe(value, labels) {
            const one = series.of(labels);
            one.count++;
            one.sum += value;
            for (let at = 0; at < bounds.length; at++) if (value <= (bounds[at] as number)) one.counts[at] = (one.counts[at] as number) + 1;
          },
        },
      };
    }, histograms),
    onRender: update => { updates.push(update); },
    total(name, labels = {}) {
      const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      const lines = families.get(name)?.lines() ?? [];
      return lines.filter(line => pairs.every(pair => line.includes(pair))).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    async render() {
      for (const update of updates) await update();
      return [...families.values()].map(({ name, help, type, lines }) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines().join('\n')}\n`).join('');
    },
  };
}

interface Branch<T> {
  one: T | undefined;
  readonly next: Map<string, Branch<T>>;
}

function grown<T>(branch: Branch<T>, word: string): Branch<T> {
  let next = branch.next.get(word);
  if (next === undefined) branch.next.set(word, next = { one: undefined, next: new Map() });
  return next;
}

function createSeries<T>(make: () => T): { of(labels?: Labels): T; all(): [string, T][] } {
  const unlabelled = make();
  /** By each label's name and value in turn: nothing is put together for a series that is known. */
  const known: Branch<T> = { one: undefined, next: new Map() };
  let remembered = 0;
  const printed = new Map<string, T>();
  let used = false;
  function add(labels: Labels): T {
    let key = formatLabels(labels);
    if (!printed.has(key) && printed.size >= SERIES_PER_METRIC) key = formatLabels(Object.fromEntries(Object.keys(labels).map(name => [name, OTHER])));
    const one = printed.get(key) ?? make();
    printed.set(key, one);
    return one;
  }
  function remember(labels: Labels, one: T): void {
    let branch = known;
    for (const [name, value] of Object.entries(labels)) branch = grown(grown(branch, name), value);
    branch.one = one;
  }
  return {
    of(labels) {
      if (labels === undefined) {
        used = true;
        return unlabelled;
      }
      let branch: Branch<T> | undefined = known;
      for (const name in labels) branch = branch?.next.get(name)?.next.get(labels[name] as string);
      if (branch?.one !== undefined) return branch.one;
      const one = add(labels);
      if (remembered++ < SERIES_PER_METRIC) remember(labels, one);
      return one;
    },
    all: () => [...(used || printed.size === 0 ? [['', unlabelled] as [string, T]] : []), ...printed],
  };
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))}"`);
  return `{${pairs.join(',')}}`;
}

function histogramLines(name: string, key: string, bounds: readonly number[], one: { counts: number[]; count: number; sum: number }): string[] {
  const inner = key === '' ? '' : `${key.slice(1, -1)},`;
  return [
    ...bounds.map((bound, at) => `${name}_bucket{${inner}le="${bound}"} ${one.counts[at]}`),
    `${name}_bucket{${inner}le="+Inf"} ${one.count}`,
    `${name}_sum${key} ${one.sum}`,
    `${name}_count${key} ${one.count}`,
  ];
}
