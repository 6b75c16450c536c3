/**
 * Imported first: V8's young generation stays small. Left alone it grows to three times 16 MB for objects that die at
 * once, and a box of a few hundred megabytes pays for it. Commands and the start, which keep most of what they make, do
 * with 1 MB. For a gateway at work it may grow to 8 MB: whatever is under way for fifty clients outlives two collections
 * of less and counts as old, and a tenth of a message's CPU and more goes into that; 16 MB brings no more.
 * The old generation may grow by 65 % before it is swept, which holds what a burst leaves behind below 30 MB. While large
 * mail passes, it is the content of such mail that fills that room, and each sweep walks the whole heap to find some two
 * hundred buffers: then it may grow by 150 %, which spares a tenth of the CPU.
 *
 * V8 reads the maximum before any of our code runs; the factors by which it grows it reads at each collection.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Both halves of it. */
const YOUNG_OCTETS = 16 * 1024 * 1024;
const GROWTH_PERCENT = 65;
const GROWTH_FOR_LARGE_MAIL_PERCENT = 150;
/** Buffers and what else lies outside of the heap: 22 MB at rest, 37 at most while 4 KB mail is taken in, 55 to 81 with 100 KB mail. */
const LARGE_MAIL_OCTETS = 44 * 1024 * 1024;

setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
setFlagsFromString('--semi-space-growth-factor=1');

/** Called once, when there is work. */
export function letHeapGrow(): void {
  let growing = false;
  let large = false;
  function look(): void {
    const wanted = youngOctets() < YOUNG_OCTETS;
    if (growing !== wanted) setFlagsFromString(`--semi-space-growth-factor=${wanted ? 2 : 1}`);
    growing = wanted;
    const isLarge = getHeapStatistics().external_memory > LARGE_MAIL_OCTETS;
    if (large !== isLarge) setFlagsFromString(`--heap-growing-percent=${isLarge ? GROWTH_FOR_LARGE_MAIL_PERCENT : GROWTH_PERCENT}`);
    large = isLarge;
  }
  look();
  // An idle process gives it up again, and then it has to grow once more.
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] });
}

function youngOctets(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? YOUNG_OCTETS;
}
