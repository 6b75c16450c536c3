/** XXH3 as its specification tells it, in BigInt, one-shot: the oracle of the kernels' hash. */
const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221'
    + 'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8'
    + 'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb'
    + '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);

const P32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn] as const;
const P64 = [
  0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n, 0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n,
] as const;
const MIX = [0x165667919e3779f9n, 0x9fb21c651e98df25n] as const;

const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);
const r32 = (b: Buffer, at: number): bigint => BigInt(b.readUInt32LE(at));
const r64 = (b: Buffer, at: number): bigint => b.readBigUInt64LE(at);
const rotl = (n: bigint, by: bigint): bigint => u64((n << by) | (n >> (64n - by)));
const swap32 = (n: bigint): bigint => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(Number(n));
  return BigInt(b.readUInt32BE());
};
const swap64 = (n: bigint): bigint => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(n);
  return b.readBigUInt64BE();
};
const fold = (a: bigint, b: bigint): bigint => u64(u64(a) * u64(b)) ^ ((u64(a) * u64(b)) >> 64n);
const avalanche = (h: bigint): bigint => {
  const x = u64((u64(h) ^ (u64(h) >> 37n)) * MIX[0]);
  return x ^ (x >> 32n);
};
const oldAvalanche = (h: bigint): bigint => {
  let x = u64(h);
  x = u64((x ^ (x >> 33n)) * P64[1]);
  x = u64((x ^ (x >> 29n)) * P64[2]);
  return x ^ (x >> 32n);
};
const mix16 = (b: Buffer, at: number, secret: number, seed: bigint): bigint =>
  fold(r64(b, at) ^ u64(r64(SECRET, secret) + seed), r64(b, at + 8) ^ u64(r64(SECRET, secret + 8) - seed));

function tiny(b: Buffer): bigint {
  const n = b.length;
  return BigInt((((b[0]! << 16) | (b[n >> 1]! << 24) | b[n - 1]! | (n << 8)) >>> 0));
}

function long(b: Buffer, seed: bigint): { sums: bigint[]; secret: Buffer } {
  const secret = Buffer.from(SECRET);
  for (let i = 0; i < 192; i += 16) {
    secret.writeBigUInt64LE(u64(r64(SECRET, i) + seed), i);
    secret.writeBigUInt64LE(u64(r64(SECRET, i + 8) - seed), i + 8);
  }
  const sums: bigint[] = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]];
  const stripe = (at: number, key: number): void => {
    for (let i = 0; i < 8; i++) {
      const value = r64(b, at + 8 * i);
      const keyed = value ^ r64(secret, key + 8 * i);
      sums[i ^ 1] = u64(sums[i ^ 1]! + value);
      sums[i] = u64(sums[i]! + (keyed & 0xffffffffn) * (keyed >> 32n));
    }
  };
  const stripes = Math.floor((b.length - 1) / 64);
  for (let n = 0; n < stripes; n++) {
    stripe(64 * n, 8 * (n % 16));
    if (n % 16 === 15) {
      for (let i = 0; i < 8; i++) {
        sums[i] = u64((sums[i]! ^ (sums[i]! >> 47n) ^ r64(secret, 128 + 8 * i)) * P32[0]);
      }
    }
  }
  stripe(b.length - 64, 121);
  return { sums, secret };
}

function merge(sums: readonly bigint[], secret: Buffer, at: number, start: bigint): bigint {
  let sum = start;
  for (let i = 0; i < 4; i++) {
    sum += fold(sums[2 * i]! ^ r64(secret, at + 16 * i), sums[2 * i + 1]! ^ r64(secret, at + 16 * i + 8));
  }
  return avalanche(sum);
}

export function slowXxh64(octets: Uint8Array, seed = 0n): bigint {
  const b = Buffer.from(octets);
  const n = b.length;
  const size = BigInt(n);
  if (n === 0) return oldAvalanche(seed ^ r64(SECRET, 56) ^ r64(SECRET, 64));
  if (n <= 3) return oldAvalanche(tiny(b) ^ u64((r32(SECRET, 0) ^ r32(SECRET, 4)) + seed));
  if (n <= 8) {
    const mixed = seed ^ (swap32(seed & 0xffffffffn) << 32n);
    let h = u64(r32(b, n - 4) + (r32(b, 0) << 32n)) ^ u64((r64(SECRET, 8) ^ r64(SECRET, 16)) - mixed);
    h ^= rotl(h, 49n) ^ rotl(h, 24n);
    h = u64(h * MIX[1]);
    h ^= u64((h >> 35n) + size);
    h = u64(h * MIX[1]);
    return h ^ (h >> 28n);
  }
  if (n <= 16) {
    const low = r64(b, 0) ^ u64((r64(SECRET, 24) ^ r64(SECRET, 32)) + seed);
    const high = r64(b, n - 8) ^ u64((r64(SECRET, 40) ^ r64(SECRET, 48)) - seed);
    return avalanche(size + swap64(low) + high + fold(low, high));
  }
  let sum = size * P64[0];
  if (n <= 128) {
    const pairs = n > 96 ? 4 : n > 64 ? 3 : n > 32 ? 2 : 1;
    for (let i = 0; i < pairs; i++) {
      sum += mix16(b, 16 * i, 32 * i, seed) + mix16(b, n - 16 * (i + 1), 32 * i + 16, seed);
    }
    return avalanche(sum);
  }
  if (n <= 240) {
    for (let i = 0; i < 8; i++) sum += mix16(b, 16 * i, 16 * i, seed);
    sum = avalanche(sum);
    for (let i = 8; i < Math.floor(n / 16); i++) sum += mix16(b, 16 * i, 16 * (i - 8) + 3, seed);
    return avalanche(sum + mix16(b, n - 16, 119, seed));
  }
  const { sums, secret } = long(b, seed);
  return merge(sums, secret, 11, u64(size * P64[0]));
}

