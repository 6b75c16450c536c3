// Quoted-printable by the block: first every octet that needs it becomes its escape, without regard to lines, then the
// lines are broken. Neither half has a branch for each octet. Where nothing has to be escaped, lines are copied.
import { CR, EXPANDED, LF, QP_ENCODE } from '../abi';
import { lookUp, mask64 } from '../mask';

export const BLOCK_OCTETS: usize = 2048;
export const SHORT_BLOCK: usize = 64;
export const LOOK_PAST: usize = 24;

const COLUMN = QP_ENCODE;
export const COPIED = QP_ENCODE + 12;
const DOT: u32 = 46, EQUALS: u32 = 61, SPACE: u32 = 32, LETTER_F: u32 = 70;
const CRLF: u32 = 0x0a0d;
const SOFT_BREAK: u32 = 0x0a0d3d; // = CR LF
const ROM: u32 = 0x6d6f72, BLANK_ESCAPE: u32 = 0x30323d; // "rom", "=20"
const ESCAPED_DOT: u32 = 0x45323d, ESCAPED_F: u32 = 0x36343d;

const HEX = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70], 16);
const SPLATS = memory.data<u8>([1, 33, 61, 9, 15, 32, 13, 10]);

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

/** Outside 32 to 126, or an equals sign: adding one turns 127 negative as well. */
@inline
export function notLiteral(v: v128, one: v128, limit: v128, equals: v128): v128 {
  return v128.or(i8x16.lt_s(i8x16.add(v, one), limit), i8x16.eq(v, equals));
}

/** Lines that are the same encoded, up to the first that is not; leaves in COPIED how much of the source that was. */
export function copyLiterals(from: usize, end: usize, out: usize, text: bool): usize {
  const one = v128.load8_splat(SPLATS), limit = v128.load8_splat(SPLATS, 1), equals = v128.load8_splat(SPLATS, 2);
  let column = load<u32>(COLUMN);
  let p = from;
  while (p + 88 <= end) {
    const first = load<u8>(p);
    if (column >= 75 || (column == 0 && (first == DOT || first == LETTER_F))) break;
    const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48), e = v128.load(p, 64);
    v128.store(out, a);
    v128.store(out, b, 16);
    v128.store(out, c, 32);
    v128.store(out, d, 48);
    v128.store(out, e, 64);
    const bad = mask64(
      notLiteral(a, one, limit, equals), notLiteral(b, one, limit, equals),
      notLiteral(c, one, limit, equals), notLiteral(d, one, limit, equals));
    const beyond = <u32>ctz(i8x16.bitmask(notLiteral(e, one, limit, equals)) | 0x10000);
    const run = <u32>ctz<u64>(bad) + (bad == 0 ? beyond : 0);
    if (column + run > 75) break;
    if (!text || load<u16>(p + run) != CRLF) {
      p += run;
      out += run;
      column += run;
      break;
    }
    if (run > 0 && load<u8>(p + run - 1) == SPACE) break; // none may stand before a hard break
    store<u16>(out + run, CRLF);
    out += run + 2;
    p += run + 2;
    column = 0;
  }
  store<u32>(COLUMN, column);
  store<u32>(COPIED, <u32>(p - from));
  return out;
}

