// Quoted-printable (RFC 2045 §6.7), encoding.
import { chunkLength, CR, INPUT, LF, OUTPUT, QP_ENCODE } from '../abi';
import { lookUp } from '../mask';

const EQUALS: u32 = 61, SPACE: u32 = 32, TAB: u32 = 9, DOT: u32 = 46, LETTER_F: u32 = 70;
const CRLF: u32 = 0x0a0d;
const SOFT_BREAK: u32 = 0x0a0d3d; // = CR LF
const ROM_BLANK: u32 = 0x206d6f72; // "rom "

const HEX = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70], 16);
const SPLATS = memory.data<u8>([1, 33, 61, 9, 5, 15, 32, 13, 10]);

// How four octets expand, for each set of those to escape (bit i: octet i). The indices go into sixteen octets:
// the four, their high digits, their low digits, four equals signs.
const EXPANSION = memory.data<u8>([
  0, 1, 2, 3, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
  12, 4, 8, 1, 2, 3, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
  0, 12, 5, 9, 2, 3, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
  12, 4, 8, 12, 5, 9, 2, 3, 12, 12, 12, 12, 12, 12, 12, 12,
  0, 1, 12, 6, 10, 3, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
  12, 4, 8, 1, 12, 6, 10, 3, 12, 12, 12, 12, 12, 12, 12, 12,
  0, 12, 5, 9, 12, 6, 10, 3, 12, 12, 12, 12, 12, 12, 12, 12,
  12, 4, 8, 12, 5, 9, 12, 6, 10, 3, 12, 12, 12, 12, 12, 12,
  0, 1, 2, 12, 7, 11, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
  12, 4, 8, 1, 2, 12, 7, 11, 12, 12, 12, 12, 12, 12, 12, 12,
  0, 12, 5, 9, 2, 12, 7, 11, 12, 12, 12, 12, 12, 12, 12, 12,
  12, 4, 8, 12, 5, 9, 2, 12, 7, 11, 12, 12, 12, 12, 12, 12,
  0, 1, 12, 6, 10, 12, 7, 11, 12, 12, 12, 12, 12, 12, 12, 12,
  12, 4, 8, 1, 12, 6, 10, 12, 7, 11, 12, 12, 12, 12, 12, 12,
  0, 12, 5, 9, 12, 6, 10, 12, 7, 11, 12, 12, 12, 12, 12, 12,
  12, 4, 8, 12, 5, 9, 12, 6, 10, 12, 7, 11, 12, 12, 12, 12,
], 16);
const EXPANSION_OCTETS = memory.data<u8>([4, 6, 6, 8, 6, 8, 8, 10, 6, 8, 8, 10, 8, 10, 10, 12]);

// State of the encoder.
const COLUMN = QP_ENCODE;
const HELD = QP_ENCODE + 4;
const BINARY = QP_ENCODE + 8;
const HOLD = QP_ENCODE + 16;
const LOOK_AHEAD: usize = 5; // "From "; a hard break needs two

/** Binary: CR and LF are octets like any other, and only the end is a hard break. */
export function qpEncodeReset(binary: i32): void {
  memory.fill(QP_ENCODE, 0, 64);
  store<u32>(BINARY, binary ? 1 : 0);
}

