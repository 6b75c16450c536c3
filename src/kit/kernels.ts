/**
 * The kernels behind core's port: one WASM instance, any number of streams.
 *
 * Each kind of stream has one state block in the arena. It belongs to the stream that fed it last; when another
 * stream of the kind comes, the block is copied out to the first (some 450 octets) and the other's is copied in.
 * A stream alone pays nothing, thousands of open ones cost their blocks and no instance.
 *
 * What feed() gives is a slice of the caller's own chunk where nothing had to change, else a buffer of its own.
 */
import type { ContentFacts } from '../core/content.ts';
import type { Kernels, Reception, Scan, Stuffing } from '../core/kernels.ts';
import { ARENA, openModule } from './wasm.ts';
import type { Build, Module } from './wasm.ts';

interface Exports {
  receptionReset(): void;
  receptionFeed(octets: number): void;
  receptionFinish(): void;
  contentReset(): void;
  contentFeed(octets: number): void;
  contentFinish(): void;
  stuffingReset(): void;
  stuffingFeed(octets: number): number;
  stuffingFinish(): number;
  digestReset(seed: bigint): void;
  digestFeed(octets: number): void;
  digest64(): bigint;
  digest128(): void;
}

const NOTHING = new Uint8Array(0);

export function openKernels(options: { readonly build?: Build } = {}): Kernels {
  const module = openModule<Exports>(options.build);
  const arena = new Arena(module);
  const { exports } = module;
  const calls = { reception: 0, scan: 0, stuffing: 0, digest: 0 };
  const hashAll = (octets: Uint8Array, seed: bigint): void => {
    calls.digest++;
    exports.digestReset(BigInt.asUintN(64, seed));
    for (let at = 0; at < octets.length; at += ARENA.inputOctets) exports.digestFeed(arena.take(octets, at));
  };
  return {
    build: module.build,
    calls,
    openReception() {
      calls.reception++;
      return new WasmReception(arena, exports);
    },
    openScan() {
      calls.scan++;
      return new WasmScan(arena, exports);
    },
    openStuffing() {
      calls.stuffing++;
      return new WasmStuffing(arena, exports);
    },
    digest(octets) {
      hashAll(octets, 0n);
      exports.digest128();
      return arena.give(ARENA.output, 16);
    },
    hash(octets, seed) {
      hashAll(octets, seed);
      return BigInt.asUintN(64, exports.digest64());
    },
  };
}

/** The two windows and who owns which state block. */
class Arena {
  readonly memory: Buffer;
  readonly view: DataView;
  readonly reception: Block;
  readonly scan: Block;
  readonly stuffing: Block;

  constructor(module: Module<unknown>) {
    this.memory = module.memory;
    this.view = module.view;
    this.reception = new Block(module.memory, 0x10000, 448);
    this.scan = new Block(module.memory, 0x10200, 448);
    this.stuffing = new Block(module.memory, 0x10700, 64);
  }

  /** Copies a window's worth of `octets` in; gives how much. */
  take(octets: Uint8Array, at: number): number {
    const length = Math.min(octets.length - at, ARENA.inputOctets);
    this.memory.set(length === octets.length ? octets : octets.subarray(at, at + length), ARENA.input);
    return length;
  }

  /** Copies out. */
  give(at: number, length: number): Uint8Array {
    if (length === 0) return NOTHING;
    const out = Buffer.allocUnsafe(length);
    this.memory.copy(out, 0, at, at + length);
    return out;
  }

  count(at: number): number {
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 0x1_0000_0000;
  }

  facts(block: number): ContentFacts {
    const flags = this.view.getUint32(block + 48, true);
    return {
      sizeOctets: this.count(block),
      has8bit: (flags & 1) !== 0,
      hasNul: (flags & 2) !== 0,
      bareCr: this.count(block + 24),
      bareLf: this.count(block + 32),
      longestLine: this.count(block + 16),
      headerEnd: this.count(block + 40),
      header8bit: (flags & 4) !== 0,
      digest: this.give(ARENA.output, 16),
    };
  }
}

