/** Signing by DKIM (RFC 6376, RFC 8463): one pass over the message for the hash, then the fields to put before it. */
import { createHash, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { parseFields, type HeaderField } from '../../grammar/mime/field.ts';
import { createRelaxedBody } from '../../grammar/dkim/canonical-body.ts';
import { formatSignature, formatUnsigned, relaxedField, selectFields, type DkimAlgorithm } from '../../grammar/dkim/signature.ts';

export interface DkimKey {
  /** In A-labels. */
  readonly domain: string;
  readonly selector: string;
  readonly key: KeyObject;
}

/** What one pass over a message found. */
export interface Digested {
  readonly header: Buffer;
  readonly fields: readonly HeaderField[];
  /** SHA-256 of the relaxed body, base64. */
  readonly bodyHash: string;
}

const signInPool = promisify(sign) as (algorithm: string | null, octets: Uint8Array, key: KeyObject) => Promise<Buffer>;

export interface Digesting {
  feed(piece: Uint8Array): void;
  finish(): Digested;
}

export function createDigesting(): Digesting {
  const hash = createHash('sha256');
  const body = createRelaxedBody(octets => hash.update(octets));
  let header: Buffer | null = null;
  let gathered: Buffer = Buffer.alloc(0);
  return {
    feed(piece) {
      if (header !== null) return body.feed(piece);
      const from = Math.max(0, gathered.length - 3);
      gathered = gathered.length === 0 ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength) : Buffer.concat([gathered, piece]);
      const end = gathered.indexOf('\r\n\r\n', from);
      if (end < 0) return;
      header = gathered.subarray(0, end + 2);
      body.feed(gathered.subarray(end + 4));
    },
    finish() {
      body.finish();
      const whole = header ?? gathered;
      return { header: whole, fields: parseFields(whole), bodyHash: hash.digest('base64') };
    },
  };
}

/** DKIM-Signature fields, one a key. `at` in seconds. */
export async function signMessage({ header, fields, bodyHash }: Digested, keys: readonly DkimKey[], at: number): Promise<string> {
  const { names, hashed } = selectFields(header, fields);
  const signatures = await Promise.all(keys.map(async ({ domain, selector, key }) => {
    const algorithm = algorithmOf(key);
    const unsigned = formatUnsigned({ algorithm, domain, selector, at, names, bodyHash });
    const signature = await signText(`${hashed}${relaxedField(unsigned)}`, key);
    return formatSignature(unsigned, signature);
  }));
  return signatures.join('');
}

/** Base64. RFC 8463 §3: Ed25519 signs the hash of what is signed. */
export async function signText(text: string, key: KeyObject): Promise<string> {
  const octets = Buffer.from(text, 'latin1');
  const signature = algorithmOf(key) === 'rsa-sha256' ? await signInPool('sha256', octets, key) : await signInPool(null, createHash('sha256').update(octets).digest(), key);
  return signature.toString('base64');
}

function algorithmOf(key: KeyObject): DkimAlgorithm {
  return key.asymmetricKeyType === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256';
}
