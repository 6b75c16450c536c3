// Base64 (RFC 2045 §6.8), both ways; the vector arithmetic after Wojciech Muła's and Daniel Lemire's papers.
import { BASE64_DECODE, BASE64_ENCODE, chunkLength, CR, INPUT, LF, OUTPUT } from '../abi';
import { lookUp } from '../mask';

const LINE: usize = 57; // octets that make 76 characters
const CRLF: u32 = 0x0a0d;
const PAD: u32 = 61;

const ALPHABET = memory.data<u8>([
  65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90,
  97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120,
  121, 122, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 43, 47,
], 16);
// Octets b1 b0 b2 b1 of each group of three, so that two multiplications or shifts cut it into sixes.
const SPREAD = memory.data<u8>([1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10], 16);
// In each lane of sixteen bits, multiplying moves the first and third six to its upper end, the second and fourth to
// where they belong.
const MOVES = memory.data<u32>([0x00100001, 0x01000010, 0x3f003f00]);
// What to add to a six, by its range: 0 to 25, 26 to 51, the digits, + and /.
const SHIFTS = memory.data<u8>([65, 71, 252, 252, 252, 252, 252, 252, 252, 252, 252, 252, 237, 240, 0, 0], 16);
const RANGES = memory.data<u8>([51, 25]);

// State of the encoder.
const HELD = BASE64_ENCODE;
const STARTED = BASE64_ENCODE + 4;
const HOLD = BASE64_ENCODE + 16;

export function base64EncodeReset(): void {
  memory.fill(BASE64_ENCODE, 0, 128);
}

/** Lines of 76 with CRLF between, none after the last. Octets written to OUTPUT. */
export function base64Encode(octets: i32, last: i32): i32 {
  const held = <usize>load<u32>(HELD);
  const end = INPUT + <usize>chunkLength(octets);
  let p = INPUT - held;
  memory.copy(p, HOLD, held);
  let out: usize = OUTPUT;
  let started = load<u32>(STARTED);
  if (ASC_FEATURE_SIMD) {
    const spread = v128.load(SPREAD), shifts = v128.load(SHIFTS);
    const m0 = v128.load32_splat(MOVES), m1 = v128.load32_splat(MOVES, 4), m2 = v128.load32_splat(MOVES, 8);
    const r0 = v128.load8_splat(RANGES), r1 = v128.load8_splat(RANGES, 1);
    while (p + LINE <= end) {
      if (started) {
        store<u16>(out, CRLF);
        out += 2;
      }
      v128.store(out, sixteen(v128.load(p), spread, shifts, m0, m1, m2, r0, r1));
      v128.store(out, sixteen(v128.load(p, 12), spread, shifts, m0, m1, m2, r0, r1), 16);
      v128.store(out, sixteen(v128.load(p, 24), spread, shifts, m0, m1, m2, r0, r1), 32);
      v128.store(out, sixteen(v128.load(p, 36), spread, shifts, m0, m1, m2, r0, r1), 48);
      v128.store(out, sixteen(v128.load(p, 48), spread, shifts, m0, m1, m2, r0, r1), 64);
      out += 76;
      p += LINE;
      started = 1;
    }
  }
  while (p < end && (last || p + LINE <= end)) {
    if (started) {
      store<u16>(out, CRLF);
      out += 2;
    }
    started = 1;
    const stop = min(p + LINE, end);
    for (; p + 3 <= stop; p += 3) {
      const group = (<u32>load<u8>(p) << 16) | (<u32>load<u8>(p, 1) << 8) | <u32>load<u8>(p, 2);
      store<u8>(out, load<u8>(ALPHABET + (group >> 18)));
      store<u8>(out, load<u8>(ALPHABET + ((group >> 12) & 63)), 1);
      store<u8>(out, load<u8>(ALPHABET + ((group >> 6) & 63)), 2);
      store<u8>(out, load<u8>(ALPHABET + (group & 63)), 3);
      out += 4;
    }
    if (p < stop) { // one or two octets, at the very end
      const two = p + 2 == stop;
      const group = (<u32>load<u8>(p) << 16) | (two ? <u32>load<u8>(p, 1) << 8 : 0);
      store<u8>(out, load<u8>(ALPHABET + (group >> 18)));
      store<u8>(out, load<u8>(ALPHABET + ((group >> 12) & 63)), 1);
      store<u8>(out, two ? <u32>load<u8>(ALPHABET + ((group >> 6) & 63)) : PAD, 2);
      store<u8>(out, PAD, 3);
      out += 4;
      p = stop;
    }
  }
  const left = end - p;
  memory.copy(HOLD, p, left);
  store<u32>(HELD, <u32>left);
  store<u32>(STARTED, started);
  return <i32>(out - OUTPUT);
}

