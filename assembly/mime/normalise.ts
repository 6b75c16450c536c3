// Bare CR and bare LF become CRLF.
import { chunkLength, CR, INPUT, LF, NORMALISE, OUTPUT } from '../abi';
import { lookUp, mask64 } from '../mask';

const CR_LF = memory.data<u8>([13, 10]);
const LAST_IS_CR = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13,
], 16);
/** For each place among sixteen octets, and for none: what stands before it, the last octet, what stands behind. */
const ROOM = memory.data(17 * 16, 16);

export function normaliseReset(): void {
  store<u32>(NORMALISE, 0); // the last octet was CR
  if (load<u8>(ROOM)) return;
  for (let place: u32 = 0; place <= 16; place++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(ROOM + (place << 4) + i, i < place ? i : i == place ? 15 : i - 1);
  }
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
    const but = v128.load(LAST_IS_CR), last = v128.load(LAST_IS_CR, 16);
    for (const stop = end - 16; p <= stop; p += 16) {
      const v = v128.load(p);
      const isLf = i8x16.eq(v, lf), afterCr = i8x16.eq(v128.load(p - 1), cr);
      const bareLf = <u32>i8x16.bitmask(v128.andnot(isLf, afterCr));
      const bareCr = <u32>i8x16.bitmask(v128.andnot(afterCr, isLf));
      if (((bareLf & (bareLf - 1)) | bareCr) == 0) {
        // One LF or none, and no branch between the two: all from its place on moves up by one, and the last octet,
        // for which a vector has no place then, comes after. It leaves its own for the CR.
        const more = <usize>popcnt(bareLf), place = <usize>ctz(bareLf | 0x10000);
        v128.store(out, lookUp(v128.or(v128.and(v, but), last), v128.load(ROOM + (place << 4))));
        store<u8>(out + more, load<u8>(p, 15), 15);
        out += 16 + more;
      } else {
        for (let q = p; q < p + 16; q++) out = mend(out, q);
      }
    }
  }
  for (; p < end; p++) out = mend(out, p);
  return <i32>(out - OUTPUT);
}

@inline
function mend(out: usize, at: usize): usize {
  const octet = <u32>load<u8>(at), afterCr = load<u8>(at - 1) == CR;
  if ((octet == LF) != afterCr) store<u8>(out++, afterCr ? LF : CR);
  store<u8>(out++, octet);
  return out;
}

export function normaliseFinish(): i32 {
  store<u8>(OUTPUT, LF);
  return <i32>load<u32>(NORMALISE);
}
