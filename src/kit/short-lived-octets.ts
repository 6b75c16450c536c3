/**
 * Buffers that are dead as soon as they are written, by the megabyte.
 *
 * V8 collects young objects when the young generation is full, and of a buffer there lies only a hundred octets in it: a
 * message of 25 MB fills none, its buffers stay, and their octets count towards the bound at which the whole heap is
 * marked; that took a fifth of the message's time. So for every few megabytes made, the young are collected: half a
 * millisecond, and the next buffers get the memory of the last ones.
 *
 * QUIRK: Node offers no way to ask for that but V8's gc(), which must be exposed first, and then only a new context has it.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const OCTETS = 4 * 1024 * 1024;
/** Of smaller ones the young generation holds enough to be full in time. */
const LARGE_OCTETS = 32 * 1024;

export class ShortLivedOctets {
  #made = 0;
  #collect: ((how: { readonly type: 'minor' }) => void) | null = null;

  /** A buffer of so many. */
  made(octets: number): void {
    if (octets < LARGE_OCTETS) return;
    this.#made += octets;
    if (this.#made < OCTETS) return;
    this.#made = 0;
    this.#collect ??= exposeCollector();
    this.#collect({ type: 'minor' });
  }
}

function exposeCollector(): (how: { readonly type: 'minor' }) => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  return typeof gc === 'function' ? (gc as (how: { readonly type: 'minor' }) => void) : () => undefined;
}
