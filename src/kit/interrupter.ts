/** An AbortController that only wakes sleepers, for sleeps that are broken off thousands of times a second. */
import type { Interruption } from '../core/clock.ts';

export class Interrupter implements Interruption {
  aborted = false;
  #heard: (() => void)[] = [];

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const told = this.#heard;
    this.#heard = [];
    for (const heard of told) heard();
  }

  addEventListener(_event: 'abort', heard: () => void): void {
    this.#heard.push(heard);
  }

  removeEventListener(_event: 'abort', heard: () => void): void {
    const at = this.#heard.indexOf(heard);
    if (at >= 0) this.#heard.splice(at, 1);
  }
}

/** For whoever needs a whole AbortSignal: programs, requests, and several signals in one. */
export function signalOf(interruption: Interruption): AbortSignal {
  if (interruption instanceof AbortSignal) return interruption;
  const controller = new AbortController();
  if (interruption.aborted) controller.abort();
  else interruption.addEventListener('abort', () => controller.abort());
  return controller.signal;
}
