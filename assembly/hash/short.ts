// XXH3 of up to 240 octets: a rule of its own for each range of lengths.
import {
  avalanche, fold, high64, MIX_2, mix16, oldAvalanche, P32_2, P64_1, P64_2, P64_4, product,
} from './mix';


export function short64(at: usize, octets: i32, secret: usize, seed: u64): u64 {
  const length = <u64>octets;
  if (octets == 0) return oldAvalanche(seed ^ (load<u64>(secret, 56) ^ load<u64>(secret, 64)));
  if (octets <= 3) {
    const flip = <u64>(load<u32>(secret) ^ load<u32>(secret, 4)) + seed;
    return oldAvalanche(<u64>combined(at, octets) ^ flip);
  }
  if (octets <= 8) {
    seed ^= <u64>bswap<u32>(<u32>seed) << 32;
    const flip = (load<u64>(secret, 8) ^ load<u64>(secret, 16)) - seed;
    let h = (<u64>load<u32>(at + octets - 4) + (<u64>load<u32>(at) << 32)) ^ flip;
    h ^= rotl<u64>(h, 49) ^ rotl<u64>(h, 24);
    h *= MIX_2;
    h ^= (h >> 35) + length;
    h *= MIX_2;
    return h ^ (h >> 28);
  }
  if (octets <= 16) {
    const low = load<u64>(at) ^ ((load<u64>(secret, 24) ^ load<u64>(secret, 32)) + seed);
    const high = load<u64>(at + octets - 8) ^ ((load<u64>(secret, 40) ^ load<u64>(secret, 48)) - seed);
    return avalanche(length + bswap<u64>(low) + high + fold(low, high));
  }
  let sum = length * P64_1;
  const end = at + octets;
  if (octets <= 128) {
    for (let i = (octets - 1) >> 5; i >= 0; i--) {
      sum += mix16(at + (i << 4), secret + (i << 5), seed);
      sum += mix16(end - ((i + 1) << 4), secret + (i << 5) + 16, seed);
    }
    return avalanche(sum);
  }
  for (let i = 0; i < 8; i++) sum += mix16(at + (i << 4), secret + (i << 4), seed);
  sum = avalanche(sum);
  for (let i = 8; i < octets >> 4; i++) sum += mix16(at + (i << 4), secret + ((i - 8) << 4) + 3, seed);
  return avalanche(sum + mix16(end - 16, secret + 136 - 17, seed));
}

/** Writes low then high at `to`. */
export function short128(at: usize, octets: i32, secret: usize, seed: u64, to: usize): void {
  const length = <u64>octets;
  if (octets == 0) {
    put(to, oldAvalanche(seed ^ (load<u64>(secret, 64) ^ load<u64>(secret, 72))),
      oldAvalanche(seed ^ (load<u64>(secret, 80) ^ load<u64>(secret, 88))));
    return;
  }
  if (octets <= 3) {
    const low = combined(at, octets);
    const high = rotl<u32>(bswap<u32>(low), 13);
    put(to, oldAvalanche(<u64>low ^ (<u64>(load<u32>(secret) ^ load<u32>(secret, 4)) + seed)),
      oldAvalanche(<u64>high ^ (<u64>(load<u32>(secret, 8) ^ load<u32>(secret, 12)) - seed)));
    return;
  }
  if (octets <= 8) {
    seed ^= <u64>bswap<u32>(<u32>seed) << 32;
    const flip = (load<u64>(secret, 16) ^ load<u64>(secret, 24)) + seed;
    const keyed = (<u64>load<u32>(at) + (<u64>load<u32>(at + octets - 4) << 32)) ^ flip;
    const factor = P64_1 + (length << 2);
    let low = keyed * factor, high = high64(keyed, factor);
    high += low << 1;
    low ^= high >> 3;
    low = (low ^ (low >> 35)) * MIX_2;
    put(to, low ^ (low >> 28), avalanche(high));
    return;
  }
  if (octets <= 16) {
    const flipLow = (load<u64>(secret, 32) ^ load<u64>(secret, 40)) - seed;
    const flipHigh = (load<u64>(secret, 48) ^ load<u64>(secret, 56)) + seed;
    let tail = load<u64>(at + octets - 8);
    const mixed = load<u64>(at) ^ tail ^ flipLow;
    let low = mixed * P64_1, high = high64(mixed, P64_1);
    low += (length - 1) << 54;
    tail ^= flipHigh;
    high += tail + product(<u32>tail, <u32>(P32_2 - 1));
    low ^= bswap<u64>(high);
    put(to, avalanche(low * P64_2), avalanche(high64(low, P64_2) + high * P64_2));
    return;
  }
  put(to, length * P64_1, 0);
  const end = at + octets;
  if (octets <= 128) {
    for (let i = (octets - 1) >> 5; i >= 0; i--) {
      mix32(to, at + (i << 4), end - ((i + 1) << 4), secret + (i << 5), seed);
    }
  } else {
    for (let i = 32; i < 160; i += 32) mix32(to, at + i - 32, at + i - 16, secret + i - 32, seed);
    put(to, avalanche(load<u64>(to)), avalanche(load<u64>(to, 8)));
    for (let i = 160; i <= octets; i += 32) mix32(to, at + i - 32, at + i - 16, secret + 3 + i - 160, seed);
    mix32(to, end - 16, end - 32, secret + 136 - 17 - 16, 0 - seed);
  }
  const low = load<u64>(to), high = load<u64>(to, 8);
  put(to, avalanche(low + high), 0 - avalanche(low * P64_1 + high * P64_4 + (length - seed) * P64_2));
}

function combined(at: usize, octets: i32): u32 {
  return (<u32>load<u8>(at) << 16) | (<u32>load<u8>(at + (octets >> 1)) << 24)
    | <u32>load<u8>(at + octets - 1) | (<u32>octets << 8);
}

function mix32(to: usize, one: usize, two: usize, secret: usize, seed: u64): void {
  const low = (load<u64>(to) + mix16(one, secret, seed)) ^ (load<u64>(two) + load<u64>(two, 8));
  const high = (load<u64>(to, 8) + mix16(two, secret + 16, seed)) ^ (load<u64>(one) + load<u64>(one, 8));
  put(to, low, high);
}

@inline
function put(to: usize, low: u64, high: u64): void {
  store<u64>(to, low);
  store<u64>(to, high, 8);
}
