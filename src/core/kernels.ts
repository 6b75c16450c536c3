/**
 * What the WASM kernels do for the rooms that move octets. Implemented by kit/wasm/kernels.ts over assembly/;
 * an octet-for-octet slow twin in TypeScript lives in test/props as the oracle.
 * No buffer handed out is a view of WASM memory; where nothing had to change it is a slice of the caller's own chunk.
 */
import type { ContentFacts } from './content.ts';

export interface Kernels {
  readonly build: 'simd' | 'relaxed' | 'scalar';
  /** DATA as it arrives: end-of-data search, dot-unstuffing, scan and digest in one pass. */
  openReception(): Reception;
  /** Scan and digest of content that did not come by DATA. */
  openScan(): Scan;
  /** Content to DATA: dots doubled after CRLF, the final CRLF.CRLF added (and CRLF when content lacks it). */
  openStuffing(): Stuffing;
  /** XXH3-128, 16 octets, canonical order. */
  digest(octets: Uint8Array): Uint8Array;
  /** XXH3-64 with a seed, for keys that strangers choose. */
  hash(octets: Uint8Array, seed: bigint): bigint;
  /** Times each entry was called, so that a test can prove which path ran. */
  readonly calls: Readonly<Record<'reception' | 'scan' | 'stuffing' | 'digest', number>>;
}

/** What the message converter needs besides. */
export interface MimeKernels {
  /** Facts without a digest. */
  openSurvey(): Survey;
  /** RFC 2045 §6.7. Binary: CR and LF are octets like any other; else CRLF is a line end, and a bare one is escaped. */
  openQuotedPrintable(as?: 'text' | 'binary'): Codec;
  openQuotedPrintableDecoder(): Decoder;
  /** RFC 2045 §6.8: lines of 76, CRLF between them and none at the end. */
  openBase64(): Codec;
  /** Junk is skipped, what follows the padding is ignored; both are counted. */
  openBase64Decoder(): Decoder;
  /** Bare CR and bare LF become CRLF. */
  openNormaliser(): Codec;
  /** How many octets quoted-printable has to escape. */
  countEscapes(octets: Uint8Array): number;
  /** XXH3, streaming, with a seed. */
  openHash(seed?: bigint): Hash;
}

/** ITU-T T.4, one-dimensional (MH). */
export interface FaxKernels {
  /** Rows of `width` pels (a multiple of 8, at most 2432), 1 is black, first pel in the highest bit. */
  openFaxEncoder(options?: FaxOptions): Codec;
  openFaxDecoder(options?: FaxOptions): FaxDecoder;
  /** A coded page on its way to the modem: turns each octet's bits first, doubles DLE after. */
  openFaxWire(options: Pick<FaxOptions, 'reversed' | 'doubled'>): Codec;
}

export interface FaxOptions {
  readonly width?: number; // 1728
  /** Least significant bit first, as most modems take it (+FBOR=0). */
  readonly reversed?: boolean;
  /** DLE stands twice; the decoder also ends at DLE ETX. */
  readonly doubled?: boolean;
}

/** Octets in, octets out. What feed() gives may be a slice of the chunk. */
export interface Codec {
  /**
   * With `into`, which must not overlap the chunk, the result of a chunk of up to 64 KiB is written there if it has
   * room: for a caller that is done with one result before it asks for the next.
   */
  feed(chunk: Uint8Array, into?: Uint8Array): Uint8Array;
  /** What was held back, and the end. Closes as well. */
  finish(): Uint8Array;
}

export interface Decoder extends Codec {
  /** After finish(): places that were not well-formed. */
  readonly faults: number;
}

export interface FaxDecoder extends Decoder {
  /** Return to control, or DLE ETX, was read: what follows is not taken. */
  readonly ended: boolean;
}

export interface Survey {
  feed(chunk: Uint8Array): void;
  /** Closes as well. */
  facts(): Omit<ContentFacts, 'digest'>;
}

export interface Hash {
  feed(chunk: Uint8Array): void;
  /** XXH3-64 and XXH3-128 (16 octets, canonical order). Closes as well. */
  finish(): { readonly short: bigint; readonly long: Uint8Array };
}

/** Only CRLF.CRLF ends data (RFC 5321 §4.1.1.4); a dot is removed only after CRLF. */
export interface Reception {
  /** Reads `chunk` from offset `from`, not past the end of data. Gives the content found, which may be empty. */
  feed(chunk: Uint8Array, from: number): Uint8Array;
  /** Offset in the last chunk of the first octet not read. */
  readonly position: number;
  /** CRLF.CRLF was read; call facts(). */
  readonly ended: boolean;
  /** Octets of content so far. */
  readonly sizeOctets: number;
  facts(): ContentFacts;
  /** Gives its state back. Must be called once, ended or not. */
  close(): void;
}

export interface Scan {
  feed(chunk: Uint8Array): void;
  /** Closes as well. */
  facts(): ContentFacts;
}

export type Stuffing = Codec;
