/**
 * `$5$` and `$6$`: Drepper's "Unix crypt using SHA-256 and SHA-512", step numbers as there.
 * Five thousand rounds take some 15 ms; they run in slices, so that nobody's mail waits for somebody's password.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { cryptBase64 } from './crypt-base64.ts';

type Scheme = '5' | '6';
type Groups = readonly (readonly [number, number, number])[];

const standardRounds = 5000;
/** Of a stored form; more would be minutes of work, for which nobody waits. */
export const mostRounds = 1_000_000;
const sliceRounds = 250;

const schemes = {
  '5': { algorithm: 'sha256', octets: 32, groups: [...rotated(10, 2), [-1, 31, 30]] as Groups },
  '6': { algorithm: 'sha512', octets: 64, groups: [...rotated(21, 1), [-1, -1, 63]] as Groups },
} as const;

export interface ShaSetting {
  readonly scheme: Scheme;
  /** Absent: not written in the stored form. */
  readonly rounds?: number;
  readonly salt: string;
}

/** What a stored form says of how it was made. */
export function parseShaSetting(stored: string): ShaSetting | null {
  const [, scheme, rounds, salt] = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$]{0,16})[^$]*\$/.exec(stored) ?? [];
  if ((scheme !== '5' && scheme !== '6') || salt === undefined) return null;
  return { scheme, salt, ...(rounds === undefined ? {} : { rounds: Math.max(1000, Number(rounds)) }) };
}

/** The whole stored form that `password` has under this setting. */
export async function shaCrypt(password: Uint8Array, setting: ShaSetting): Promise<string> {
  const { algorithm, octets, groups } = schemes[setting.scheme];
  const salt = Buffer.from(setting.salt, 'utf8');
  const digest = (...parts: readonly Uint8Array[]): Uint8Array => {
    const hash = createHash(algorithm);
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  const b = digest(password, salt, password); // steps 4 to 8
  const start: Uint8Array[] = [password, salt];
  for (let left = password.length; left > 0; left -= octets) start.push(b.subarray(0, Math.min(octets, left))); // 9, 10
  for (let bits = password.length; bits > 0; bits >>= 1) start.push((bits & 1) === 1 ? b : password); // 11
  let mixed = digest(...start); // 12
  const p = stretched(digest(...repeated(password, password.length)), password.length); // 13 to 16
  const s = stretched(digest(...repeated(salt, 16 + mixed[0]!)), salt.length); // 17 to 20
  const rounds = setting.rounds ?? standardRounds;
  for (let round = 0; round < rounds; round++) { // 21
    if (round % sliceRounds === sliceRounds - 1) await setImmediate();
    const odd = (round & 1) === 1;
    const parts = [odd ? p : mixed];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(odd ? mixed : p);
    mixed = digest(...parts);
  }
  const shown = setting.rounds === undefined ? '' : `rounds=${setting.rounds}$`;
  return `$${setting.scheme}$${shown}${setting.salt}$${cryptBase64(mixed, groups)}`; // 22
}

function repeated(octets: Uint8Array, times: number): readonly Uint8Array[] {
  return Array.from({ length: times }, () => octets);
}

function stretched(octets: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => octets[index % octets.length]!);
}

/** Step 22's tables: the digest's thirds side by side, each row turned by `turn` places more than the row before. */
function rotated(third: number, turn: number): Groups {
  return Array.from({ length: third }, (_, row) => {
    const positions = [row, row + third, row + 2 * third];
    const first = (row * turn) % 3;
    return [positions[first]!, positions[(first + 1) % 3]!, positions[(first + 2) % 3]!] as const;
  });
}
