/** What every question gets: who takes part, how long it may look, where to write. */
import type { Peer } from '../peers/peer.ts';
import type { Notebook } from '../results.ts';

export interface Bench {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  /** One sample lasts about this long. */
  readonly sampleSeconds: number;
  /** Who compiles itself as it runs is measured as it is after so much work, and who does not after the same. */
  readonly warmSeconds: number;
  readonly quick: boolean;
  readonly notebook: Notebook;
  /** An empty folder on a real disk. */
  scratch(name: string): string;
  removed(folder: string): void;
  /** Shows what is going on. */
  say(line: string): void;
}

/** A sample that fails is named and left out: one peer's trouble does not end the bench. */
export async function attempt(bench: Bench, what: string, sample: () => Promise<void>): Promise<void> {
  try {
    await sample();
  } catch (cause) {
    bench.say(`  ${what}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
