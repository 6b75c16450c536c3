/** `$1$`: the MD5 scheme of FreeBSD's crypt(3). A thousand rounds: two milliseconds, so it is not worth a slice. */
import { createHash } from 'node:crypto';
import { cryptBase64 } from './crypt-base64.ts';

const rounds = 1000;
const groups = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [-1, -1, 11]] as const;

/** The whole stored form that `password` has with this salt. */
export function md5Crypt(password: Uint8Array, salt: string): string {
  const saltOctets = Buffer.from(salt.slice(0, 8), 'latin1');
  const inner = md5(password, saltOctets, password);
  const start: Uint8Array[] = [password, Buffer.from('$1$'), saltOctets];
  for (let left = password.length; left > 0; left -= 16) start.push(inner.subarray(0, Math.min(16, left)));
  const zero = new Uint8Array(1);
  for (let bits = password.length; bits > 0; bits >>= 1) start.push((bits & 1) === 1 ? zero : password.subarray(0, 1));
  let digest = md5(...start);
  for (let round = 0; round < rounds; round++) {
    const odd = (round & 1) === 1;
    const parts = [odd ? password : digest];
    if (round % 3 !== 0) parts.push(saltOctets);
    if (round % 7 !== 0) parts.push(password);
    parts.push(odd ? digest : password);
    digest = md5(...parts);
  }
  return `$1$${salt.slice(0, 8)}$${cryptBase64(digest, groups)}`;
}

function md5(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
