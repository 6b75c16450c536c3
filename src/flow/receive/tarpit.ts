/** Waits that grow with each 5yz and are forgotten at the next accepted message; 4yz never wait. */
const FIRST_MS = 8_000;
const LAST_MS = 128_000;

export interface Tarpit {
  /** How long this refusal waits. */
  next(): number;
  reset(): void;
}

export function createTarpit(): Tarpit {
  let waitMs = FIRST_MS;
  return {
    next() {
      const now = waitMs;
      waitMs = Math.min(waitMs * 2, LAST_MS);
      return now;
    },
    reset() {
      waitMs = FIRST_MS;
    },
  };
}
