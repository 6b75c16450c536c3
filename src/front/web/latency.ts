/** How long things took, in classes a fifth apart: from a millisecond to eleven days in 160 numbers. */
export interface Latency {
  add(ms: number): void;
  merge(other: Latency): void;
  /** Null when nothing was added. */
  quantile(share: number): number | null;
  clear(): void;
  readonly counts: Uint32Array;
  readonly total: number;
}

const PER_OCTAVE = 4;
const CLASSES = 160;

export function createLatency(): Latency {
  const counts = new Uint32Array(CLASSES);
  let total = 0;
  return {
    counts,
    get total() { return total; },
    add(ms) {
      const at = Math.min(CLASSES - 1, Math.max(0, Math.floor(Math.log2(Math.max(ms, 0) + 1) * PER_OCTAVE)));
      counts[at] = (counts[at] as number) + 1;
      total++;
    },
    merge(other) {
      if (other.total === 0) return;
      for (let at = 0; at < CLASSES; at++) counts[at] = (counts[at] as number) + (other.counts[at] as number);
      total += other.total;
    },
    quantile(share) {
      if (total === 0) return null;
      let left = Math.max(1, Math.ceil(total * share));
      for (let at = 0; at < CLASSES; at++) {
        left -= counts[at] as number;
        if (left <= 0) return 2 ** ((at + 0.5) / PER_OCTAVE) - 1;
      }
      return null;
    },
    clear() {
      counts.fill(0);
      total = 0;
    },
  };
}
