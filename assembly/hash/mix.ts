// The arithmetic that all lengths of XXH3 share.
export const P32_1: u64 = 0x9e3779b1;
export const P32_2: u64 = 0x85ebca77;
export const P32_3: u64 = 0xc2b2ae3d;
export const P64_1: u64 = 0x9e3779b185ebca87;
export const P64_2: u64 = 0xc2b2ae3d27d4eb4f;
export const P64_3: u64 = 0x165667b19e3779f9;
export const P64_4: u64 = 0x85ebca77c2b2ae63;
export const P64_5: u64 = 0x27d4eb2f165667c5;
export const MIX_1: u64 = 0x165667919e3779f9;
export const MIX_2: u64 = 0x9fb21c651e98df25;

@inline
export function product(a: u32, b: u32): u64 {
  return <u64>a * <u64>b;
}

/** The upper half of a 64 by 64 bit product. */
@inline
export function high64(a: u64, b: u64): u64 {
  const lowLow = product(<u32>a, <u32>b);
  const highLow = product(<u32>(a >> 32), <u32>b);
  const lowHigh = product(<u32>a, <u32>(b >> 32));
  const cross = (lowLow >> 32) + (highLow & 0xffffffff) + lowHigh;
  return (highLow >> 32) + (cross >> 32) + product(<u32>(a >> 32), <u32>(b >> 32));
}

@inline
export function fold(a: u64, b: u64): u64 {
  return (a * b) ^ high64(a, b);
}

@inline
export function avalanche(h: u64): u64 {
  h = (h ^ (h >> 37)) * MIX_1;
  return h ^ (h >> 32);
}

/** XXH64's finish, which XXH3 keeps for its shortest inputs. */
export function oldAvalanche(h: u64): u64 {
  h = (h ^ (h >> 33)) * P64_2;
  h = (h ^ (h >> 29)) * P64_3;
  return h ^ (h >> 32);
}

export function mix16(at: usize, secret: usize, seed: u64): u64 {
  return fold(load<u64>(at) ^ (load<u64>(secret) + seed), load<u64>(at, 8) ^ (load<u64>(secret, 8) - seed));
}
