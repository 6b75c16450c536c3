/** Streams over the codec kernels: each takes chunks through the arena's windows and keeps its state between them. */
import type { Codec, Decoder, FaxDecoder, FaxOptions, Hash, Survey } from '../../core/kernels.ts';
import type { ContentFacts } from '../../core/content.ts';
import { joined, NOTHING } from './arena.ts';
import type { Arena, Block, Owner } from './arena.ts';
import type { Exports } from './exports.ts';
import { ARENA } from './module.ts';

/** One codec's entries. feed() and finish() give the octets now in the output window; -1: the chunk as it is. */
export interface Entries {
  readonly block: Block;
  reset(): void;
  feed(octets: number): number;
  finish(): number;
  /** Counted faults, read at the end. */
  faults?(): number;
}

export class WasmCodec implements Decoder, Owner {
  saved: Buffer | null = null;
  faults = 0;
  readonly #arena: Arena;
  readonly #entries: Entries;

  constructor(arena: Arena, entries: Entries) {
    this.#arena = arena;
    this.#entries = entries;
  }

  feed(chunk: Uint8Array, into?: Uint8Array): Uint8Array {
    this.#enter();
    if (chunk.length <= ARENA.inputOctets) return this.#window(chunk, into);
    const found: Uint8Array[] = [];
    for (let at = 0; at < chunk.length; at += ARENA.inputOctets) {
      found.push(this.#window(chunk.subarray(at, at + ARENA.inputOctets)));
    }
    return joined(found);
  }

  #window(chunk: Uint8Array, into?: Uint8Array): Uint8Array {
    const octets = this.#entries.feed(this.#arena.take(chunk, 0));
    return octets < 0 ? chunk : this.#arena.give(ARENA.output, octets, into);
  }

  finish(): Uint8Array {
    this.#enter();
    const end = this.#arena.give(ARENA.output, this.#entries.finish());
    this.faults = this.#entries.faults?.() ?? 0;
    this.#entries.block.leave(this);
    return end;
  }

  #enter(): void {
    if (!this.#entries.block.enter(this)) this.#entries.reset();
  }
}

export class WasmSurvey implements Survey, Owner {
  saved: Buffer | null = null;
  readonly #arena: Arena;
  readonly #exports: Exports;

  constructor(arena: Arena, exports: Exports) {
    this.#arena = arena;
    this.#exports = exports;
  }

  feed(chunk: Uint8Array): void {
    this.#enter();
    for (let at = 0; at < chunk.length; at += ARENA.inputOctets) {
      this.#exports.scanOnly(this.#arena.take(chunk, at));
    }
  }

  facts(): Omit<ContentFacts, 'digest'> {
    this.#enter();
    this.#exports.contentFinish();
    this.#arena.scan.leave(this);
    return this.#arena.facts(this.#arena.scan.at);
  }

  #enter(): void {
    if (!this.#arena.scan.enter(this)) this.#exports.contentReset();
  }
}

export class WasmHash implements Hash, Owner {
  saved: Buffer | null = null;
  readonly #arena: Arena;
  readonly #exports: Exports;
  readonly #seed: bigint;

  constructor(arena: Arena, exports: Exports, seed: bigint) {
    this.#arena = arena;
    this.#exports = exports;
    this.#seed = BigInt.asUintN(64, seed);
  }

  feed(chunk: Uint8Array): void {
    this.#enter();
    for (let at = 0; at < chunk.length; at += ARENA.inputOctets) {
      this.#exports.digestFeed(this.#arena.take(chunk, at));
    }
  }

