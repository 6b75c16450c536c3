/** The last five minutes by the second and the last day by the minute, in rings of fixed size. What is not known is NaN. */
import type { Counted } from './traffic.ts';
import { createLatency } from './latency.ts';

export const MEASURES = ['accepted', 'delivered', 'deferred', 'failed', 'octets', 'median', 'slow', 'queued', 'resident'] as const;
export type Measure = (typeof MEASURES)[number];
/** Per second for what is counted, ms for times, octets and messages for levels. */
export type Sample = Readonly<Record<Measure, number>>;

export interface Series {
  readonly stepMs: number;
  /** When the last slot ends. */
  readonly endsAt: number;
  /** Oldest first. */
  of(measure: Measure): readonly number[];
}

export interface History {
  add(at: number, seconds: number, counted: Counted, levels: { readonly queued: number; readonly resident: number }): void;
  readonly minutes: Series;
  readonly day: Series;
  /** Of the last `seconds` seconds; NaN where nothing is known. */
  average(measure: Measure, seconds: number): number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
export const SECONDS_KEPT = 300;
export const MINUTES_KEPT = 1440;
/** The share of messages that are not slower than `slow`. */
export const SLOW_SHARE = 0.95;

export function createHistory(): History {
  const fine = createRing(SECOND_MS, SECONDS_KEPT);
  const coarse = createRing(MINUTE_MS, MINUTES_KEPT);
  const minuteLatency = createLatency();
  let minuteSeconds = 0;
  return {
    add(at, seconds, counted, { queued, resident }) {
      const rate = (n: number) => n / Math.max(seconds, 0.001);
      const { latency } = counted;
      const sample: Sample = {
        accepted: rate(counted.accepted), delivered: rate(counted.delivered), deferred: rate(counted.deferred), failed: rate(counted.failed), octets: rate(counted.octets),
        median: latency.quantile(0.5) ?? Number.NaN, slow: latency.quantile(SLOW_SHARE) ?? Number.NaN, queued, resident,
      };
      fine.put(at, () => sample);
      coarse.put(at, before => {
        if (before === null) {
          minuteLatency.clear();
          minuteSeconds = 0;
        }
        minuteLatency.merge(latency);
        const mean = (measure: Measure) => (before === null ? sample[measure] : (before[measure] * minuteSeconds + sample[measure] * seconds) / (minuteSeconds + seconds));
        const merged: Sample = {
          accepted: mean('accepted'), delivered: mean('delivered'), deferred: mean('deferred'), failed: mean('failed'), octets: mean('octets'),
          median: minuteLatency.quantile(0.5) ?? Number.NaN, slow: minuteLatency.quantile(SLOW_SHARE) ?? Number.NaN,
          queued: Math.max(queued, before?.queued ?? 0), resident: Math.max(resident, before?.resident ?? 0),
        };
        minuteSeconds += seconds;
        return merged;
      });
    },
    minutes: fine.series,
    day: coarse.series,
    average(measure, seconds) {
      const known = fine.series.of(measure).slice(-seconds).filter(value => !Number.isNaN(value));
      return known.length === 0 ? Number.NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
    },
  };
}

function createRing(stepMs: number, slots: number): { put(at: number, merge: (before: Sample | null) => Sample): void; readonly series: Series } {
  const columns = new Map(MEASURES.map(measure => [measure, new Float64Array(slots).fill(Number.NaN)]));
  let last: number | null = null;
  const columnOf = (measure: Measure) => columns.get(measure) as Float64Array;

  function erase(from: number, to: number): void {
    for (const column of columns.values()) for (let slot = from; slot <= to; slot++) column[slot % slots] = Number.NaN;
  }
  /** To the slot of this time; false when it is the one we had. */
  function advance(at: number): boolean {
    const slot = Math.floor(at / stepMs);
    if (last !== null && slot === last) return false;
    if (last === null || slot < last || slot - last >= slots) erase(0, slots - 1); // the clock was set, or we slept
    else erase(last + 1, slot);
    last = slot;
    return true;
  }

  return {
    put(at, merge) {
      const isNew = advance(at);
      const place = (last as number) % slots;
      const sample = merge(isNew ? null : Object.fromEntries(MEASURES.map(measure => [measure, columnOf(measure)[place]])) as Sample);
      for (const measure of MEASURES) columnOf(measure)[place] = sample[measure];
    },
    series: {
      stepMs,
      get endsAt() { return last === null ? 0 : (last + 1) * stepMs; },
      of(measure) {
        const column = columnOf(measure);
        return Array.from({ length: slots }, (_, n) => (last === null ? Number.NaN : column[(last + 1 + n) % slots] as number));
      },
    },
  };
}
