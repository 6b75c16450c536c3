/** Counting. Names end in their unit; label values come from small sets (a next hop is capped by the registry). */
export interface Counter {
  add(n: number, labels?: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
}
export interface Histogram {
  observe(value: number, labels?: Labels): void;
}
export type Labels = Readonly<Record<string, string>>;

export interface Metrics {
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string): Gauge;
  histogram(name: string, help: string, bounds: readonly number[]): Histogram;
}
