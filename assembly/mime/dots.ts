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
const CRLF_DOT: u32 = 0x2e0a0d00;
const SUM_VECTOR = memory.data<u8>([56]); // of the two, and of few other neighbours in a mail

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

const DOTTED = STUFFING + 4;

export function stuffingReset(): void {
  store<u32>(STUFFING, AFTER_CRLF);
  store<u32>(DOTTED, 0);
}

/** Octets written to OUTPUT, or -1: no dot to double, the chunk is its own result. */
export function stuffingFeed(octets: i32): i32 {
  const end = INPUT + <usize>chunkLength(octets);
  if (end == INPUT) return -1;
  store<u32>(INPUT - 4, wireTail(load<u32>(STUFFING)));
  store<u32>(STUFFING, lineState(end));
  // Where the last chunk had a dot, this one has; else it is worth a look before anything is copied.
  let p: usize = INPUT;
  if (load<u32>(DOTTED) == 0) p = dotAfterCrlf(INPUT, end);
  if (p == end) return -1;
  let out: usize = OUTPUT + (p - INPUT);
  memory.copy(OUTPUT, INPUT, p - INPUT);
  if (ASC_FEATURE_SIMD) {
    // Search and copy in one go, writing past what is known.
    const sum = v128.load8_splat(SUM_VECTOR);
    for (const last = end - 128; p <= last;) {
      const before = p - 1;
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
      v128.store(out, a);
      v128.store(out, b, 16);
      v128.store(out, c, 32);
      v128.store(out, d, 48);
      const e = v128.load(p, 64), f = v128.load(p, 80), g = v128.load(p, 96), h = v128.load(p, 112);
      v128.store(out, e, 64);
      v128.store(out, f, 80);
      v128.store(out, g, 96);
      v128.store(out, h, 112);
      const ab = v128.or(met(a, v128.load(before), sum), met(b, v128.load(before, 16), sum));
      const cd = v128.or(met(c, v128.load(before, 32), sum), met(d, v128.load(before, 48), sum));
      const ef = v128.or(met(e, v128.load(before, 64), sum), met(f, v128.load(before, 80), sum));
      const gh = v128.or(met(g, v128.load(before, 96), sum), met(h, v128.load(before, 112), sum));
      if (i8x16.bitmask(v128.or(v128.or(ab, cd), v128.or(ef, gh))) != 0) out = doubling(p, out, sum);
      p += 128;
      out += 128;
    }
  }
  for (; p < end; p++) {
    const octet = load<u8>(p);
    store<u8>(out++, octet);
    if (octet == DOT && load<u8>(p - 1) == LF && load<u8>(p - 2) == CR) store<u8>(out++, DOT);
  }
  const dotted = out - OUTPUT != end - INPUT;
  store<u32>(DOTTED, dotted ? 1 : 0);
  return dotted ? <i32>(out - OUTPUT) : -1;
}

/** Lanes where an octet and the one before it sum up to what a dot and LF do. */
@inline
function met(octets: v128, before: v128, sum: v128): v128 {
  return i8x16.eq(i8x16.add(octets, before), sum);
}

/** Doubles the dots in the copy of 128 octets; gives `out` moved on by how many there were. */
function doubling(p: usize, out: usize, sum: v128): usize {
  const q = p - 1;
  let first = mask64(met(v128.load(p), v128.load(q), sum), met(v128.load(p, 16), v128.load(q, 16), sum),
    met(v128.load(p, 32), v128.load(q, 32), sum), met(v128.load(p, 48), v128.load(q, 48), sum));
  let second = mask64(met(v128.load(p, 64), v128.load(q, 64), sum), met(v128.load(p, 80), v128.load(q, 80), sum),
    met(v128.load(p, 96), v128.load(q, 96), sum), met(v128.load(p, 112), v128.load(q, 112), sum));
  while ((first | second) != 0) {
    const place = <usize>select<u64>(ctz<u64>(first), 64 + ctz<u64>(second), first != 0);
    const at = p + place;
    if (load<u32>(at - 2) << 8 == CRLF_DOT) {
      const to = out + place;
      store<u8>(to, DOT);
      v128.store(to, v128.load(at), 1);
      v128.store(to, v128.load(at, 16), 17);
      v128.store(to, v128.load(at, 32), 33);
      v128.store(to, v128.load(at, 48), 49);
      v128.store(to, v128.load(at, 64), 65);
      v128.store(to, v128.load(at, 80), 81);
      v128.store(to, v128.load(at, 96), 97);
      v128.store(to, v128.load(at, 112), 113);
      out++;
    }
    second = select(second, second & (second - 1), first != 0);
    first &= first - 1;
  }
  return out;
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
