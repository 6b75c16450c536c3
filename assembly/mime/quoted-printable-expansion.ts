// Quoted-printable's first half: every octet that needs it becomes its escape, without regard to lines, and the ends of
// lines are noted for the second (quoted-printable-lines.ts). There is no branch for an octet.
import { CR, EXPANDED, EXPANSIONS, LF, LINE_ENDS } from '../abi';
import { lookUp, mask64, notePlaces } from '../mask';
import { LINES, UNPAIRED } from './quoted-printable-lines';

export const BLOCK_OCTETS: usize = 2048;

const HEX = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 65, 66, 67, 68, 69, 70], 16);
const SPLATS = memory.data<u8>([1, 33, 61, 15, 13, 10, 128]);
// TAB, and in text CR and LF as well, at their own places: what is equal to what it finds here is no escape.
const EXEMPT = memory.data<u8>([
  1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 10, 0, 0, 13, 0, 0,
], 16);

// How eight octets expand, for each set of those to escape: 256 rows for the first sixteen octets that come of them,
// and 256 for the last eight. An index below sixteen means the octets themselves and equals signs, one above 127 their
// digits, the high ones and then the low ones.
const MORE: usize = EXPANSIONS + 256 * 16;

export function fillExpansions(): void {
  if (load<u8>(EXPANSIONS + 1)) return;
  for (let set: u32 = 0; set < 256; set++) {
    const row = EXPANSIONS + (<usize>set << 4), rest = MORE + (<usize>set << 3);
    let n: usize = 0;
    for (let octet: u32 = 0; octet < 8; octet++) {
      const escaped = (set >> octet) & 1;
      const indices = escaped ? 8 | ((0x80 | octet) << 8) | ((0x88 | octet) << 16) : octet;
      for (let last = n + (escaped ? 2 : 0), part: u32 = 0; n <= last; n++, part += 8) {
        store<u8>(n < 16 ? row + n : rest + n - 16, indices >> part);
      }
    }
  }
}

/** Outside 32 to 126, or an equals sign: adding one turns 127 negative as well. */
@inline
export function notLiteral(v: v128, one: v128, limit: v128, equals: v128): v128 {
  return v128.or(i8x16.lt_s(i8x16.add(v, one), limit), i8x16.eq(v, equals));
}

/** How many octets from `at` on, in steps of 64, are text without an escape; notes its lines. */
export function literalOctets(at: usize, end: usize): usize {
  const one = v128.load8_splat(SPLATS), limit = v128.load8_splat(SPLATS, 1), equals = v128.load8_splat(SPLATS, 2);
  const cr = v128.load8_splat(SPLATS, 4), lf = v128.load8_splat(SPLATS, 5);
  let p = at, list = LINE_ENDS;
  store<u8>(at - 1, 0); // no CR before a block is one of a pair
  for (const last = end - 64; p <= last; p += 64) {
    const before = p - 1;
    const a = v128.load(p), b = v128.load(p, 16), c = v128.load(p, 32), d = v128.load(p, 48);
    const lfA = i8x16.eq(a, lf), lfB = i8x16.eq(b, lf), lfC = i8x16.eq(c, lf), lfD = i8x16.eq(d, lf);
    const alone = v128.or(
      v128.or(v128.xor(lfA, i8x16.eq(v128.load(before), cr)), v128.xor(lfB, i8x16.eq(v128.load(before, 16), cr))),
      v128.or(v128.xor(lfC, i8x16.eq(v128.load(before, 32), cr)), v128.xor(lfD, i8x16.eq(v128.load(before, 48), cr))));
    const escaped = v128.or(
      v128.or(v128.andnot(notLiteral(a, one, limit, equals), v128.or(lfA, i8x16.eq(a, cr))),
        v128.andnot(notLiteral(b, one, limit, equals), v128.or(lfB, i8x16.eq(b, cr)))),
      v128.or(v128.andnot(notLiteral(c, one, limit, equals), v128.or(lfC, i8x16.eq(c, cr))),
        v128.andnot(notLiteral(d, one, limit, equals), v128.or(lfD, i8x16.eq(d, cr)))));
    if (i8x16.bitmask(v128.or(alone, escaped)) != 0) break;
    list = notePlaces(mask64(lfA, lfB, lfC, lfD), before, list);
  }
  store<u32>(LINES, <u32>(list - LINE_ENDS) >> 2);
  return loneCr(p) ? 0 : p - at;
}

