/** DATA as it arrives, over the reception kernel. */
import type { ContentFacts } from '../../core/content.ts';
import type { Reception } from '../../core/kernels.ts';
import { joined } from './arena.ts';
import type { Arena, Owner } from './arena.ts';
import type { Exports } from './exports.ts';
import { ARENA } from './module.ts';

// Fields of the content state (assembly/abi.ts).
const ENDED = 60;
const POSITION = 64;
const CONTENT_AT = 68;
const CONTENT_OCTETS = 72;

export class WasmReception implements Reception, Owner {
  saved: Buffer | null = null;
  position = 0;
  ended = false;
  sizeOctets = 0;
  readonly #arena: Arena;
  readonly #exports: Exports;
  #closed = false;
  #facts: ContentFacts | null = null;

  constructor(arena: Arena, exports: Exports) {
    this.#arena = arena;
    this.#exports = exports;
  }

  feed(chunk: Uint8Array, from: number): Uint8Array {
    this.#enter();
    const { view, reception } = this.#arena;
    const found: Uint8Array[] = [];
    let sliceFrom = -1;
    let sliceEnd = -1;
    let at = from;
    while (at < chunk.length && !this.ended) {
      this.#exports.receptionFeed(this.#arena.take(chunk, at));
      const contentAt = view.getUint32(reception.at + CONTENT_AT, true);
      const octets = view.getUint32(reception.at + CONTENT_OCTETS, true);
      if (octets > 0) {
        this.sizeOctets += octets;
        const offset = contentAt - ARENA.input + at;
        if (contentAt >= ARENA.input && contentAt < ARENA.output) {
          if (offset !== sliceEnd) {
            if (sliceFrom >= 0) found.push(chunk.subarray(sliceFrom, sliceEnd));
            sliceFrom = offset;
          }
          sliceEnd = offset + octets;
        } else {
          if (sliceFrom >= 0) found.push(chunk.subarray(sliceFrom, sliceEnd));
          sliceFrom = sliceEnd = -1;
          found.push(this.#arena.give(contentAt, octets));
        }
      }
      at += view.getUint32(reception.at + POSITION, true);
      this.ended = view.getUint32(reception.at + ENDED, true) !== 0;
    }
    this.position = at;
    if (sliceFrom >= 0) found.push(chunk.subarray(sliceFrom, sliceEnd));
    return joined(found);
  }

  facts(): ContentFacts {
    if (this.#facts !== null) return this.#facts;
    this.#enter();
    const { reception } = this.#arena;
    this.#exports.receptionFinish();
    this.#facts = { ...this.#arena.facts(reception.at), digest: this.#arena.give(ARENA.output, 16) };
    return this.#facts;
  }

  close(): void {
    this.#closed = true;
    this.#arena.reception.leave(this);
  }

  #enter(): void {
    if (this.#closed) throw new Error('reception used after close()');
    if (!this.#arena.reception.enter(this)) this.#exports.receptionReset();
  }
}
