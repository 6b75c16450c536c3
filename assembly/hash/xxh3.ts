// XXH3-64 and XXH3-128, streaming and seeded, after the algorithm's published specification.
import { avalanche, fold, P32_1, P32_2, P32_3, P64_1, P64_2, P64_3, P64_4, P64_5 } from './mix';
import { short128, short64 } from './short';

/** The specification's default secret. */
const SECRET = memory.data<u8>([
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
  0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
  0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
  0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
  0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
  0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
  0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
  0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
  0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
  0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
], 16);

// A stream's state: eight accumulators, the octets not yet taken (the last stripe is always among the 256),
// counters, and for a seeded stream its own secret.
const BUFFER: usize = 64;
const BUFFERED: usize = 320; // u32
const STRIPES: usize = 324; // u32, in the open block
const TOTAL: usize = 328; // u64
const SEED: usize = 336; // u64
const OWN_SECRET: usize = 352;
const BUFFER_OCTETS: i32 = 256;
const STRIPE: i32 = 64;
const STRIPES_A_BLOCK: i32 = 16; // (192 - 64) / 8

/** A state without seed needs the first 352 octets only. */
export function hashReset(state: usize, seed: u64): void {
  memory.fill(state, 0, OWN_SECRET);
  store<u64>(state, P32_3);
  store<u64>(state, P64_1, 8);
  store<u64>(state, P64_2, 16);
  store<u64>(state, P64_3, 24);
  store<u64>(state, P64_4, 32);
  store<u64>(state, P32_2, 40);
  store<u64>(state, P64_5, 48);
  store<u64>(state, P32_1, 56);
  store<u64>(state + SEED, seed);
  if (seed == 0) return;
  for (let i: usize = 0; i < 192; i += 16) {
    store<u64>(state + OWN_SECRET + i, load<u64>(SECRET + i) + seed);
    store<u64>(state + OWN_SECRET + i, load<u64>(SECRET + i, 8) - seed, 8);
  }
}

@inline
function secretOf(state: usize): usize {
  return load<u64>(state + SEED) == 0 ? SECRET : state + OWN_SECRET;
}

export function hashFeed(state: usize, at: usize, octets: i32): void {
  store<u64>(state + TOTAL, load<u64>(state + TOTAL) + <u64>octets);
  const buffer = state + BUFFER;
  let buffered = <i32>load<u32>(state + BUFFERED);
  if (buffered + octets <= BUFFER_OCTETS) {
    memory.copy(buffer + buffered, at, octets);
    store<u32>(state + BUFFERED, buffered + octets);
    return;
  }
  const secret = secretOf(state);
  const end = at + octets;
  if (buffered) {
    const missing = BUFFER_OCTETS - buffered;
    memory.copy(buffer + buffered, at, missing);
    at += missing;
    consume(state, buffer, BUFFER_OCTETS / STRIPE, secret);
  }
  // At least one octet stays back, so that the last stripe is not taken before the end is known.
  const stripes = (<i32>(end - at) - 1) / STRIPE;
  if (stripes > 0) {
    consume(state, at, stripes, secret);
    at += stripes * STRIPE;
    memory.copy(buffer + BUFFER_OCTETS - STRIPE, at - STRIPE, STRIPE);
  }
  memory.copy(buffer, at, end - at);
  store<u32>(state + BUFFERED, <u32>(end - at));
}

/** Takes whole stripes, scrambling at each block's end. */
function consume(state: usize, at: usize, stripes: i32, secret: usize): void {
  let done = <i32>load<u32>(state + STRIPES);
  while (stripes > 0) {
    const now = min(stripes, STRIPES_A_BLOCK - done);
    accumulate(state, at, now, secret + (done << 3));
    at += now * STRIPE;
    stripes -= now;
    done += now;
    if (done == STRIPES_A_BLOCK) {
      scramble(state, secret + 128);
      done = 0;
    }
  }
  store<u32>(state + STRIPES, done);
}

