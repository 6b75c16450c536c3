// Bare CR and bare LF become CRLF.
import { chunkLength, CR, INPUT, LF, NORMALISE, OUTPUT } from '../abi';
import { copyOver } from '../copy';

const CR_LF = memory.data<u8>([13, 10]);

export function normaliseReset(): void {
  store<u32>(NORMALISE, 0); // the last octet was CR
}

/** Octets written to OUTPUT, or -1: nothing to change. */
export function normalise(octets: i32): i32 {
  const end = INPUT + <usize>chunkLength(octets);
  if (end == INPUT) return -1;
  store<u8>(INPUT - 1, load<u32>(NORMALISE) ? CR : 0);
  store<u32>(NORMALISE, load<u8>(end - 1) == CR ? 1 : 0);
  let from: usize = INPUT, out: usize = OUTPUT;
  let p: usize = INPUT;
  if (ASC_FEATURE_SIMD) {
    const cr = v128.load8_splat(CR_LF), lf = v128.load8_splat(CR_LF, 1);
    for (; p + 64 <= end; p += 64) {
      const a = v128.xor(i8x16.eq(v128.load(p), lf), i8x16.eq(v128.load(p - 1), cr));
      const b = v128.xor(i8x16.eq(v128.load(p, 16), lf), i8x16.eq(v128.load(p, 15), cr));
      const c = v128.xor(i8x16.eq(v128.load(p, 32), lf), i8x16.eq(v128.load(p, 31), cr));
      const d = v128.xor(i8x16.eq(v128.load(p, 48), lf), i8x16.eq(v128.load(p, 47), cr));
      if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
      let bare = <u64><u32>(i8x16.bitmask(a) | (i8x16.bitmask(b) << 16))
        | (<u64><u32>(i8x16.bitmask(c) | (i8x16.bitmask(d) << 16)) << 32);
      for (; bare != 0; bare &= bare - 1) {
        const at = p + <usize>ctz<u64>(bare);
        copyOver(out, from, <i32>(at - from));
        out += at - from;
        store<u8>(out++, load<u8>(at) == LF ? CR : LF);
        from = at;
      }
    }
  }
  for (; p < end; p++) {
    const isLf = load<u8>(p) == LF;
    if (isLf == (load<u8>(p - 1) == CR)) continue;
    copyOver(out, from, <i32>(p - from));
    out += p - from;
    store<u8>(out++, isLf ? CR : LF);
    from = p;
  }
  if (out == OUTPUT) return -1;
  copyOver(out, from, <i32>(end - from));
  return <i32>(out + (end - from) - OUTPUT);
}

export function normaliseFinish(): i32 {
  store<u8>(OUTPUT, LF);
  return <i32>load<u32>(NORMALISE);
}
