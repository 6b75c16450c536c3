/**
 * What the WASM kernels do for the rooms that move octets. Implemented by kit/kernels.ts over assembly/;
 * an octet-for-octet slow twin in TypeScript lives in test/props as the oracle.
 * Every buffer handed out belongs to the caller; none is a view of WASM memory.
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

export interface Stuffing {
  feed(chunk: Uint8Array): Uint8Array;
  /** The end: what was held back, and the terminator. Closes as well. */
  finish(): Uint8Array;
}
