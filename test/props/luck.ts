/** Luck that can be had again: the same seed, the same numbers (mulberry32). */
export interface Luck {
  /** 0 ≤ n < 1 */
  next(): number;
  /** A whole number, low ≤ n ≤ high. */
  between(low: number, high: number): number;
}

export function createLuck(seed: number): Luck {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  return { next, between: (low, high) => low + Math.floor(next() * (high - low + 1)) };
}