@inline
function sixteen(
  v: v128, spread: v128, shifts: v128, m0: v128, m1: v128, m2: v128, r0: v128, r1: v128,
): v128 {
  const x = lookUp(v, spread);
  const sixes = v128.or(i16x8.shr_u(i16x8.mul(x, m0), 10), v128.and(i16x8.mul(x, m1), m2));
  const range = i8x16.sub(i8x16.sub_sat_u(sixes, r0), i8x16.gt_s(sixes, r1));
  return i8x16.add(sixes, lookUp(shifts, range));
}

// State of the decoder.
const BITS = BASE64_DECODE; // of the open group
const COUNT = BASE64_DECODE + 4; // its characters so far
const PADDED = BASE64_DECODE + 8;
const JUNK = BASE64_DECODE + 16; // u64, neither alphabet nor white space
const BEHIND = BASE64_DECODE + 24; // u64, characters behind the padding

// 64: white space, 65: padding, 66: junk.
const VALUES = memory.data(256);

const LOW_RULES = memory.data<u8>([21, 17, 17, 17, 17, 17, 17, 17, 17, 17, 19, 26, 27, 27, 27, 26], 16);
const HIGH_RULES = memory.data<u8>([16, 16, 1, 2, 4, 8, 4, 8, 16, 16, 16, 16, 16, 16, 16, 16], 16);
const ROLLS = memory.data<u8>([0, 16, 19, 4, 191, 191, 185, 185, 0, 0, 0, 0, 0, 0, 0, 0], 16);
const GATHER = memory.data<u8>([2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 15, 15, 15, 15], 16);
const SMALL = memory.data<u8>([15, 47]);
const PAIRS = memory.data<u32>([0x00ff00ff, 0x01400140, 0x00011000]);

export function base64DecodeReset(): void {
  memory.fill(BASE64_DECODE, 0, 64);
  if (load<u8>(VALUES) == 66) return;
  memory.fill(VALUES, 66, 256);
  for (let i: u32 = 0; i < 64; i++) store<u8>(VALUES + <usize>load<u8>(ALPHABET + i), i);
  store<u8>(VALUES, 64, 9);
  store<u8>(VALUES, 64, 10);
  store<u8>(VALUES, 64, 13);
  store<u8>(VALUES, 64, 32);
  store<u8>(VALUES, 65, 61);
}