/** Octets written to OUTPUT. With `last` nothing is held back. */
export function qpEncode(octets: i32, last: i32): i32 {
  const held = <usize>load<u32>(HELD);
  const end = INPUT + <usize>chunkLength(octets);
  const text = load<u32>(BINARY) == 0;
  let p = INPUT - held;
  memory.copy(p, HOLD, held);
  // Behind the end stands what counts the same as the end: a hard break in text, nothing of note in binary.
  store<u32>(end, last ? CRLF : 0);
  let out: usize = OUTPUT;
  let column = load<u32>(COLUMN);
  const stop = last ? end : max(p, end - LOOK_AHEAD);

  while (p < stop) {
    if (ASC_FEATURE_SIMD) {
      const one = v128.load8_splat(SPLATS), blank = v128.load8_splat(SPLATS, 1), equals = v128.load8_splat(SPLATS, 2);
      while (p + 88 <= end) {
        const first = load<u8>(p);
        if (column >= 75) break;
        if (column == 0 && (first == DOT || first == LETTER_F)) break;
        const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
        v128.store(out, a);
        v128.store(out, b, 16);
        v128.store(out, c, 32);
        v128.store(out, d, 48);
        const badA = notLiteral(a, one, blank, equals), badB = notLiteral(b, one, blank, equals);
        const badC = notLiteral(c, one, blank, equals), badD = notLiteral(d, one, blank, equals);
        const bad = <u64><u32>(i8x16.bitmask(badA) | (i8x16.bitmask(badB) << 16))
          | (<u64><u32>(i8x16.bitmask(badC) | (i8x16.bitmask(badD) << 16)) << 32);
        let run: u32 = 64;
        if (bad != 0) run = <u32>ctz<u64>(bad);
        else {
          const e = v128.load(p, 64);
          v128.store(out, e, 64);
          run += <u32>ctz(i8x16.bitmask(notLiteral(e, one, blank, equals)) | 0x10000);
        }
        if (column + run > 75) { // more literals than the line takes: what stands in column 76 is decided below
          run = 75 - column;
          p += run;
          out += run;
          column = 75;
          break;
        }
        p += run;
        out += run;
        column += run;
        if (text && load<u16>(p) == CRLF) {
          if (run > 0) {
            if (load<u8>(p - 1) == SPACE) { // no white space before a hard break
              p--;
              out--;
              column--;
              break;
            }
          } else if (column > 0 && load<u8>(out - 1) == SPACE) break;
          store<u16>(out, CRLF);
          out += 2;
          p += 2;
          column = 0;
          continue;
        }
        if (column == 0) break;
        const from = p;
        // Escapes stand close together: four octets at a time as long as the line takes them.
        const hex = v128.load(HEX), low = v128.load8_splat(SPLATS, 5);
        const controls = v128.load8_splat(SPLATS, 3), five = v128.load8_splat(SPLATS, 4);
        while (p + 24 <= end) {
          const v = v128.load(p);
          const escape = i8x16.bitmask(notLiteral(v, one, blank, equals));
          if (escape == 0) break;
          // Tab, LF and CR have rules of their own, and white space needs to know whether CR follows it.
          const control = i8x16.bitmask(i8x16.lt_u(i8x16.sub(v, controls), five));
          const h = lookUp(hex, i8x16.shr_u(v, 4)), l = lookUp(hex, v128.and(v, low));
          const vh = v128.shuffle<i32>(v, h, 0, 4, 1, 5), le = v128.shuffle<i32>(l, equals, 0, 4, 1, 5);
          const vh2 = v128.shuffle<i32>(v, h, 2, 6, 3, 7), le2 = v128.shuffle<i32>(l, equals, 2, 6, 3, 7);
          let set = escape & 15, grown = <u32>load<u8>(EXPANSION_OCTETS + set);
          if (column + grown > 75 || (control & 0x1f) != 0) break;
          v128.store(out, lookUp(v128.shuffle<i64>(vh, le, 0, 2), v128.load(EXPANSION + (set << 4))));
          p += 4;
          out += grown;
          column += grown;
          set = (escape >> 4) & 15;
          grown = <u32>load<u8>(EXPANSION_OCTETS + set);
          if (column + grown > 75 || (control & 0x1f0) != 0) break;
          v128.store(out, lookUp(v128.shuffle<i64>(vh, le, 1, 3), v128.load(EXPANSION + (set << 4))));
          p += 4;
          out += grown;
          column += grown;
          set = (escape >> 8) & 15;
          grown = <u32>load<u8>(EXPANSION_OCTETS + set);
          if (column + grown > 75 || (control & 0x1f00) != 0) break;
          v128.store(out, lookUp(v128.shuffle<i64>(vh2, le2, 0, 2), v128.load(EXPANSION + (set << 4))));
          p += 4;
          out += grown;
          column += grown;
          set = (escape >> 12) & 15;
          grown = <u32>load<u8>(EXPANSION_OCTETS + set);
          if (column + grown > 75 || (control & 0xf000) != 0 || load<u8>(p + 4) == CR) break;
          v128.store(out, lookUp(v128.shuffle<i64>(vh2, le2, 1, 3), v128.load(EXPANSION + (set << 4))));
          p += 4;
          out += grown;
          column += grown;
        }
        if (p == from) break;
      }
      if (p >= stop) break;
    }
    // One octet, every rule.
    const octet = <u32>load<u8>(p);
    if (text && octet == CR && load<u8>(p + 1) == LF && p + 1 < end) {
      store<u16>(out, CRLF);
      out += 2;
      p += 2;
      column = 0;
      continue;
    }
    const hard = text ? load<u16>(p + 1) == CRLF : last != 0 && p + 1 == end;
    const literal = octet == SPACE || octet == TAB ? !hard : octet > 32 && octet < 127 && octet != EQUALS;
    if (column + (literal ? 1 : 3) > (hard ? <u32>76 : <u32>75)) {
      store<u32>(out, SOFT_BREAK);
      out += 3;
      column = 0;
    }
    // A dot or "From " must not begin a line, one made by a soft break included.
    const first = column == 0 && (octet == DOT
      || (octet == LETTER_F && p + 5 <= end && load<u32>(p + 1) == ROM_BLANK));
    if (literal && !first) {
      store<u8>(out++, octet);
      column++;
    } else {
      store<u8>(out, EQUALS);
      store<u8>(out, load<u8>(HEX + (octet >> 4)), 1);
      store<u8>(out, load<u8>(HEX + (octet & 15)), 2);
      out += 3;
      column += 3;
    }
    p++;
  }
  const left = p < end ? end - p : 0;
  memory.copy(HOLD, p, left);
  store<u32>(HELD, <u32>left);
  store<u32>(COLUMN, column);
  return <i32>(out - OUTPUT);
}

/** Outside 32 to 126, or an equals sign: adding one turns 127 negative as well. */
@inline
function notLiteral(v: v128, one: v128, limit: v128, equals: v128): v128 {
  return v128.or(i8x16.lt_s(i8x16.add(v, one), limit), i8x16.eq(v, equals));
}

/** How many of INPUT's octets quoted-printable has to escape; line ends and tabs not counted. */
export function escapeCount(octets: i32): i32 {
  const end = INPUT + <usize>chunkLength(octets);
  let p: usize = INPUT, count = 0;
  if (ASC_FEATURE_SIMD) {
    const one = v128.load8_splat(SPLATS), blank = v128.load8_splat(SPLATS, 1), equals = v128.load8_splat(SPLATS, 2);
    const tab = v128.load8_splat(SPLATS, 3), lf = v128.load8_splat(SPLATS, 8), cr = v128.load8_splat(SPLATS, 7);
    for (; p + 16 <= end; p += 16) {
      const v = v128.load(p);
      const spared = v128.or(v128.or(i8x16.eq(v, tab), i8x16.eq(v, lf)), i8x16.eq(v, cr));
      count += popcnt(i8x16.bitmask(v128.andnot(notLiteral(v, one, blank, equals), spared)));
    }
  }
  for (; p < end; p++) {
    const octet = <u32>load<u8>(p);
    if ((octet < 32 && octet != TAB && octet != LF && octet != CR) || octet > 126 || octet == EQUALS) count++;
  }
  return count;
}
