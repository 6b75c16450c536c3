/** One bit for each of 64 octets, the first in the lowest. */
@inline
export function mask64(a: v128, b: v128, c: v128, d: v128): u64 {
  return <u64><u32>(i8x16.bitmask(a) | (i8x16.bitmask(b) << 16))
    | (<u64><u32>(i8x16.bitmask(c) | (i8x16.bitmask(d) << 16)) << 32);
}

/** Adds the places of a mask's bits to a list, `at` being that of the lowest; up to three without a branch. Gives its end. */
@inline
export function notePlaces(mask: u64, at: usize, list: usize): usize {
  const count = <usize>popcnt<u64>(mask);
  store<u32>(list, <u32>at + <u32>ctz<u64>(mask));
  mask &= mask - 1;
  store<u32>(list, <u32>at + <u32>ctz<u64>(mask), 4);
  mask &= mask - 1;
  store<u32>(list, <u32>at + <u32>ctz<u64>(mask), 8);
  if (count > 3) {
    mask &= mask - 1;
    for (let more = list + 12; mask != 0; mask &= mask - 1, more += 4) store<u32>(more, <u32>at + <u32>ctz<u64>(mask));
  }
  return list + (count << 2);
}

/** relaxed_swizzle where there is one: indices stay below 16 or have their highest bit set, so both give the same. */
@inline
export function lookUp(table: v128, index: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, index);
  return i8x16.swizzle(table, index);
}
