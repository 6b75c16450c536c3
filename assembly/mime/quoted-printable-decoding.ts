// Quoted-printable (RFC 2045 §6.7), decoding.
import { chunkLength, CR, INPUT, LF, OUTPUT, QP_DECODE } from '../abi';
import { copyOver } from '../copy';
import { lookUp } from '../mask';

const EQUALS: u32 = 61, SPACE: u32 = 32, TAB: u32 = 9;
const SPLATS = memory.data<u8>([61, 32, 9, 13, 10, 48, 10, 32, 97, 6]);

/** For each set of eight octets, the places of those in it, one after the other. Built at the first reset. */
const TOGETHER = memory.data(2048);

// State of the decoder.
const UNDECIDED = QP_DECODE; // octets held back
const LONG_BLANK = QP_DECODE + 4; // inside a run of blanks that is too long to be trailing white space
const MALFORMED = QP_DECODE + 8; // u64
const UNDECIDED_HOLD = QP_DECODE + 64;
/** A longer run of blanks is kept even at a line's end: what may be held back has a bound (RFC 5322 §2.1.1). */
const BLANKS: usize = 998;

export function qpDecodeReset(): void {
  memory.fill(QP_DECODE, 0, 64);
  if (load<u8>(TOGETHER + 2047) == 7) return;
  for (let set: u32 = 0; set < 256; set++) {
    let to = TOGETHER + (<usize>set << 3);
    for (let rest = set; rest != 0; rest &= rest - 1) store<u8>(to++, ctz(rest));
  }
}

@inline
function isBlank(octet: u32): bool {
  return octet == SPACE || octet == TAB;
}

@inline
function hexDigit(octet: u32): u32 {
  const digit = octet - 48;
  if (digit < 10) return digit;
  const letter = (octet | 32) - 97;
  return letter < 6 ? letter + 10 : 16;
}

