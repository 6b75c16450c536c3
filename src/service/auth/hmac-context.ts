/**
 * `hmac-md5pw` and its kin: not the password but two half-way digests, of the key xored with HMAC's outer and inner
 * pad (RFC 2104 §4), in hex, outer first. node:crypto cannot start half-way, so the three block functions are here
 * (RFC 1321 §3.4, RFC 6234 §6.1, §6.2), for a challenge of one line; everything else hashes with node:crypto.
 */
export type HmacDigest = 'md5' | 'sha1' | 'sha256';

const blockOctets = 64;
const stateOctets: Readonly<Record<HmacDigest, number>> = { md5: 16, sha1: 20, sha256: 32 };

/** HMAC of `message` from a stored context; null when the context is none. */
export function hmacFromContext(digest: HmacDigest, context: string, message: Uint8Array): Uint8Array | null {
  const octets = stateOctets[digest];
  if (context.length !== octets * 4 || !/^[0-9a-f]+$/i.test(context)) return null;
  const states = Buffer.from(context, 'hex');
  return resume(digest, states.subarray(0, octets), resume(digest, states.subarray(octets), message));
}

/** What is stored for a password: for tests, and for whoever makes accounts. */
export function hmacContext(digest: HmacDigest, key: Uint8Array, hashed: (key: Uint8Array) => Uint8Array): string {
  const short = key.length > blockOctets ? hashed(key) : key;
  const half = (pad: number): string => {
    const block = new Uint8Array(blockOctets).fill(pad);
    for (const [index, octet] of short.entries()) block[index] = octet ^ pad;
    return Buffer.from(stateBytes(digest, compress(digest, initial[digest], block))).toString('hex');
  };
  return half(0x5c) + half(0x36);
}

/** The digest of one block (already inside `state`) and `message`. */
function resume(digest: HmacDigest, state: Uint8Array, message: Uint8Array): Uint8Array {
  const little = digest === 'md5';
  const view = new DataView(state.buffer, state.byteOffset, state.length);
  let words: readonly number[] = Array.from({ length: state.length / 4 }, (_, index) => view.getUint32(index * 4, little));
  const padded = new Uint8Array(Math.ceil((message.length + 9) / blockOctets) * blockOctets);
  padded.set(message);
  padded[message.length] = 0x80;
  const bits = (blockOctets + message.length) * 8;
  new DataView(padded.buffer).setUint32(padded.length - (little ? 8 : 4), bits, little);
  for (let at = 0; at < padded.length; at += blockOctets) words = compress(digest, words, padded.subarray(at, at + blockOctets));
  return stateBytes(digest, words);
}

function stateBytes(digest: HmacDigest, words: readonly number[]): Uint8Array {
  const octets = new Uint8Array(words.length * 4);
  const view = new DataView(octets.buffer);
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word, digest === 'md5');
  return octets;
}

const initial: Readonly<Record<HmacDigest, readonly number[]>> = {
  md5: [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476],
  sha1: [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0],
  sha256: [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
};

function compress(digest: HmacDigest, state: readonly number[], block: Uint8Array): readonly number[] {
  const view = new DataView(block.buffer, block.byteOffset, blockOctets);
  const words = Array.from({ length: 16 }, (_, index) => view.getUint32(index * 4, digest === 'md5'));
  const after = digest === 'md5' ? md5Rounds(state, words) : digest === 'sha1' ? sha1Rounds(state, words) : sha256Rounds(state, words);
  return state.map((word, index) => (word + after[index]!) >>> 0);
}

function left(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

const md5Sines = Array.from({ length: 64 }, (_, index) => Math.floor(Math.abs(Math.sin(index + 1)) * 2 ** 32));
const md5Turns = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]] as const;

function md5Rounds(state: readonly number[], words: readonly number[]): readonly number[] {
  let [a, b, c, d] = [state[0]!, state[1]!, state[2]!, state[3]!];
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
    const word = words[(round === 0 ? step : round === 1 ? 5 * step + 1 : round === 2 ? 3 * step + 5 : 7 * step) & 15]!;
    const next = (b + left((a + mixed + md5Sines[step]! + word) | 0, md5Turns[round]![step & 3]!)) | 0;
    [a, d, c, b] = [d, c, b, next];
  }
  return [a, b, c, d];
}

function sha1Rounds(state: readonly number[], start: readonly number[]): readonly number[] {
  const words = [...start];
  for (let step = 16; step < 80; step++) words.push(left(words[step - 3]! ^ words[step - 8]! ^ words[step - 14]! ^ words[step - 16]!, 1));
  let [a, b, c, d, e] = [state[0]!, state[1]!, state[2]!, state[3]!, state[4]!];
  for (let step = 0; step < 80; step++) {
    const round = Math.floor(step / 20);
    const mixed = round === 0 ? (b & c) | (~b & d) : round === 2 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
    const constant = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6][round]!;
    const next = (left(a, 5) + mixed + e + constant + words[step]!) | 0;
    [e, d, c, b, a] = [d, c, left(b, 30), a, next];
  }
  return [a, b, c, d, e];
}

const sha256Constants = primes(64).map((prime) => Math.floor((Math.cbrt(prime) % 1) * 2 ** 32));

function sha256Rounds(state: readonly number[], start: readonly number[]): readonly number[] {
  const right = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));
  const words = [...start];
  for (let step = 16; step < 64; step++) {
    const [early, late] = [words[step - 15]!, words[step - 2]!];
    const sigma0 = right(early, 7) ^ right(early, 18) ^ (early >>> 3);
    const sigma1 = right(late, 17) ^ right(late, 19) ^ (late >>> 10);
    words.push((words[step - 16]! + sigma0 + words[step - 7]! + sigma1) | 0);
  }
  let [a, b, c, d, e, f, g, h] = [state[0]!, state[1]!, state[2]!, state[3]!, state[4]!, state[5]!, state[6]!, state[7]!];
  for (let step = 0; step < 64; step++) {
    const first = (h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & f) ^ (~e & g)) + sha256Constants[step]! + words[step]!) | 0;
    const second = ((right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  return [a, b, c, d, e, f, g, h];
}

function primes(count: number): readonly number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  return found;
}