/** Escapes `octets` (a multiple of 16) from `at` on into EXPANDED, line breaks left as they are; gives its end. */
export function expand(at: usize, octets: usize, text: bool): usize {
  const one = v128.load8_splat(SPLATS), limit = v128.load8_splat(SPLATS, 1), equals = v128.load8_splat(SPLATS, 2);
  const tab = v128.load8_splat(SPLATS, 3), low = v128.load8_splat(SPLATS, 4), space = v128.load8_splat(SPLATS, 5);
  const cr = v128.load8_splat(SPLATS, 6), lf = v128.load8_splat(SPLATS, 7), hex = v128.load(HEX);
  const inText = i8x16.splat(text ? -1 : 0);
  let out: usize = EXPANDED;
  store<u8>(at - 1, 0); // no CR before a block is one of a pair
  for (const end = at + octets; at < end; at += 16) {
    const v = v128.load(at), next = v128.load(at, 1);
    const isTab = i8x16.eq(v, tab);
    const pairs = v128.or(
      v128.and(i8x16.eq(v, cr), i8x16.eq(next, lf)), v128.and(i8x16.eq(v, lf), i8x16.eq(v128.load(at - 1), cr)));
    // White space before a hard break is escaped (RFC 2045 §6.7 rule 3).
    const hanging = v128.and(
      v128.or(i8x16.eq(v, space), isTab), v128.and(i8x16.eq(next, cr), i8x16.eq(v128.load(at, 2), lf)));
    const plain = v128.andnot(notLiteral(v, one, limit, equals), v128.or(isTab, v128.and(pairs, inText)));
    const escape = <u32>i8x16.bitmask(v128.or(plain, v128.and(hanging, inText)));
    if (escape == 0) {
      v128.store(out, v);
      out += 16;
      continue;
    }
    const h = lookUp(hex, i8x16.shr_u(v, 4)), l = lookUp(hex, v128.and(v, low));
    const vh = v128.shuffle<i32>(v, h, 0, 4, 1, 5), le = v128.shuffle<i32>(l, equals, 0, 4, 1, 5);
    const vh2 = v128.shuffle<i32>(v, h, 2, 6, 3, 7), le2 = v128.shuffle<i32>(l, equals, 2, 6, 3, 7);
    four(out, v128.shuffle<i64>(vh, le, 0, 2), escape & 15);
    four(out + 4 + 2 * popcnt(escape & 0xf), v128.shuffle<i64>(vh, le, 1, 3), (escape >> 4) & 15);
    four(out + 8 + 2 * popcnt(escape & 0xff), v128.shuffle<i64>(vh2, le2, 0, 2), (escape >> 8) & 15);
    four(out + 12 + 2 * popcnt(escape & 0xfff), v128.shuffle<i64>(vh2, le2, 1, 3), escape >> 12);
    out += 16 + 2 * popcnt(escape);
  }
  return out;
}

@inline
function four(out: usize, octets: v128, set: u32): void {
  v128.store(out, lookUp(octets, v128.load(EXPANSION + (<usize>set << 4))));
}

/** Lines from EXPANDED to `end` at `out`; gives where they end. `source`: what follows, not yet expanded. */
export function breakLines(end: usize, source: usize, out: usize, text: bool): usize {
  const cr = v128.load8_splat(SPLATS, 6);
  let column = load<u32>(COLUMN);
  v128.store(end, v128.load(source)); // "From " may stand astride
  const hardEnd = text && load<u16>(source) == CRLF;
  let at: usize = EXPANDED;
  while (at < end) {
    if (column == 0) {
      // A dot or "From " must not begin a line, one made by a soft break included.
      const first = <u32>load<u8>(at);
      if (first == DOT || (first == LETTER_F && fromLine(at, end))) {
        store<u32>(out, first == DOT ? ESCAPED_DOT : ESCAPED_F);
        out += 3;
        column = 3;
        at++;
      }
    }
    const a = v128.load(at), b = v128.load(at, 16), c = v128.load(at, 32), d = v128.load(at, 48), e = v128.load(at, 64);
    v128.store(out, a);
    v128.store(out, b, 16);
    v128.store(out, c, 32);
    v128.store(out, d, 48);
    v128.store(out, e, 64);
    const breaks = mask64(i8x16.eq(a, cr), i8x16.eq(b, cr), i8x16.eq(c, cr), i8x16.eq(d, cr));
    const beyond = <u32>ctz(i8x16.bitmask(i8x16.eq(e, cr)) | 0x10000);
    let run = <u32>ctz<u64>(breaks) + (breaks == 0 ? beyond : 0);
    run = min(run, <u32>(end - at));
    const hard = at + run < end || hardEnd;
    if (column + run <= (hard ? <u32>76 : <u32>75)) {
      at += run;
      out += run;
      column += run;
      if (at < end) {
        store<u16>(out, CRLF);
        out += 2;
        at += 2;
        column = 0;
      }
      continue;
    }
    // Up to column 75, and no escape cut in two.
    run = 75 - column;
    if (run > 0 && load<u8>(at + run - 1) == EQUALS) run--;
    else if (run > 1 && load<u8>(at + run - 2) == EQUALS) run -= 2;
    at += run;
    out += run;
    store<u32>(out, SOFT_BREAK);
    out += 3;
    column = 0;
  }
  store<u32>(COLUMN, column);
  return out;
}

/** "From " as it came, or with its blank escaped because the line ends there. */
@inline
function fromLine(at: usize, end: usize): bool {
  if ((load<u32>(at + 1) & 0xffffff) != ROM) return false;
  return load<u8>(at + 4) == SPACE || (at + 7 <= end && (load<u32>(at + 4) & 0xffffff) == BLANK_ESCAPE);
}