/** 16 octets, high half first. */
export function slowXxh128(octets: Uint8Array, seed = 0n): Buffer {
  const [low, high] = halves(Buffer.from(octets), seed);
  const out = Buffer.alloc(16);
  out.writeBigUInt64BE(u64(high), 0);
  out.writeBigUInt64BE(u64(low), 8);
  return out;
}

function halves(b: Buffer, seed: bigint): readonly [bigint, bigint] {
  const n = b.length;
  const size = BigInt(n);
  if (n === 0) {
    return [
      oldAvalanche(seed ^ r64(SECRET, 64) ^ r64(SECRET, 72)), oldAvalanche(seed ^ r64(SECRET, 80) ^ r64(SECRET, 88)),
    ];
  }
  if (n <= 3) {
    const one = tiny(b);
    const swapped = swap32(one);
    const two = ((swapped << 13n) | (swapped >> 19n)) & 0xffffffffn;
    return [
      oldAvalanche(one ^ u64((r32(SECRET, 0) ^ r32(SECRET, 4)) + seed)),
      oldAvalanche(two ^ u64((r32(SECRET, 8) ^ r32(SECRET, 12)) - seed)),
    ];
  }
  if (n <= 8) {
    const mixed = seed ^ (swap32(seed & 0xffffffffn) << 32n);
    const keyed = u64(r32(b, 0) + (r32(b, n - 4) << 32n)) ^ u64((r64(SECRET, 16) ^ r64(SECRET, 24)) + mixed);
    const wide = keyed * u64(P64[0] + (size << 2n));
    let low = u64(wide);
    const high = u64((wide >> 64n) + (low << 1n));
    low ^= high >> 3n;
    low = u64((low ^ (low >> 35n)) * MIX[1]);
    return [low ^ (low >> 28n), avalanche(high)];
  }
  if (n <= 16) {
    const flipLow = u64((r64(SECRET, 32) ^ r64(SECRET, 40)) - seed);
    const flipHigh = u64((r64(SECRET, 48) ^ r64(SECRET, 56)) + seed);
    const tail = r64(b, n - 8);
    const wide = (r64(b, 0) ^ tail ^ flipLow) * P64[0];
    const flipped = tail ^ flipHigh;
    const high = u64((wide >> 64n) + flipped + (flipped & 0xffffffffn) * (P32[1] - 1n));
    const low = u64(wide + ((size - 1n) << 54n)) ^ swap64(high);
    return [avalanche(low * P64[1]), avalanche(((low * P64[1]) >> 64n) + high * P64[1])];
  }
  if (n <= 240) {
    let low = u64(size * P64[0]);
    let high = 0n;
    const pair = (one: number, two: number, secret: number, with_: bigint): void => {
      low = u64(low + mix16(b, one, secret, with_)) ^ u64(r64(b, two) + r64(b, two + 8));
      high = u64(high + mix16(b, two, secret + 16, with_)) ^ u64(r64(b, one) + r64(b, one + 8));
    };
    if (n <= 128) {
      const pairs = n > 96 ? 4 : n > 64 ? 3 : n > 32 ? 2 : 1;
      for (let i = pairs - 1; i >= 0; i--) pair(16 * i, n - 16 * (i + 1), 32 * i, seed);
    } else {
      for (let i = 32; i < 160; i += 32) pair(i - 32, i - 16, i - 32, seed);
      low = avalanche(low);
      high = avalanche(high);
      for (let i = 160; i <= n; i += 32) pair(i - 32, i - 16, 3 + i - 160, seed);
      pair(n - 16, n - 32, 103, u64(-seed));
    }
    return [avalanche(low + high), -avalanche(low * P64[0] + high * P64[3] + (size - seed) * P64[1])];
  }
  const { sums, secret } = long(b, seed);
  return [merge(sums, secret, 11, u64(size * P64[0])), merge(sums, secret, 117, u64(~(size * P64[1])))];
}