/** Octets written to OUTPUT. With `last` nothing is held back. */
export function qpDecode(octets: i32, last: i32): i32 {
  const held = <usize>load<u32>(UNDECIDED);
  const end = INPUT + <usize>chunkLength(octets);
  const final = last != 0;
  let p = INPUT - held;
  memory.copy(p, UNDECIDED_HOLD, held);
  let out: usize = OUTPUT;
  while (p < end) {
    if (ASC_FEATURE_SIMD) {
      if (load<u32>(LONG_BLANK) == 0) {
        // Escapes and soft breaks leave a vector without a branch: what stays is moved together by a table.
        const equals = v128.load8_splat(SPLATS), space = v128.load8_splat(SPLATS, 1), tab = v128.load8_splat(SPLATS, 2);
        const cr = v128.load8_splat(SPLATS, 3), lf = v128.load8_splat(SPLATS, 4), zero = v128.load8_splat(SPLATS, 5);
        const ten = v128.load8_splat(SPLATS, 6), letterCase = v128.load8_splat(SPLATS, 7);
        const letterA = v128.load8_splat(SPLATS, 8), six = v128.load8_splat(SPLATS, 9);
        const from = p;
        let gone: u32 = 0; // of the next vector's octets, those that an escape before it took
        while (p + 20 <= end) {
          const v = v128.load(p), next = v128.load(p, 1);
          const isEquals = i8x16.eq(v, equals);
          const blank = v128.or(i8x16.eq(v, space), i8x16.eq(v, tab));
          const breaks = v128.or(i8x16.eq(next, cr), i8x16.eq(next, lf));
          const signs = <u32>i8x16.bitmask(isEquals);
          const trailing = v128.and(blank, breaks);
          if ((signs | gone) == 0 && !v128.any_true(trailing)) {
            v128.store(out, v);
            p += 16;
            out += 16;
            continue;
          }
          const second = v128.load(p, 2);
          const soft = <u32>i8x16.bitmask(v128.and(isEquals, v128.and(i8x16.eq(next, cr), i8x16.eq(second, lf))));
          const digitHigh = i8x16.sub(next, zero), digitLow = i8x16.sub(second, zero);
          const letterHigh = i8x16.sub(v128.or(next, letterCase), letterA);
          const letterLow = i8x16.sub(v128.or(second, letterCase), letterA);
          const isHigh = i8x16.lt_u(digitHigh, ten), isLow = i8x16.lt_u(digitLow, ten);
          const hex = <u32>i8x16.bitmask(v128.and(
            v128.or(isHigh, i8x16.lt_u(letterHigh, six)), v128.or(isLow, i8x16.lt_u(letterLow, six)))) & signs;
          const odd = (signs & ~(hex | soft)) | <u32>i8x16.bitmask(trailing);
          if (odd != 0) {
            // Blanks at a line's end are for the rules below, and so is a sign that is neither escape nor soft break.
            if (gone == 0) {
              const run = <usize>ctz(odd | signs);
              v128.store(out, v);
              p += run;
              out += run;
            }
            break;
          }
          const high = v128.bitselect(digitHigh, i8x16.add(letterHigh, ten), isHigh);
          const low = v128.bitselect(digitLow, i8x16.add(letterLow, ten), isLow);
          const octets = v128.bitselect(v128.or(i8x16.shl(high, 4), low), v, isEquals);
          gone |= (signs << 1) | (signs << 2) | soft;
          const kept = ~gone & 0xffff;
          gone >>= 16;
          const first = <usize>(kept & 0xff), last = <usize>(kept >> 8);
          v128.store(out, lookUp(octets, v128.load64_zero(TOGETHER + (first << 3))));
          out += <usize>popcnt(<u32>first);
          // The same row for the upper half, eight places on.
          v128.store(out, lookUp(v128.shuffle<i64>(octets, octets, 1, 1), v128.load64_zero(TOGETHER + (last << 3))));
          out += <usize>popcnt(<u32>last);
          p += 16;
        }
        p += <usize>popcnt(gone); // one or two, or none
        if (p >= end) break;
        // A run of blanks that ends here is decided as a whole.
        while (p > from && isBlank(load<u8>(p - 1))) {
          p--;
          out--;
        }
      }
    }
    const octet = <u32>load<u8>(p);
    if (octet == EQUALS) {
      store<u32>(LONG_BLANK, 0);
      const available = end - p;
      if (available > 2) {
        const digits = (hexDigit(load<u8>(p + 1)) << 4) | hexDigit(load<u8>(p + 2));
        if (hexDigit(load<u8>(p + 1)) < 16 && hexDigit(load<u8>(p + 2)) < 16) {
          store<u8>(out++, digits);
          p += 3;
          continue;
        }
      } else if (!final && (available == 1 || hexDigit(load<u8>(p + 1)) < 16)) break;
      // '=', blanks and a line end make a soft break (RFC 2045 §6.7 rule 3); at the very end they are dropped.
      let q = p + 1;
      while (q < end && isBlank(load<u8>(q))) q++;
      if (q - p <= BLANKS) {
        if (q == end) {
          if (!final) break;
          p = end;
          continue;
        }
        if (load<u8>(q) == LF) {
          p = q + 1;
          continue;
        }
        if (load<u8>(q) == CR) {
          if (q + 1 == end && !final) break;
          if (q + 1 < end && load<u8>(q + 1) == LF) {
            p = q + 2;
            continue;
          }
        }
      }
      store<u64>(MALFORMED, load<u64>(MALFORMED) + 1);
      store<u8>(out++, octet);
      p++;
      continue;
    }
    if (!isBlank(octet)) {
      store<u32>(LONG_BLANK, 0);
      store<u8>(out++, octet);
      p++;
      continue;
    }
    let q = p + 1;
    while (q < end && isBlank(load<u8>(q))) q++;
    let trailing = false;
    if (load<u32>(LONG_BLANK) == 0) {
      if (q - p > BLANKS) store<u32>(LONG_BLANK, 1);
      else if (q == end) {
        if (!final) break;
        trailing = true;
      } else if (load<u8>(q) == LF) trailing = true;
      else if (load<u8>(q) == CR) {
        if (q + 1 == end && !final) break;
        trailing = q + 1 < end && load<u8>(q + 1) == LF;
      }
    }
    if (!trailing) {
      copyOver(out, p, <i32>(q - p));
      out += q - p;
    }
    p = q;
  }
  const left = end - p;
  memory.copy(UNDECIDED_HOLD, p, left);
  store<u32>(UNDECIDED, <u32>left);
  return <i32>(out - OUTPUT);
}