/** A state block of the arena and the stream whose state it holds. */
class Block {
  readonly at: number;
  readonly #memory: Buffer;
  readonly #length: number;
  #owner: Owner | null = null;

  constructor(memory: Buffer, at: number, length: number) {
    this.#memory = memory;
    this.at = at;
    this.#length = length;
  }

  /** Makes the block `stream`'s; false when it has no state yet and a reset must follow. */
  enter(stream: Owner): boolean {
    if (this.#owner === stream) return true;
    if (this.#owner !== null) {
      const saved = this.#owner.saved ?? Buffer.allocUnsafeSlow(this.#length);
      this.#memory.copy(saved, 0, this.at, this.at + this.#length);
      this.#owner.saved = saved;
    }
    this.#owner = stream;
    if (stream.saved === null) return false;
    this.#memory.set(stream.saved, this.at);
    return true;
  }

  leave(stream: Owner): void {
    if (this.#owner === stream) this.#owner = null;
    stream.saved = null;
  }
}

interface Owner {
  saved: Buffer | null;
}

class WasmReception implements Reception, Owner {
  saved: Buffer | null = null;
  position = 0;
  ended = false;
  sizeOctets = 0;
  readonly #arena: Arena;
  readonly #exports: Exports;
  #closed = false;

  constructor(arena: Arena, exports: Exports) {
    this.#arena = arena;
    this.#exports = exports;
    this.#enter();
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
      const contentAt = view.getUint32(reception.at + 68, true);
      const octets = view.getUint32(reception.at + 72, true);
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
      at += view.getUint32(reception.at + 64, true);
      this.ended = view.getUint32(reception.at + 60, true) !== 0;
    }
    this.position = at;
    if (sliceFrom >= 0) found.push(chunk.subarray(sliceFrom, sliceEnd));
    return joined(found);
  }

  facts(): ContentFacts {
    this.#enter();
    this.#exports.receptionFinish();
    return this.#arena.facts(this.#arena.reception.at);
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

class WasmScan implements Scan, Owner {
  saved: Buffer | null = null;
  readonly #arena: Arena;
  readonly #exports: Exports;

  constructor(arena: Arena, exports: Exports) {
    this.#arena = arena;
    this.#exports = exports;
    this.#enter();
  }

  feed(chunk: Uint8Array): void {
    this.#enter();
    for (let at = 0; at < chunk.length; at += ARENA.inputOctets) {
      this.#exports.contentFeed(this.#arena.take(chunk, at));
    }
  }

  facts(): ContentFacts {
    this.#enter();
    this.#exports.contentFinish();
    const facts = this.#arena.facts(this.#arena.scan.at);
    this.#arena.scan.leave(this);
    return facts;
  }

  #enter(): void {
    if (!this.#arena.scan.enter(this)) this.#exports.contentReset();
  }
}

class WasmStuffing implements Stuffing, Owner {
  saved: Buffer | null = null;
  readonly #arena: Arena;
  readonly #exports: Exports;

  constructor(arena: Arena, exports: Exports) {
    this.#arena = arena;
    this.#exports = exports;
    this.#enter();
  }

  feed(chunk: Uint8Array): Uint8Array {
    this.#enter();
    const found: Uint8Array[] = [];
    for (let at = 0; at < chunk.length; at += ARENA.inputOctets) {
      const taken = this.#arena.take(chunk, at);
      const octets = this.#exports.stuffingFeed(taken);
      found.push(octets < 0 ? chunk.subarray(at, at + taken) : this.#arena.give(ARENA.output, octets));
    }
    return joined(found);
  }

  finish(): Uint8Array {
    this.#enter();
    const end = this.#arena.give(ARENA.output, this.#exports.stuffingFinish());
    this.#arena.stuffing.leave(this);
    return end;
  }

  #enter(): void {
    if (!this.#arena.stuffing.enter(this)) this.#exports.stuffingReset();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : parts.length === 0 ? NOTHING : Buffer.concat(parts);
}
