/**
 * A receiver in a process of its own. Told 'begin', it sweeps its heap; told 'tell', it says how many octets of what came
 * since have grown old, and how often the heap was swept meanwhile.
 */
import { PerformanceObserver, constants } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { openReceiveBox } from './receive-box.ts';

export interface Told {
  readonly oldOctets: number;
  readonly sweeps: number;
}

let sweeps = 0;
let before = 0;
const watch = new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if ((entry as { detail?: { kind?: number } }).detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) sweeps++;
});
const old = (): number => getHeapSpaceStatistics().find(one => one.space_name === 'old_space')?.space_used_size ?? 0;

const box = await openReceiveBox({});
process.on('message', order => {
  if (order === 'begin') {
    // Twice survived: what lasts is old now.
    for (let n = 0; n < 2; n++) globalThis.gc?.();
    before = old();
    watch.observe({ entryTypes: ['gc'] });
    process.send?.('begun');
  } else if (order === 'tell') {
    process.send?.({ oldOctets: old() - before, sweeps } satisfies Told);
  }
});
process.send?.(box.port);
