/** The only sources of time and luck. */
export type Instant = number & { readonly instant: unique symbol }; // ms since the epoch

export interface Clock {
  now(): Instant;
  /** Resolves at `when`, at once when `signal` aborts, and early when the clock was set back. Never rejects. */
  sleepUntil(when: Instant, signal?: Interruption): Promise<void>;
}

/** As much of an AbortSignal as who sleeps or delivers asks of it. */
export interface Interruption {
  readonly aborted: boolean;
  addEventListener(event: 'abort', heard: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(event: 'abort', heard: () => void): void;
}

export interface Chance {
  /** A whole number, low ≤ n ≤ high. */
  between(low: number, high: number): number;
}

export function after(start: Instant, ms: number): Instant {
  return (start + ms) as Instant;
}
