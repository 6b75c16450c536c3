// DATA's transparency (RFC 5321 §4.5.2). Only CRLF begins a line: a dot behind a bare CR or LF is content, and
// a message smuggled behind one stays content too.
import {
  chunkLength, CONTENT_AT, CONTENT_HASH, CONTENT_OCTETS, CR, DOT, ENDED, INPUT, LF, OUTPUT, POSITION, RECEPTION,
  STUFFING, WIRE,
} from '../abi';
import { copyOver } from '../copy';
import { mask64 } from '../mask';
import { hashReset, hashFeed } from '../hash/xxh3';
import { scanFeed, scanReset } from './scan';

const DOT_VECTOR = memory.data<u8>([46]);
const LF_VECTOR = memory.data<u8>([10]);

// How the octets before a chunk ended; kept in memory before INPUT, so that a look back needs no special case.
const PLAIN: u32 = 0, AFTER_CR: u32 = 1, AFTER_CRLF: u32 = 2, AFTER_DOT: u32 = 3, AFTER_DOT_CR: u32 = 4;

/** The four octets before INPUT, as a little-endian number, that stand for a WIRE state. */
function wireTail(wire: u32): u32 {
  if (wire == AFTER_CR) return CR << 24;
  if (wire == AFTER_CRLF) return (CR << 16) | (LF << 24);
  if (wire == AFTER_DOT) return (CR << 8) | (LF << 16) | (DOT << 24);
  if (wire == AFTER_DOT_CR) return CR | (LF << 8) | (DOT << 16) | (CR << 24);
  return 0;
}

function lineState(end: usize): u32 {
  const last = load<u8>(end - 1);
  if (last == CR) return AFTER_CR;
  return last == LF && load<u8>(end - 2) == CR ? AFTER_CRLF : PLAIN;
}

/** The first dot in [at, end) that follows CRLF, or end. */
function dotAfterCrlf(at: usize, end: usize): usize {
  let p = at;
  if (ASC_FEATURE_SIMD) {
    const dot = v128.load8_splat(DOT_VECTOR), lf = v128.load8_splat(LF_VECTOR);
    for (; p + 64 <= end; p += 64) {
      const a = v128.and(i8x16.eq(v128.load(p), dot), i8x16.eq(v128.load(p - 1), lf));
      const b = v128.and(i8x16.eq(v128.load(p, 16), dot), i8x16.eq(v128.load(p, 15), lf));
      const c = v128.and(i8x16.eq(v128.load(p, 32), dot), i8x16.eq(v128.load(p, 31), lf));
      const d = v128.and(i8x16.eq(v128.load(p, 48), dot), i8x16.eq(v128.load(p, 47), lf));
      if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
      for (let found = mask64(a, b, c, d); found != 0; found &= found - 1) {
        const at = p + <usize>ctz<u64>(found);
        if (load<u8>(at - 2) == CR) return at;
      }
    }
  }
  for (; p < end; p++) {
    if (load<u8>(p) == DOT && load<u8>(p - 1) == LF && load<u8>(p - 2) == CR) return p;
  }
  return end;
}

export function receptionReset(): void {
  scanReset(RECEPTION);
  hashReset(RECEPTION + CONTENT_HASH, 0);
  store<u32>(RECEPTION + WIRE, AFTER_CRLF); // the CRLF of the DATA command itself (RFC 5321 §4.1.1.4)
}

// Search, compaction, scan and hash go over this many octets at a time, while these are in the nearest cache.
const STEP: usize = 4096;

