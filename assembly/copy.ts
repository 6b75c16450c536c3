/** Copies forward between windows that do not overlap; may write up to 63 octets past the end. */
@inline
export function copyOver(to: usize, from: usize, octets: i32): void {
  if (ASC_FEATURE_SIMD) {
    if (octets <= 512) {
      for (let i: i32 = 0; i < octets; i += 16) v128.store(to + i, v128.load(from + i));
      return;
    }
  }
  memory.copy(to, from, octets);
}
