// What coder and decoder of T.4 share: flags, bounds, and the order of bits on the wire.
import { lookUp } from '../mask';

/** The widest page of T.4, in pels; a multiple of 8. */
export const WIDEST: u32 = 2432;
export const DLE: u32 = 16;

// Flags of all three streams.
export const REVERSED: u32 = 1; // least significant bit first, as a modem wants its octets
export const DOUBLED: u32 = 2; // DLE stands twice
export const UNENDED: u32 = 4; // encoder: no return to control at the end

@inline
export function boundedWidth(pels: i32): u32 {
  return <u32>min(max(pels, 8), <i32>WIDEST) & ~7;
}

// Half an octet the other way round: as the high half, and as the low one.
const HALVES = memory.data<u8>([
  0, 128, 64, 192, 32, 160, 96, 224, 16, 144, 80, 208, 48, 176, 112, 240, 0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15,
], 16);
const LOW_HALF = memory.data<u8>([15]);

/** Each octet's bits the other way round. */
@inline
function turned128(octets: v128): v128 {
  const half = v128.load8_splat(LOW_HALF);
  const low = v128.and(octets, half), high = v128.and(i16x8.shr_u(octets, 4), half);
  return v128.or(lookUp(v128.load(HALVES), low), lookUp(v128.load(HALVES, 16), high));
}

/** The first of 64 bits becomes the lowest one. */
@inline
export function turned(v: u64): u64 {
  if (ASC_FEATURE_SIMD) return i64x2.extract_lane(turned128(i64x2(v, 0)), 0);
  v = ((v >> 4) & 0x0f0f0f0f0f0f0f0f) | ((v & 0x0f0f0f0f0f0f0f0f) << 4);
  v = ((v >> 2) & 0x3333333333333333) | ((v & 0x3333333333333333) << 2);
  return ((v >> 1) & 0x5555555555555555) | ((v & 0x5555555555555555) << 1);
}

/** Turns all octets where they stand, and up to 15 behind them. */
export function turn(from: usize, end: usize): void {
  for (let p = from; p < end; p += 16) {
    if (ASC_FEATURE_SIMD) {
      v128.store(p, turned128(v128.load(p)));
    } else {
      store<u64>(p, turned(load<u64>(p)));
      store<u64>(p, turned(load<u64>(p, 8)), 8);
    }
  }
}

/** Copies to `out`, which may lie before `from`, each DLE twice; gives the end. */
export function doubled(from: usize, end: usize, out: usize): usize {
  let p = from;
  while (p < end) {
    const eight = load<u64>(p);
    const zeroAtDle = eight ^ 0x1010101010101010;
    if (p + 8 <= end && ((zeroAtDle - 0x0101010101010101) & ~zeroAtDle & 0x8080808080808080) == 0) {
      store<u64>(out, eight);
      p += 8;
      out += 8;
      continue;
    }
    for (const stop = min(p + 8, end); p < stop;) {
      const octet = <u32>load<u8>(p++);
      store<u8>(out++, octet);
      if (octet == DLE) store<u8>(out++, octet);
    }
  }
  return out;
}
