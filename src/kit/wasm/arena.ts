/** The arena of a module: its two windows, and who owns which state block (assembly/abi.ts). */
import type { ContentFacts } from '../../core/content.ts';
import { ARENA } from './module.ts';
import type { Module } from './module.ts';

export const NOTHING = new Uint8Array(0);

/** The two windows and who owns which state block. */
export class Arena {
  readonly memory: Buffer;
  readonly view: DataView;
  readonly reception: Block;
  readonly scan: Block;
  readonly hash: Block;
  readonly stuffing: Block;
  readonly normalise: Block;
  readonly qpEncode: Block;
  readonly qpDecode: Block;
  readonly base64Encode: Block;
  readonly base64Decode: Block;
  readonly faxEncode: Block;
  readonly faxDecode: Block;
  readonly faxWire: Block;

  constructor(module: Module<unknown>) {
    this.memory = module.memory;
    this.view = module.view;
    const block = (at: number, octets: number): Block => new Block(module.memory, at, octets);
    this.reception = block(0x10000, 448);
    this.scan = block(0x10200, 448);
    this.hash = block(0x10400, 640);
    this.stuffing = block(0x10700, 64);
    this.normalise = block(0x10740, 64);
    this.qpEncode = block(0x10780, 64);
    this.base64Decode = block(0x107c0, 64);
    this.base64Encode = block(0x10800, 128);
    this.faxEncode = block(0x10880, 64);
    this.faxWire = block(0x108c0, 64);
    this.qpDecode = block(0x10900, 1152);
    this.faxDecode = block(0x11000, 1536);
  }

  /** Copies a window's worth of `octets` in; gives how much. */
  take(octets: Uint8Array, at: number): number {
    const length = Math.min(octets.length - at, ARENA.inputOctets);
    this.memory.set(length === octets.length ? octets : octets.subarray(at, at + length), ARENA.input);
    return length;
  }

  /** Copies out: into a part of `into` where it has room, else into octets of their own. */
  give(at: number, length: number, into?: Uint8Array): Uint8Array {
    if (length === 0) return NOTHING;
    if (into !== undefined && into.length >= length) {
      const part = into.subarray(0, length);
      part.set(this.memory.subarray(at, at + length));
      return part;
    }
    const out = Buffer.allocUnsafe(length);
    this.memory.copy(out, 0, at, at + length);
    return out;
  }

  count(at: number): number {
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 0x1_0000_0000;
  }

  /** The facts that a finished scan left in a content block. */
  facts(block: number): Omit<ContentFacts, 'digest'> {
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
    };
  }
}

/**
 * A state block of the arena and the stream whose state it holds. A stream enters with its first octet, not before: one that
 * comes in a single chunk then never has its state copied out.
 */
export class Block {
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
    this.clear();
    this.#owner = stream;
    if (stream.saved === null) return false;
    this.#memory.set(stream.saved, this.at);
    return true;
  }

  /** Gives the owner its state to keep; the block is free. */
  clear(): void {
    if (this.#owner === null) return;
    const saved = this.#owner.saved ?? Buffer.allocUnsafeSlow(this.#length);
    this.#memory.copy(saved, 0, this.at, this.at + this.#length);
    this.#owner.saved = saved;
    this.#owner = null;
  }

  leave(stream: Owner): void {
    if (this.#owner === stream) this.#owner = null;
    stream.saved = null;
  }
}

export interface Owner {
  saved: Buffer | null;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : parts.length === 0 ? NOTHING : Buffer.concat(parts);
}
