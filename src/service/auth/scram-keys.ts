/**
 * Keys of SCRAM (RFC 5802 §3): from a password, or as stored, `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey` with salt and
 * keys in base64, as PostgreSQL has it, or `{SCRAM-SHA-256}4096,salt,StoredKey,ServerKey`, as `doveadm pw` and `gsasl --mkpasswd`
 * print it. A stored form serves passwords too, and never shows them.
 */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { ScramDigest } from '../../core/auth.ts';
import { saslPrep } from '../../kit/sasl/saslprep.ts';
import { compareOctets, type Comparison } from './comparison.ts';

export interface ScramKeys {
  readonly digest: ScramDigest;
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** RFC 7677 §4: at least 4096. What is stored is one derivation old; a login should not cost a second of a small board. */
export const SCRAM_ITERATIONS = 4096;
const MOST_ITERATIONS = 1_000_000;
const OCTETS: Readonly<Record<ScramDigest, number>> = { sha1: 20, sha256: 32 };
const FORMS = [/^SCRAM-SHA-(1|256)\$(\d{1,8}):([\w+/]+=*)\$([\w+/]+=*):([\w+/]+=*)$/, /^\{SCRAM-SHA-(1|256)\}(\d{1,8}),([\w+/]+=*),([\w+/]+=*),([\w+/]+=*)$/];

const derive = promisify(pbkdf2);

/** Null when it is not this form, or one that no client could use. */
export function parseScramKeys(stored: string): ScramKeys | null {
  const [, size, count, salt = '', storedKey = '', serverKey = ''] = FORMS.map(form => form.exec(stored)).find(found => found !== null) ?? [];
  if (size === undefined) return null;
  const digest: ScramDigest = size === '1' ? 'sha1' : 'sha256';
  const keys: ScramKeys = { digest, iterations: Number(count), salt: Buffer.from(salt, 'base64'), storedKey: Buffer.from(storedKey, 'base64'), serverKey: Buffer.from(serverKey, 'base64') };
  const sound = keys.iterations >= 1 && keys.iterations <= MOST_ITERATIONS && keys.salt.length > 0
    && keys.storedKey.length === OCTETS[digest] && keys.serverKey.length === OCTETS[digest];
  return sound ? keys : null;
}

export function formatScramKeys({ digest, iterations, salt, storedKey, serverKey }: ScramKeys): string {
  const base64 = (octets: Uint8Array) => Buffer.from(octets).toString('base64');
  return `SCRAM-SHA-${digest === 'sha1' ? '1' : '256'}$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`;
}

export async function deriveScramKeys(password: string, digest: ScramDigest, salt: Uint8Array = randomBytes(16), iterations = SCRAM_ITERATIONS): Promise<ScramKeys> {
  // RFC 5802 §2.2. What no credential may hold, no client that keeps to it can send either; it is taken as it is.
  const salted = await derive(saslPrep(password) ?? password.normalize('NFKC'), salt, iterations, OCTETS[digest], digest);
  const clientKey = createHmac(digest, salted).update('Client Key').digest();
  return { digest, iterations, salt, storedKey: createHash(digest).update(clientKey).digest(), serverKey: createHmac(digest, salted).update('Server Key').digest() };
}

/** Whether a client's proof fits, and our answer to it. */
export function checkScramProof({ digest, storedKey, serverKey }: ScramKeys, message: string, proof: Uint8Array): { readonly result: Comparison; readonly serverSignature: Uint8Array } {
  const signature = createHmac(digest, storedKey).update(message).digest();
  const clientKey = Buffer.from(signature.map((octet, at) => octet ^ (proof[at] ?? 0)));
  const same = compareOctets(storedKey, createHash(digest).update(clientKey).digest());
  return { result: proof.length === signature.length ? same : 'different', serverSignature: createHmac(digest, serverKey).update(message).digest() };
}

/** Whether it is meant to be one, of that digest. */
export function isScramForm(stored: string, digest?: ScramDigest): boolean {
  const size = /^\{?SCRAM-SHA-(\d+)[}$]/.exec(stored)?.[1];
  return digest === undefined ? size !== undefined : size === (digest === 'sha1' ? '1' : '256');
}

export async function compareScramPassword(stored: string, password: string): Promise<Comparison> {
  const keys = parseScramKeys(stored);
  if (keys === null) return { unavailable: 'a SCRAM form that is not SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey' };
  return compareOctets(keys.storedKey, (await deriveScramKeys(password, keys.digest, keys.salt, keys.iterations)).storedKey);
}
