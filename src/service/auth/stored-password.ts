/** The stored forms of a password, by their prefix: Courier's, crypt(3)'s, SCRAM's, and two of ours that cost an attacker memory. */
import { argon2, createHash, scrypt, type Argon2Algorithm } from 'node:crypto';
import { promisify } from 'node:util';
import { isLocked } from '../../grammar/config/ways-in/userdb.ts';
import { compareOctets, compareText, type Comparison } from './comparison.ts';
import { md5Crypt } from './md5-crypt.ts';
import { compareScramPassword, isScramForm } from './scram-keys.ts';
import { mostRounds, parseShaSetting, shaCrypt } from './sha-crypt.ts';

/** As libcrypt has it: longer is nobody's password, and some schemes take time that grows with its square. */
const longestPasswordOctets = 512;
/** What one comparison may take. */
const mostMemoryOctets = 256 * 1024 * 1024;

export async function compareStored(stored: string, password: string): Promise<Comparison> {
  const octets = Buffer.from(password, 'utf8');
  if (octets.length > longestPasswordOctets || octets.includes(0)) return 'different';
  if (isScramForm(stored)) return compareScramPassword(stored, password);
  const [, label, rest = stored] = /^\{([A-Za-z0-9_-]+)\}(.*)$/s.exec(stored) ?? [];
  switch (label?.toUpperCase()) {
    case 'PLAIN':
      return rest === '' ? 'different' : compareText(rest, password);
    case 'MD5':
      return compareDigest('md5', 'base64', rest, octets);
    case 'MD5RAW':
      return compareDigest('md5', 'hex', rest, octets);
    case 'SHA':
      return compareDigest('sha1', 'base64', rest, octets);
    case 'SHA256':
      return compareDigest('sha256', 'base64', rest, octets);
    case 'SHA512':
      return compareDigest('sha512', 'base64', rest, octets);
    case 'SSHA':
      return compareSalted(rest, octets);
    case 'SCRYPT':
      return compareScrypt(rest, octets);
    case 'ARGON2':
      return compareArgon2(rest, octets);
    case 'CRYPT':
    case undefined:
      return compareCrypt(rest, octets);
    default:
      return { unavailable: `no such stored form: {${label}}` };
  }
}

async function compareCrypt(stored: string, password: Uint8Array): Promise<Comparison> {
  if (stored.startsWith('$1$')) return compareText(stored, md5Crypt(password, stored.slice(3).split('$')[0]!));
  if (/^\$[56]\$/.test(stored)) {
    const setting = parseShaSetting(stored);
    if (setting === null) return 'different';
    if ((setting.rounds ?? 0) > mostRounds) return { unavailable: `more than ${mostRounds} rounds` };
    return compareText(stored, await shaCrypt(password, setting));
  }
  if (stored.startsWith('$argon2')) return compareArgon2(stored, password);
  if (isLocked(stored)) return 'different';
  const scheme = /^\$[0-9a-z]+\$/.exec(stored)?.[0] ?? 'DES crypt';
  return { unavailable: `${scheme} passwords need the system's crypt(3); make a new one with: openssl passwd -6` };
}

function compareDigest(algorithm: string, encoding: 'base64' | 'hex', stored: string, password: Uint8Array): Comparison {
  return compareOctets(Buffer.from(stored, encoding), createHash(algorithm).update(password).digest());
}

/** {SSHA}: SHA-1 of password and salt, then the salt. */
function compareSalted(stored: string, password: Uint8Array): Comparison {
  const octets = Buffer.from(stored, 'base64');
  return compareOctets(octets.subarray(0, 20), createHash('sha1').update(password).update(octets.subarray(20)).digest());
}

const scryptAsync = promisify<Uint8Array, Uint8Array, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** `ln=15,r=8,p=1$salt$hash`, both in base64 (RFC 7914). */
async function compareScrypt(stored: string, password: Uint8Array): Promise<Comparison> {
  const [, ln, r, p, salt, hash] = /^\$?ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/=.-]+)\$([\w+/=.-]+)$/.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) return { unavailable: 'a {SCRYPT} form that is not ln=…,r=…,p=…$salt$hash' };
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: mostMemoryOctets };
  if (cost.N < 2 || cost.r < 1 || cost.p < 1 || 128 * cost.N * cost.r * 2 > mostMemoryOctets || cost.p > 16) return { unavailable: 'a {SCRYPT} form that costs too much' };
  const wanted = Buffer.from(hash, 'base64');
  if (wanted.length < 16 || wanted.length > 128) return { unavailable: 'a {SCRYPT} form with a strange hash' };
  return compareOctets(wanted, await scryptAsync(password, Buffer.from(salt, 'base64'), wanted.length, cost));
}

const argon2Async = promisify(argon2);

/** The PHC string of RFC 9106's function: `$argon2id$v=19$m=65536,t=3,p=1$salt$hash`. */
async function compareArgon2(stored: string, password: Uint8Array): Promise<Comparison> {
  const match = /^\$(argon2id|argon2i|argon2d)\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$([\w+/-]+)\$([\w+/-]+)=*$/.exec(stored);
  const algorithm = algorithmOf(match?.[1]);
  if (match === null || algorithm === undefined) return { unavailable: 'an argon2 form that is not $argon2id$v=19$m=…,t=…,p=…$salt$hash' };
  const [memory, passes, parallelism] = [Number(match[2]), Number(match[3]), Number(match[4])];
  const [nonce, wanted] = [Buffer.from(match[5]!, 'base64'), Buffer.from(match[6]!, 'base64')];
  const sound = memory >= 8 * parallelism && memory * 1024 <= mostMemoryOctets && passes >= 1 && passes <= 64 && parallelism >= 1 && parallelism <= 16;
  if (!sound || nonce.length < 8 || wanted.length < 4 || wanted.length > 128) return { unavailable: 'an argon2 form with parameters out of bounds' };
  return compareOctets(wanted, await argon2Async(algorithm, { message: password, nonce, parallelism, tagLength: wanted.length, memory, passes }));
}

function algorithmOf(name: string | undefined): Argon2Algorithm | undefined {
  return name === 'argon2id' || name === 'argon2i' || name === 'argon2d' ? name : undefined;
}
