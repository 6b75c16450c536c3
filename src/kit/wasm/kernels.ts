/**
 * The kernels behind core's port: one WASM instance, any number of streams.
 *
 * Each kind of stream has one state block in the arena. It belongs to the stream that fed it last; when another
 * stream of the kind comes, the block is copied out to the first (some 450 octets) and the other's is copied in.
 * A stream alone pays nothing, thousands of open ones cost their blocks and no instance.
 *
 * What feed() gives is a slice of the caller's own chunk where nothing had to change, else a buffer of its own.
 */
import type { ContentFacts } from '../../core/content.ts';
import type { FaxKernels, Kernels, MimeKernels, Scan } from '../../core/kernels.ts';
import { Arena } from './arena.ts';
import type { Owner } from './arena.ts';
import { faxWireEntries, WasmCodec, WasmFaxDecoder, WasmFaxEncoder, WasmHash, WasmSurvey } from './codecs.ts';
import type { Entries } from './codecs.ts';
import type { Exports } from './exports.ts';
import { WasmReception } from './reception.ts';
import { ARENA, openModule } from './module.ts';
import type { Build } from './module.ts';

export type AllKernels = Kernels & MimeKernels & FaxKernels;

export function openKernels(options: { readonly build?: Build } = {}): AllKernels {
  const module = openModule<Exports>(options.build);
  const arena = new Arena(module);
  const { exports } = module;
  const calls = { reception: 0, scan: 0, stuffing: 0, digest: 0 };
  const entries = codecEntries(arena, exports);
  const hashAll = (octets: Uint8Array, seed: bigint): void => {
    calls.digest++;
    arena.hash.clear();
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
      return new WasmCodec(arena, entries.stuffing);
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
    openSurvey: () => new WasmSurvey(arena, exports),
    openQuotedPrintable: (as = 'text') => new WasmCodec(arena, as === 'text' ? entries.qpText : entries.qpBinary),
    openQuotedPrintableDecoder: () => new WasmCodec(arena, entries.qpDecoder),
    openBase64: () => new WasmCodec(arena, entries.base64),
    openBase64Decoder: () => new WasmCodec(arena, entries.base64Decoder),
    openNormaliser: () => new WasmCodec(arena, entries.normaliser),
    countEscapes(octets) {
      let count = 0;
      for (let at = 0; at < octets.length; at += ARENA.inputOctets) count += exports.escapeCount(arena.take(octets, at));
      return count;
    },
    openHash: (seed = 0n) => new WasmHash(arena, exports, seed),
    openFaxEncoder: (fax = {}) => new WasmFaxEncoder(arena, exports, fax),
    openFaxDecoder: (fax = {}) => new WasmFaxDecoder(arena, exports, fax),
    openFaxWire: (fax) => new WasmCodec(arena, faxWireEntries(arena, exports, fax)),
  };
}

/** Which entries make which codec; see assembly/index.ts. */
function codecEntries(arena: Arena, exports: Exports) {
  const quotedPrintable = (binary: 0 | 1): Entries => ({
    block: arena.qpEncode,
    reset: () => exports.qpEncodeReset(binary),
    feed: (octets) => exports.qpEncode(octets, 0),
    finish: () => exports.qpEncode(0, 1),
  });
  return {
    qpText: quotedPrintable(0),
    qpBinary: quotedPrintable(1),
    stuffing: {
      block: arena.stuffing,
      reset: () => exports.stuffingReset(),
      feed: (octets) => exports.stuffingFeed(octets),
      finish: () => exports.stuffingFinish(),
    },
    qpDecoder: {
      block: arena.qpDecode,
      reset: () => exports.qpDecodeReset(),
      feed: (octets) => exports.qpDecode(octets, 0),
      finish: () => exports.qpDecode(0, 1),
      faults: () => arena.count(arena.qpDecode.at + 8),
    },
    base64: {
      block: arena.base64Encode,
      reset: () => exports.base64EncodeReset(),
      feed: (octets) => exports.base64Encode(octets, 0),
      finish: () => exports.base64Encode(0, 1),
    },
    base64Decoder: {
      block: arena.base64Decode,
      reset: () => exports.base64DecodeReset(),
      feed: (octets) => exports.base64Decode(octets),
      finish: () => exports.base64DecodeFinish(),
      faults: () => arena.count(arena.base64Decode.at + 16) + arena.count(arena.base64Decode.at + 24),
    },
    normaliser: {
      block: arena.normalise,
      reset: () => exports.normaliseReset(),
      feed: (octets) => exports.normalise(octets),
      finish: () => exports.normaliseFinish(),
    },
  } as const satisfies Record<string, Entries>;
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
    return { ...facts, digest: this.#arena.give(ARENA.output, 16) };
  }

  #enter(): void {
    if (!this.#arena.scan.enter(this)) this.#exports.contentReset();
  }
}