  finish(): { readonly short: bigint; readonly long: Uint8Array } {
    this.#enter();
    const short = BigInt.asUintN(64, this.#exports.digest64());
    this.#exports.digest128();
    this.#arena.hash.leave(this);
    return { short, long: this.#arena.give(ARENA.output, 16) };
  }

  #enter(): void {
    if (!this.#arena.hash.enter(this)) this.#exports.digestReset(this.#seed);
  }
}

const PAGE_WIDTH = 1728; // ITU-T T.4 §2.1, in pels
const WIDEST = 2432;
const ROWS_AT_A_TIME = 0x4000; // octets; a row can grow seven times, doubled again by DLE

function flagsOf(options: FaxOptions): number {
  return (options.reversed ? 1 : 0) | (options.doubled ? 2 : 0);
}

function widthOf(options: FaxOptions): number {
  const width = options.width ?? PAGE_WIDTH;
  if (!Number.isInteger(width) || width < 8 || width > WIDEST || width % 8 !== 0) {
    throw new RangeError(`no fax page is ${width} pels wide`);
  }
  return width;
}

/** Cuts chunks into whole rows for the kernel; a row cut short by the end is filled up with white. */
export class WasmFaxEncoder implements Codec, Owner {
  saved: Buffer | null = null;
  readonly #arena: Arena;
  readonly #exports: Exports;
  readonly #width: number;
  readonly #flags: number;
  #rest: Uint8Array = NOTHING;

  constructor(arena: Arena, exports: Exports, options: FaxOptions) {
    this.#arena = arena;
    this.#exports = exports;
    this.#width = widthOf(options);
    this.#flags = flagsOf(options);
  }

  feed(chunk: Uint8Array, into?: Uint8Array): Uint8Array {
    this.#enter();
    const octets = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const row = this.#width / 8;
    const whole = octets.length - (octets.length % row);
    const step = ROWS_AT_A_TIME - (ROWS_AT_A_TIME % row);
    const { memory } = this.#arena;
    // A page codes to a fifth or so: one buffer for all of it, instead of one for each call and then a whole.
    let found = into ?? Buffer.allocUnsafe(whole >> 2);
    let length = 0;
    for (let at = 0; at < whole; at += step) {
      memory.set(octets.subarray(at, Math.min(at + step, whole)), ARENA.input);
      const coded = this.#exports.faxEncode(Math.min(step, whole - at));
      if (length + coded > found.length) found = Buffer.concat([found.subarray(0, length)], 2 * found.length + coded);
      found.set(memory.subarray(ARENA.output, ARENA.output + coded), length);
      length += coded;
    }
    this.#rest = octets.length === whole ? NOTHING : Buffer.from(octets.subarray(whole));
    return found.subarray(0, length);
  }

  finish(): Uint8Array {
    const open = this.#rest.length;
    const last = open > 0 ? this.feed(new Uint8Array(this.#width / 8 - open)) : new Uint8Array(0);
    this.#enter();
    const end = this.#arena.give(ARENA.output, this.#exports.faxEncodeFinish());
    this.#arena.faxEncode.leave(this);
    return last.length === 0 ? end : Buffer.concat([last, end]);
  }

  #enter(): void {
    if (!this.#arena.faxEncode.enter(this)) this.#exports.faxEncodeReset(this.#width, this.#flags);
  }
}

// Fields of the fax decoder's state (assembly/fax/decoder.ts).
const ENDED = 36;
const ROWS = 40;
const BAD_ROWS = 44;

export class WasmFaxDecoder implements FaxDecoder, Owner {
  saved: Buffer | null = null;
  faults = 0;
  ended = false;
  readonly #arena: Arena;
  readonly #exports: Exports;
  readonly #width: number;
  readonly #flags: number;

  constructor(arena: Arena, exports: Exports, options: FaxOptions) {
    this.#arena = arena;
    this.#exports = exports;
    this.#width = widthOf(options);
    this.#flags = flagsOf(options);
  }

  feed(chunk: Uint8Array): Uint8Array {
    this.#enter();
    const found: Uint8Array[] = [];
    for (let at = 0; at < chunk.length && !this.ended; at += ARENA.inputOctets) {
      const taken = this.#arena.take(chunk, at);
      for (let read = 0; read < taken && !this.ended;) {
        read = this.#exports.faxDecode(taken, read);
        const rows = this.#rows();
        if (rows.length > 0) found.push(rows);
      }
    }
    return joined(found);
  }

  finish(): Uint8Array {
    this.#enter();
    this.#exports.faxDecodeFinish();
    const rows = this.#rows();
    this.#arena.faxDecode.leave(this);
    return rows;
  }

  #rows(): Uint8Array {
    const { view, faxDecode } = this.#arena;
    this.ended = view.getUint32(faxDecode.at + ENDED, true) !== 0;
    this.faults = view.getUint32(faxDecode.at + BAD_ROWS, true);
    return this.#arena.give(ARENA.output, view.getUint32(faxDecode.at + ROWS, true) * (this.#width / 8));
  }

  #enter(): void {
    if (!this.#arena.faxDecode.enter(this)) this.#exports.faxDecodeReset(this.#width, this.#flags);
  }
}

export function faxWireEntries(arena: Arena, exports: Exports, options: FaxOptions): Entries {
  return {
    block: arena.faxWire,
    reset: () => exports.faxWireReset(flagsOf(options)),
    feed: (octets) => exports.faxWire(octets),
    finish: () => 0,
  };
}
