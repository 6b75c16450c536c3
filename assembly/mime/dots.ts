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

const CRLF_DOT: u32 = 0x2e0a0d00;
const SUM_VECTOR = memory.data<u8>([56]); // of the two, and of hardly any other neighbours in a mail

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
    const sum = v128.load8_splat(SUM_VECTOR);
    for (; p < end; p += 64) {
      const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
      const metA = met(v128.load(p - 1), a, sum), metB = met(before(a, b), b, sum);
      const metC = met(before(b, c), c, sum), metD = met(before(c, d), d, sum);
      if (i8x16.bitmask(v128.or(v128.or(metA, metB), v128.or(metC, metD))) == 0) continue;
      for (let found = mask64(metA, metB, metC, metD); found != 0; found &= found - 1) {
        const dot = p + <usize>ctz<u64>(found);
        if (load<u32>(dot - 2) << 8 == CRLF_DOT) return min(dot, end);
      }
    }
  } else {
    for (; p < end; p++) {
      if (load<u8>(p) == DOT && load<u8>(p - 1) == LF && load<u8>(p - 2) == CR) return p;
    }
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
  p = INPUT + ((p - INPUT) & ~63);
  let out: usize = OUTPUT + (p - INPUT);
  memory.copy(OUTPUT, INPUT, p - INPUT);
  if (ASC_FEATURE_SIMD) {
    const sum = v128.load8_splat(SUM_VECTOR);
    memory.fill(end, 0, 128); // what the last turn reads beyond the end has no dot
    for (; p < end; p += 128) {
      out = copyDoubling(out, p, sum) + 64;
      out = copyDoubling(out, p + 64, sum) + 64;
    }
    out -= p - end;
  } else {
    for (; p < end; p++) {
      const octet = load<u8>(p);
      store<u8>(out++, octet);
      if (octet == DOT && load<u8>(p - 1) == LF && load<u8>(p - 2) == CR) store<u8>(out++, DOT);
    }
  }
  const dotted = out - OUTPUT != end - INPUT;
  store<u32>(DOTTED, dotted ? 1 : 0);
  return dotted ? <i32>(out - OUTPUT) : -1;
}

/** Copies 64 octets and doubles the dots among them; gives `out` moved on by how many there were. */
@inline
function copyDoubling(out: usize, p: usize, sum: v128): usize {
  const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
  store64(out, a, b, c, d);
  const metA = met(v128.load(p - 1), a, sum), metB = met(before(a, b), b, sum);
  const metC = met(before(b, c), c, sum), metD = met(before(c, d), d, sum);
  if (i8x16.bitmask(v128.or(v128.or(metA, metB), v128.or(metC, metD))) != 0) {
    for (let found = mask64(metA, metB, metC, metD); found != 0; found &= found - 1) {
      // From a dot on, all is stored again an octet further on: more than the 64, which the next ones overwrite.
      const place = <usize>ctz<u64>(found), at = p + place;
      const more = <usize>(load<u32>(at - 2) << 8 == CRLF_DOT);
      store64(out + place + more, v128.load(at), v128.load(at, 16), v128.load(at, 32), v128.load(at, 48));
      out += more;
    }
  }
  return out;
}

/** Lanes where two neighbours sum up to what LF and a dot do. */
@inline
function met(left: v128, right: v128, sum: v128): v128 {
  return i8x16.eq(i8x16.add_sat_u(left, right), sum);
}

/** The octets before those of `right`, which follow `left`: cheaper than to load them. */
@inline
function before(left: v128, right: v128): v128 {
  return v128.shuffle<u8>(left, right, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}

@inline
function store64(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, a);
  v128.store(at, b, 16);
  v128.store(at, c, 32);
  v128.store(at, d, 48);
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