// A stripe adds each lane's product to its own sum and the lane's octets to its neighbour's. The octets are summed
// apart, so that they change places once a call and not once a stripe.
function accumulate(sums: usize, at: usize, stripes: i32, secret: usize): void {
  if (ASC_FEATURE_SIMD) {
    let a = v128.load(sums), b = v128.load(sums, 16), c = v128.load(sums, 32), d = v128.load(sums, 48);
    let e = i64x2.splat(0), f = e, g = e, h = e;
    for (; stripes > 0; stripes--) {
      const one = v128.load(at), two = v128.load(at, 16), three = v128.load(at, 32), four = v128.load(at, 48);
      const keyOne = v128.xor(one, v128.load(secret)), keyTwo = v128.xor(two, v128.load(secret, 16));
      const keyThree = v128.xor(three, v128.load(secret, 32)), keyFour = v128.xor(four, v128.load(secret, 48));
      const low = v128.shuffle<i32>(keyOne, keyTwo, 0, 2, 4, 6), high = v128.shuffle<i32>(keyOne, keyTwo, 1, 3, 5, 7);
      const low2 = v128.shuffle<i32>(keyThree, keyFour, 0, 2, 4, 6);
      const high2 = v128.shuffle<i32>(keyThree, keyFour, 1, 3, 5, 7);
      a = i64x2.add(a, i64x2.extmul_low_i32x4_u(low, high));
      b = i64x2.add(b, i64x2.extmul_high_i32x4_u(low, high));
      c = i64x2.add(c, i64x2.extmul_low_i32x4_u(low2, high2));
      d = i64x2.add(d, i64x2.extmul_high_i32x4_u(low2, high2));
      e = i64x2.add(e, one);
      f = i64x2.add(f, two);
      g = i64x2.add(g, three);
      h = i64x2.add(h, four);
      at += 64;
      secret += 8;
    }
    v128.store(sums, i64x2.add(a, v128.shuffle<i64>(e, e, 1, 0)));
    v128.store(sums, i64x2.add(b, v128.shuffle<i64>(f, f, 1, 0)), 16);
    v128.store(sums, i64x2.add(c, v128.shuffle<i64>(g, g, 1, 0)), 32);
    v128.store(sums, i64x2.add(d, v128.shuffle<i64>(h, h, 1, 0)), 48);
  } else {
    for (; stripes > 0; stripes--) {
      for (let i: usize = 0; i < 64; i += 16) {
        const one = load<u64>(at + i), two = load<u64>(at + i, 8);
        const keyOne = one ^ load<u64>(secret + i), keyTwo = two ^ load<u64>(secret + i, 8);
        store<u64>(sums + i, load<u64>(sums + i) + two + (keyOne & 0xffffffff) * (keyOne >> 32));
        store<u64>(sums + i, load<u64>(sums + i, 8) + one + (keyTwo & 0xffffffff) * (keyTwo >> 32), 8);
      }
      at += 64;
      secret += 8;
    }
  }
}

function scramble(sums: usize, secret: usize): void {
  for (let i: usize = 0; i < 64; i += 8) {
    const sum = load<u64>(sums + i);
    store<u64>(sums + i, (sum ^ (sum >> 47) ^ load<u64>(secret + i)) * P32_1);
  }
}

function merge(sums: usize, secret: usize, start: u64): u64 {
  for (let i: usize = 0; i < 64; i += 16) {
    start += fold(load<u64>(sums + i) ^ load<u64>(secret + i), load<u64>(sums + i, 8) ^ load<u64>(secret + i, 8));
  }
  return avalanche(start);
}

/** Finishes a copy of the sums at `sums` (64 octets, then 64 for the last stripe); the stream could go on. */
function finish(state: usize, sums: usize): void {
  const secret = secretOf(state);
  const buffer = state + BUFFER;
  const buffered = <i32>load<u32>(state + BUFFERED);
  const stripesBefore = load<u32>(state + STRIPES);
  memory.copy(sums, state, 64);
  let last = buffer + buffered - STRIPE;
  if (buffered >= STRIPE) {
    let at = buffer, left = (buffered - 1) / STRIPE, done = <i32>stripesBefore;
    while (left > 0) {
      const now = min(left, STRIPES_A_BLOCK - done);
      accumulate(sums, at, now, secret + (done << 3));
      at += now * STRIPE;
      left -= now;
      done += now;
      if (done == STRIPES_A_BLOCK) {
        scramble(sums, secret + 128);
        done = 0;
      }
    }
  } else {
    const kept = STRIPE - buffered;
    memory.copy(sums + 64, buffer + BUFFER_OCTETS - kept, kept);
    memory.copy(sums + 64 + kept, buffer, buffered);
    last = sums + 64;
  }
  accumulate(sums, last, 1, secret + 192 - 64 - 7);
}

/** 64 bits; `work` is scratch of 128 octets. */
export function hash64(state: usize, work: usize): u64 {
  const total = load<u64>(state + TOTAL);
  if (total <= 240) return short64(state + BUFFER, <i32>total, SECRET, load<u64>(state + SEED));
  finish(state, work);
  return merge(work, secretOf(state) + 11, total * P64_1);
}

/** 128 bits in canonical order (high half first, big-endian) at `to`; the 128 octets behind are scratch. */
export function hash128(state: usize, to: usize): void {
  const total = load<u64>(state + TOTAL);
  if (total <= 240) short128(state + BUFFER, <i32>total, SECRET, load<u64>(state + SEED), to);
  else {
    const work = to + 16, secret = secretOf(state);
    finish(state, work);
    store<u64>(to, merge(work, secret + 11, total * P64_1));
    store<u64>(to, merge(work, secret + 192 - 64 - 11, ~(total * P64_2)), 8);
  }
  const low = load<u64>(to);
  store<u64>(to, bswap<u64>(load<u64>(to, 8)));
  store<u64>(to, bswap<u64>(low), 8);
}
