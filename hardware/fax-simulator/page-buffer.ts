/** The modem's buffer for page data: it runs empty at the line's speed, asks the computer to wait, and loses what does not fit. */
import { after, type Clock, type Instant } from '../../src/core/clock.ts';

const XON = 0x11;
const XOFF = 0x13;

export interface PageBuffer {
  readonly lostOctets: number;
  /** What fitted. */
  take(octets: Uint8Array): Uint8Array;
  /** Everything is on the line. */
  empty(): Promise<void>;
  close(): void;
}

export function openPageBuffer(given: { readonly octets: number; readonly lineBits?: number; readonly clock: Clock; readonly say: (octet: number) => void }): PageBuffer {
  const { clock, octets: size, say } = given;
  const perMs = given.lineBits === undefined ? Number.POSITIVE_INFINITY : given.lineBits / 8000;
  const closed = new AbortController();
  let held = 0;
  let at = clock.now();
  let lost = 0;
  let stopped = false;

  function run(): void {
    const now = clock.now();
    held = Math.max(0, held - (now - at) * perMs);
    at = now;
  }
  function whenHeld(left: number): Instant {
    return after(clock.now(), Math.max(1, Math.ceil((held - left) / perMs)));
  }
  async function goOn(): Promise<void> {
    for (run(); held > size / 4 && !closed.signal.aborted; run()) await clock.sleepUntil(whenHeld(size / 4), closed.signal);
    stopped = false;
    if (!closed.signal.aborted) say(XON);
  }

  return {
    get lostOctets() {
      return lost;
    },
    take(octets) {
      if (perMs === Number.POSITIVE_INFINITY) return octets;
      run();
      const kept = octets.subarray(0, Math.max(0, Math.floor(size - held)));
      lost += octets.length - kept.length;
      held += kept.length;
      if (held > (size * 3) / 4 && !stopped) {
        stopped = true;
        say(XOFF);
        void goOn();
      }
      return kept;
    },
    async empty() {
      for (run(); held > 0 && !closed.signal.aborted; run()) await clock.sleepUntil(whenHeld(0), closed.signal);
    },
    close: () => closed.abort(),
  };
}
