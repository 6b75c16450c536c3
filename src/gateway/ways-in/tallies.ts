/** What each receiving process counts of strangers, told to the others ten times a second at most. */
import { after, type Clock } from '../../core/clock.ts';
import type { Counted } from '../../flow/check/index.ts';

/** As it goes from process to process. */
export type Tallies = readonly (readonly [what: Counted, key: string, times: number])[];

export interface Teller {
  count(what: Counted, key: string): void;
  /** What was not told yet is nobody's loss. */
  close(): void;
}

const TELL_MS = 100;
/** Keys of a tenth of a second: more is a flood, which each process meets by itself. */
const MOST = 10_000;

export function openTeller(clock: Clock, tell: (tallies: Tallies) => void): Teller {
  const over = new AbortController();
  let waiting = new Map<string, { readonly what: Counted; readonly key: string; times: number }>();

  function count(what: Counted, key: string): void {
    const name = `${what} ${key}`;
    const known = waiting.get(name);
    if (known !== undefined) {
      known.times++;
      return;
    }
    if (over.signal.aborted || waiting.size >= MOST) return;
    waiting.set(name, { what, key, times: 1 });
    if (waiting.size === 1) void clock.sleepUntil(after(clock.now(), TELL_MS), over.signal).then(send);
  }

  function send(): void {
    const tallies = [...waiting.values()].map(({ what, key, times }) => [what, key, times] as const);
    waiting = new Map();
    if (!over.signal.aborted) tell(tallies);
  }

  return { count, close: () => over.abort() };
}
