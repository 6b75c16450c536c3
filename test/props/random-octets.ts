/** Random octets that look enough like mail to reach every branch, and random ways of cutting them. */

/** xorshift32: a failure is told by its seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const SPICE = ['\r\n', '\r\n.', '\r\n..', '.', '\r', '\n', '\r\n.\r', '\r\n\r\n', ' ', '\t', ' \r\n', '\t \r\n', '=',
  '=3D', '=\r\n', '= \r\n', '=e9', '=0', '\0', '\u00e9', '\u00ff', 'From ', '\r\nFrom ', '\n\n', '\r\r\n', '--', 'QUJD'];
const PLAIN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=<>-: ';

export function randomOctets(random: (below: number) => number, octets: number): Buffer {
  const spicy = random(4);
  let text = '';
  while (text.length < octets) {
    const kind = random(8);
    if (kind < spicy) text += SPICE[random(SPICE.length)]!;
    else if (kind === 7 && spicy > 1) text += String.fromCharCode(...Array.from({ length: random(40) }, () => random(256)));
    else if (kind === 6) text += `${PLAIN.repeat(2).slice(0, random(130))}\r\n`;
    else {
      const from = random(PLAIN.length);
      text += PLAIN.slice(from, from + random(40));
    }
  }
  return Buffer.from(text.slice(0, octets), 'latin1');
}

export const STEPS = [1, 2, 3, 7, 16, 33, 64, 0] as const;

/** Pieces of `step` octets; step 0 cuts at random. */
export function cut(random: (below: number) => number, octets: Buffer, step: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < octets.length;) {
    const next = Math.min(octets.length, at + (step || random(random(3) === 0 ? 2000 : 90)));
    pieces.push(Buffer.from(octets.subarray(at, next)));
    at = next;
  }
  return pieces;
}
