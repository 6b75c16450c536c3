// Bare CR and bare LF become CRLF.
import { chunkLength, CR, INPUT, LF, NORMALISE, OUTPUT } from '../abi';
import { lookUp, mask64 } from '../mask';

const CR_LF = memory.data<u8>([13, 10]);
const PLACES = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);

export function normaliseReset(): void {
  store<u32>(NORMALISE, 0); // the last octet was CR
}

/** The first place in [at, end) where CR and LF do not stand together, or end. */
function firstBare(at: usize, end: usize): usize {
  let p = at;
  if (ASC_FEATURE_SIMD) {
    const cr = v128.load8_splat(CR_LF), lf = v128.load8_splat(CR_LF, 1);
    for (; p + 64 <= end; p += 64) {
      const a = v128.xor(i8x16.eq(v128.load(p), lf), i8x16.eq(v128.load(p - 1), cr));
      const b = v128.xor(i8x16.eq(v128.load(p, 16), lf), i8x16.eq(v128.load(p, 15), cr));
      const c = v128.xor(i8x16.eq(v128.load(p, 32), lf), i8x16.eq(v128.load(p, 31), cr));
      const d = v128.xor(i8x16.eq(v128.load(p, 48), lf), i8x16.eq(v128.load(p, 47), cr));
      if (v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) return p + <usize>ctz<u64>(mask64(a, b, c, d));
    }
  }
  while (p < end && (load<u8>(p) == LF) == (load<u8>(p - 1) == CR)) p++;
  return p;
}

/** Octets written to OUTPUT, or -1: nothing to change. */
export function normalise(octets: i32): i32 {
  const end = INPUT + <usize>chunkLength(octets);
  if (end == INPUT) return -1;
  store<u8>(INPUT - 1, load<u32>(NORMALISE) ? CR : 0);
  store<u32>(NORMALISE, load<u8>(end - 1) == CR ? 1 : 0);
  let p = firstBare(INPUT, end);
  if (p == end) return -1;
  let out: usize = OUTPUT + (p - INPUT);
  memory.copy(OUTPUT, INPUT, p - INPUT);
  if (ASC_FEATURE_SIMD) {
    const cr = v128.load8_splat(CR_LF), lf = v128.load8_splat(CR_LF, 1);
    const places = v128.load(PLACES);
    for (; p + 16 <= end; p += 16) {
      const v = v128.load(p);
      const bare = i8x16.bitmask(v128.xor(i8x16.eq(v, lf), i8x16.eq(v128.load(p - 1), cr)));
      if ((bare & (bare - 1)) == 0) {
        // One or none, and no branch between the two: all from its place on move up by one. With none the place is
        // sixteen, and what is written there is written again.
        const place = ctz(bare | 0x10000);
        const moved = i8x16.add(places, i8x16.gt_s(places, i8x16.splat(<i8>(place - 1))));
        v128.store(out, lookUp(v, moved));
        store<u8>(out, load<u8>(p, 15), 16);
        store<u8>(out + place, other(load<u8>(p + place)));
        out += 16 + (bare != 0 ? 1 : 0);
      } else {
        for (let q = p; q < p + 16; q++) out = mend(out, q);
      }
    }
  }
  for (; p < end; p++) out = mend(out, p);
  return <i32>(out - OUTPUT);
}

/** The octet that stands with this one in CRLF, or stood before it. */
@inline
function other(octet: u32): u32 {
  return octet == LF ? CR : LF;
}

@inline
function mend(out: usize, at: usize): usize {
  const octet = <u32>load<u8>(at);
  if ((octet == LF) != (load<u8>(at - 1) == CR)) store<u8>(out++, other(octet));
  store<u8>(out++, octet);
  return out;
}

export function normaliseFinish(): i32 {
  store<u8>(OUTPUT, LF);
  return <i32>load<u32>(NORMALISE);
}