/** Octets written to OUTPUT; all input is taken. */
export function base64Decode(octets: i32): i32 {
  const end = INPUT + <usize>chunkLength(octets);
  let p: usize = INPUT, out: usize = OUTPUT;
  let bits = load<u32>(BITS), count = load<u32>(COUNT);
  while (p < end) {
    if (ASC_FEATURE_SIMD) {
      if (count == 0 && load<u32>(PADDED) == 0) {
        const low = v128.load(LOW_RULES), high = v128.load(HIGH_RULES), rolls = v128.load(ROLLS);
        const gather = v128.load(GATHER), nibble = v128.load8_splat(SMALL), slash = v128.load8_splat(SMALL, 1);
        const p0 = v128.load32_splat(PAIRS), p1 = v128.load32_splat(PAIRS, 4), p2 = v128.load32_splat(PAIRS, 8);
        // Whole lines of 76, the last vector overlapping the one before it.
        while (p + 78 <= end && load<u16>(p, 76) == CRLF) {
          const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48), e = v128.load(p, 60);
          const wrong = v128.or(v128.or(v128.or(broken(a, low, high, nibble), broken(b, low, high, nibble)),
            v128.or(broken(c, low, high, nibble), broken(d, low, high, nibble))), broken(e, low, high, nibble));
          if (v128.any_true(wrong)) break;
          v128.store(out, twelve(a, rolls, gather, nibble, slash, p0, p1, p2));
          v128.store(out, twelve(b, rolls, gather, nibble, slash, p0, p1, p2), 12);
          v128.store(out, twelve(c, rolls, gather, nibble, slash, p0, p1, p2), 24);
          v128.store(out, twelve(d, rolls, gather, nibble, slash, p0, p1, p2), 36);
          v128.store(out, twelve(e, rolls, gather, nibble, slash, p0, p1, p2), 45);
          p += 78;
          out += 57;
        }
        while (p + 16 <= end) {
          const v = v128.load(p);
          if (v128.any_true(broken(v, low, high, nibble))) break;
          v128.store(out, twelve(v, rolls, gather, nibble, slash, p0, p1, p2));
          p += 16;
          out += 12;
        }
      }
    }
    // One character at a time to the end of the line.
    while (p < end) {
      const character = <u32>load<u8>(p++);
      const value = <u32>load<u8>(VALUES + character);
      if (load<u32>(PADDED)) {
        if (value < 64) store<u64>(BEHIND, load<u64>(BEHIND) + 1);
        else if (value == 66) store<u64>(JUNK, load<u64>(JUNK) + 1);
      } else if (value < 64) {
        bits = (bits << 6) | value;
        if (++count == 4) {
          store<u8>(out, bits >> 16);
          store<u8>(out, bits >> 8, 1);
          store<u8>(out, bits, 2);
          out += 3;
          count = 0;
          bits = 0;
        }
      } else if (value == 65) {
        store<u32>(PADDED, 1);
        out = tail(out, bits, count);
        count = 0;
      } else if (value == 66) store<u64>(JUNK, load<u64>(JUNK) + 1);
      if (character == LF && count == 0) break;
    }
  }
  store<u32>(BITS, bits);
  store<u32>(COUNT, count);
  return <i32>(out - OUTPUT);
}

/** What an unpadded end left over. */
export function base64DecodeFinish(): i32 {
  const out = tail(OUTPUT, load<u32>(BITS), load<u32>(COUNT));
  store<u32>(COUNT, 0);
  return <i32>(out - OUTPUT);
}

function tail(out: usize, bits: u32, count: u32): usize {
  if (count == 2) store<u8>(out++, bits >> 4);
  else if (count == 3) {
    store<u8>(out++, bits >> 10);
    store<u8>(out++, bits >> 2);
  }
  return out;
}

/** The upper half of each octet. A shift of octets themselves would build its mask anew each time. */
@inline
function upper(v: v128, nibble: v128): v128 {
  return v128.and(i16x8.shr_u(v, 4), nibble);
}

/** Lanes other than 0: not of the alphabet. */
@inline
function broken(v: v128, low: v128, high: v128, nibble: v128): v128 {
  return v128.and(lookUp(low, v128.and(v, nibble)), lookUp(high, upper(v, nibble)));
}

@inline
function twelve(v: v128, rolls: v128, gather: v128, nibble: v128, slash: v128, p0: v128, p1: v128, p2: v128): v128 {
  const sixes = i8x16.add(v, lookUp(rolls, i8x16.add(upper(v, nibble), i8x16.eq(v, slash))));
  let pairs: v128;
  if (ASC_FEATURE_RELAXED_SIMD) pairs = i16x8.relaxed_dot_i8x16_i7x16_s(p1, sixes);
  else pairs = v128.or(i16x8.shl(v128.and(sixes, p0), 6), i16x8.shr_u(sixes, 8));
  return lookUp(i32x4.dot_i16x8_s(pairs, p2), gather);
}
