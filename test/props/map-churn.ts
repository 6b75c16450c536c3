/** `map-churn.ts Map|SteadyMap`: a million objects pass through a map that is old; prints how often the whole heap was swept meanwhile. */
import { PerformanceObserver, constants } from 'node:perf_hooks';
import { SteadyMap } from '../../src/kit/steady-map.ts';

const AT_ONCE = 30;
const map: SteadyMap<string, object> | Map<string, object> = process.argv[2] === 'Map' ? new Map<string, object>() : new SteadyMap<string, object>();
let sweeps = 0;
const watch = new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if ((entry as { detail?: { kind?: number } }).detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) sweeps++;
});

function pass(from: number, to: number): void {
  for (let n = from; n < to; n++) {
    map.set(`message ${n}`, { n, recipients: [n], content: Array.from({ length: 100 }, () => n) });
    map.delete(`message ${n - AT_ONCE}`);
  }
}

pass(0, 1000);
// Twice survived: the map's table is old now.
for (let n = 0; n < 2; n++) globalThis.gc?.();
watch.observe({ entryTypes: ['gc'] });
for (let n = 1; n < 1000; n++) {
  pass(n * 1000, (n + 1) * 1000);
  if (n % 50 === 0) await new Promise(setImmediate);
}
await new Promise(setImmediate);
process.stdout.write(String(sweeps));
