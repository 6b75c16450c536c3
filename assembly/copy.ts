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

/** The same for runs that are nearly always as short as a line: up to 80 octets without a branch; may write 79 too many. */
@inline
export function copyRun(to: usize, from: usize, octets: usize): void {
  copy80(to, from);
  for (let done: usize = 80; done < octets; done += 80) copy80(to + done, from + done);
}

@inline
export function copy80(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
  v128.store(to, v128.load(from, 48), 48);
  v128.store(to, v128.load(from, 64), 64);
}
