// Bare CR and bare LF become CRLF.
import { chunkLength, CR, INPUT, LF, LINE_ENDS, NORMALISE, OUTPUT } from '../abi';
import { copyRun } from '../copy';
import { mask64, notePlaces } from '../mask';

const CR_LF = memory.data<u8>([13, 10]);
const BLOCK_OCTETS: usize = 2048;

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
    for (let room = end - p; room >= 64; room = end - p) {
      const stop = p + (min(room, BLOCK_OCTETS) & ~63), list = bareOnes(p, stop);
      for (let next = LINE_ENDS; next < list; next += 4) {
        const bare = <usize>load<u32>(next), octets = bare - p;
        copyRun(out, p, octets);
        store<u8>(out + octets, missingBefore(load<u8>(bare)));
        out += octets + 1;
        p = bare;
      }
      copyRun(out, p, stop - p);
      out += stop - p;
      p = stop;
    }
  }
  for (; p < end; p++) {
    const octet = load<u8>(p);
    if ((octet == LF) != (load<u8>(p - 1) == CR)) store<u8>(out++, missingBefore(octet));
    store<u8>(out++, octet);
  }
  return <i32>(out - OUTPUT);
}

/** Notes each octet that misses one before it: LF a CR, or what follows a CR an LF; gives the end of the list. */
function bareOnes(at: usize, stop: usize): usize {
  const cr = v128.load8_splat(CR_LF), lf = v128.load8_splat(CR_LF, 1);
  let list = LINE_ENDS;
  for (; at < stop; at += 64) {
    const q = at - 1;
    list = notePlaces(mask64(
      v128.xor(i8x16.eq(v128.load(at), lf), i8x16.eq(v128.load(q), cr)),
      v128.xor(i8x16.eq(v128.load(at, 16), lf), i8x16.eq(v128.load(q, 16), cr)),
      v128.xor(i8x16.eq(v128.load(at, 32), lf), i8x16.eq(v128.load(q, 32), cr)),
      v128.xor(i8x16.eq(v128.load(at, 48), lf), i8x16.eq(v128.load(q, 48), cr))), at, list);
  }
  return list;
}

@inline
function missingBefore(octet: u32): u32 {
  return octet == LF ? CR : LF;
}

export function normaliseFinish(): i32 {
  store<u8>(OUTPUT, LF);
  return <i32>load<u32>(NORMALISE);
}