/** Whether a CR before `p` is not half of a line's end. */
@inline
function loneCr(p: usize): bool {
  return load<u8>(p - 1) == CR && load<u8>(p) != LF;
}

// Types to choose between two compilations of one source: what is known when it is compiled costs nothing in the loop.
type Dense = i32;
type Sparse = u32;

/**
 * Escapes `octets` (a multiple of 16) from `at` on into EXPANDED and notes its lines; gives the end. In text CR and LF
 * stay, as if they always stood together: UNPAIRED says whether they do not. `dense`: more to escape than not.
 */
export function expand(at: usize, octets: usize, text: bool, dense: bool): usize {
  return dense ? expansion<Dense>(at, octets, text) : expansion<Sparse>(at, octets, text);
}

function expansion<T>(at: usize, octets: usize, text: bool): usize {
  const one = v128.load8_splat(SPLATS), limit = v128.load8_splat(SPLATS, 1), equals = v128.load8_splat(SPLATS, 2);
  const low = v128.load8_splat(SPLATS, 3), cr = v128.load8_splat(SPLATS, 4), lf = v128.load8_splat(SPLATS, 5);
  const turn = v128.load8_splat(SPLATS, 6), hex = v128.load(HEX), exempt = v128.load(EXEMPT + (text ? 16 : 0));
  let out = EXPANDED, list = LINE_ENDS;
  let unpaired = i8x16.splat(0);
  store<u8>(at - 1, 0); // no CR before a block is one of a pair
  for (const end = at + octets; at < end; at += 16) {
    const v = v128.load(at), isLf = i8x16.eq(v, lf);
    const escapes = v128.andnot(notLiteral(v, one, limit, equals), i8x16.eq(lookUp(exempt, v), v));
    const set = <u32>i8x16.bitmask(escapes), ends = <u32>i8x16.bitmask(isLf);
    unpaired = v128.or(unpaired, v128.xor(isLf, i8x16.eq(v128.load(at - 1), cr)));
    // The first end, or where it would be behind these octets; a second is rare.
    const before = (ends - 1) & ~ends;
    store<u32>(list, <u32>out + popcnt(before) + 2 * popcnt(set & before) - 1);
    list += <usize>popcnt(ends) << 2;
    if ((ends & (ends - 1)) != 0) list = noteMore(ends, set, out, list);
    const high = lookUp(hex, v128.and(i16x8.shr_u(v, 4), low)), lower = lookUp(hex, v128.and(v, low));
    const first = <usize>(set & 0xff), second = <usize>(set >> 8);
    eight<T>(out, v128.shuffle<i64>(v, equals, 0, 2), v128.shuffle<i64>(high, lower, 0, 2), first, turn);
    const middle = out + 8 + 2 * <usize>popcnt(<u32>first);
    eight<T>(middle, v128.shuffle<i64>(v, equals, 1, 3), v128.shuffle<i64>(high, lower, 1, 3), second, turn);
    out = middle + 8 + 2 * <usize>popcnt(<u32>second);
  }
  store<u32>(UNPAIRED, text && (loneCr(at) || v128.any_true(unpaired)) ? 1 : 0);
  store<u32>(LINES, text ? <u32>(list - LINE_ENDS) >> 2 : 0);
  return out;
}

@inline
function eight<T>(out: usize, octets: v128, digits: v128, set: usize, turn: v128): void {
  const index = v128.load(EXPANSIONS + (set << 4));
  v128.store(out, v128.or(lookUp(octets, index), lookUp(digits, v128.xor(index, turn))));
  if (isSigned<T>() || popcnt(<u32>set) > 4) {
    const more = v128.load64_zero(MORE + (set << 3));
    v128.store(out, v128.or(lookUp(octets, more), lookUp(digits, v128.xor(more, turn))), 16);
  }
}

/** The list, whose end lies behind the ends of these octets, has only the first of them. */
function noteMore(ends: u32, set: u32, out: usize, list: usize): usize {
  let at = list - (<usize>popcnt(ends) << 2);
  for (; ends != 0; ends &= ends - 1, at += 4) {
    const before = (ends - 1) & ~ends;
    store<u32>(at, <u32>out + popcnt(before) + 2 * popcnt(set & before) - 1);
  }
  return list;
}
