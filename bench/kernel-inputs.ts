/** What the kernels are measured on: distinct octets, for a repeated block flatters the branch predictor. */

let seed = 12345;
export function random(below: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

function text(octets: number, foreign: () => string | null): Buffer {
  const parts: string[] = [];
  for (let made = 0; made < octets;) {
    let line = '';
    const length = 20 + random(60);
    while (line.length < length) line += foreign() ?? 'etaoinshrdlucmfwypvbgkjqxz ETAOIN.,-'.charAt(random(36));
    parts.push(line.replace(/ +$/, ''), '\r\n');
    made += Buffer.byteLength(line) + 2;
  }
  return Buffer.from(parts.join('')).subarray(0, octets);
}

function share(percent: number): () => string | null {
  return () => (random(100) < percent ? 'äöüéèßñç'.charAt(random(8)) : null);
}

export const makers = {
  'ASCII': (n: number) => text(n, () => null),
  '5 % foreign': (n: number) => text(n, share(5)),
  '30 % foreign': (n: number) => text(n, share(30)),
  'CJK': (n: number) => text(n, () => String.fromCharCode(0x4e00 + random(20_000))),
  'binary': (n: number) => Buffer.from(Uint8Array.from({ length: n }, () => random(256))),
} as const;
export type InputName = keyof typeof makers;
