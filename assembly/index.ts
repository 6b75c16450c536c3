// Exports only. Each entry works on the windows and state blocks of abi.ts; all state is in those blocks.
import { ABI, CONTENT_HASH, HASH, INPUT, OUTPUT, RECEPTION, SCAN, chunkLength } from './abi';
import { hash128, hash64, hashFeed, hashReset } from './hash/xxh3';
import { scanFeed, scanFinish, scanReset } from './mime/scan';

export { base64Decode, base64DecodeFinish, base64DecodeReset, base64Encode, base64EncodeReset } from './mime/base64';
export { normalise, normaliseFinish, normaliseReset } from './mime/normalise';
export { escapeCount, qpEncode, qpEncodeReset } from './mime/quoted-printable';
export { qpDecode, qpDecodeReset } from './mime/quoted-printable-decoding';
export { faxDecode, faxDecodeFinish, faxDecodeReset } from './fax/decoder';
export { faxEncode, faxEncodeFinish, faxEncodeReset, faxWire, faxWireReset } from './fax/encoder';
export { receptionReset, receptionFeed, stuffingReset, stuffingFeed, stuffingFinish } from './mime/dots';

export function abi(): i32 {
  return ABI;
}

/** Where static data ends; must lie below the state blocks. */
export function dataEnd(): i32 {
  return <i32>__heap_base;
}

/** The facts into RECEPTION's block, the digest into OUTPUT. */
export function receptionFinish(): void {
  scanFinish(RECEPTION);
  hash128(RECEPTION + CONTENT_HASH, OUTPUT);
}

export function contentReset(): void {
  scanReset(SCAN);
  hashReset(SCAN + CONTENT_HASH, 0);
}

// In steps that stay in the nearest cache, so that scan and hash read memory once.
export function contentFeed(octets: i32): void {
  const end = INPUT + <usize>chunkLength(octets);
  for (let at: usize = INPUT; at < end; at += 4096) {
    const step = <i32>min<usize>(4096, end - at);
    scanFeed(SCAN, at, step);
    hashFeed(SCAN + CONTENT_HASH, at, step);
  }
}

export function contentFinish(): void {
  scanFinish(SCAN);
  hash128(SCAN + CONTENT_HASH, OUTPUT);
}

/** The same block without the hash: for whoever needs the facts alone. */
export function scanOnly(octets: i32): void {
  scanFeed(SCAN, INPUT, chunkLength(octets));
}

export function digestReset(seed: u64): void {
  hashReset(HASH, seed);
}

export function digestFeed(octets: i32): void {
  hashFeed(HASH, INPUT, chunkLength(octets));
}

export function digest64(): u64 {
  return hash64(HASH, OUTPUT);
}

export function digest128(): void {
  hash128(HASH, OUTPUT);
}