/** Reads DATA as it came. The content found lies at CONTENT_AT: in INPUT while no dot had to go, else in OUTPUT. */
export function receptionFeed(octets: i32): void {
  const state = RECEPTION;
  const end = INPUT + <usize>chunkLength(octets);
  store<u32>(state + CONTENT_AT, <u32>INPUT);
  store<u32>(state + CONTENT_OCTETS, 0);
  store<u32>(state + POSITION, 0);
  if (load<u32>(state + ENDED) || end == INPUT) return;
  let wire = load<u32>(state + WIRE);
  store<u32>(INPUT - 4, wireTail(wire));
  let begin: usize = INPUT, out: usize = INPUT; // the content found so far
  let pending: usize = 0; // how much of it is not yet scanned and hashed
  let from: usize = INPUT;
  let position = end;
  let dot: usize = wire == AFTER_DOT ? INPUT - 1 : wire == AFTER_DOT_CR ? INPUT - 2 : 0;
  while (true) {
    if (dot == 0) {
      const limit = min(from + STEP, end);
      const found = dotAfterCrlf(from, limit);
      const length = found - from;
      if (begin == OUTPUT) copyOver(out, from, <i32>length);
      out += length;
      pending += length;
      from = found;
      if (found == limit) {
        if (limit == end) {
          wire = lineState(end);
          break;
        }
        if (pending >= STEP) {
          take(out - pending, pending);
          pending = 0;
        }
        continue;
      }
      dot = found;
    }
    from = dot + 1;
    if (from == end) {
      wire = AFTER_DOT;
      break;
    }
    if (load<u8>(from) == CR) {
      if (from + 1 == end) {
        wire = AFTER_DOT_CR;
        break;
      }
      if (load<u8>(from + 1) == LF) {
        store<u32>(state + ENDED, 1);
        position = from + 2;
        break;
      }
    }
    dot = 0;
    if (out == begin) {
      if (begin != OUTPUT) begin = out = from; // nothing before the dot: content simply begins behind it
    } else if (begin != OUTPUT) {
      memory.copy(OUTPUT, begin, out - begin);
      out = OUTPUT + (out - begin);
      begin = OUTPUT;
    }
  }
  if (pending) take(out - pending, pending);
  store<u32>(state + WIRE, wire);
  store<u32>(state + CONTENT_AT, <u32>begin);
  store<u32>(state + CONTENT_OCTETS, <u32>(out - begin));
  store<u32>(state + POSITION, <u32>(position - INPUT));
}

function take(at: usize, octets: usize): void {
  scanFeed(RECEPTION, at, <i32>octets);
  hashFeed(RECEPTION + CONTENT_HASH, at, <i32>octets);
}

export function stuffingReset(): void {
  store<u32>(STUFFING, AFTER_CRLF);
}

/** Octets written to OUTPUT, or -1: no dot to double, the chunk is its own result. */
export function stuffingFeed(octets: i32): i32 {
  const end = INPUT + <usize>chunkLength(octets);
  if (end == INPUT) return -1;
  store<u32>(INPUT - 4, wireTail(load<u32>(STUFFING)));
  store<u32>(STUFFING, lineState(end));
  let p = dotAfterCrlf(INPUT, end);
  if (p == end) return -1;
  let out: usize = OUTPUT + (p - INPUT);
  memory.copy(OUTPUT, INPUT, p - INPUT);
  store<u16>(out, (DOT << 8) | DOT);
  out += 2;
  p++;
  if (ASC_FEATURE_SIMD) {
    // Where there is one dot there are more: search and copy in one go, writing past what is known.
    const dot = v128.load8_splat(DOT_VECTOR), lf = v128.load8_splat(LF_VECTOR);
    while (p + 64 <= end) {
      const v = v128.load(p), w = v128.load(p, 16), x = v128.load(p, 32), y = v128.load(p, 48);
      v128.store(out, v);
      v128.store(out, w, 16);
      v128.store(out, x, 32);
      v128.store(out, y, 48);
      const before = p - 1;
      const a = v128.and(i8x16.eq(v, dot), i8x16.eq(v128.load(before), lf));
      const b = v128.and(i8x16.eq(w, dot), i8x16.eq(v128.load(before, 16), lf));
      const c = v128.and(i8x16.eq(x, dot), i8x16.eq(v128.load(before, 32), lf));
      const d = v128.and(i8x16.eq(y, dot), i8x16.eq(v128.load(before, 48), lf));
      let run: usize = 64;
      if (v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) {
        for (let found = mask64(a, b, c, d); found != 0; found &= found - 1) {
          const at = <usize>ctz<u64>(found);
          if (load<u8>(p + at - 2) != CR) continue;
          store<u16>(out + at, (DOT << 8) | DOT);
          out++;
          run = at + 1;
          break;
        }
      }
      p += run;
      out += run;
    }
  }
  for (; p < end; p++) {
    const octet = load<u8>(p);
    store<u8>(out++, octet);
    if (octet == DOT && load<u8>(p - 1) == LF && load<u8>(p - 2) == CR) store<u8>(out++, DOT);
  }
  return <i32>(out - OUTPUT);
}

/** The terminator, and CRLF before it when content does not end with one. Octets written to OUTPUT. */
export function stuffingFinish(): i32 {
  let out: usize = OUTPUT;
  if (load<u32>(STUFFING) != AFTER_CRLF) {
    store<u16>(out, (LF << 8) | CR);
    out += 2;
  }
  store<u32>(out, DOT | (CR << 8) | (LF << 16));
  return <i32>(out + 3 - OUTPUT);
}
