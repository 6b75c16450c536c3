/**
 * SCRAM from the client's side (RFC 5802, RFC 7677), with channel binding (RFC 5929, RFC 9266). The password never
 * leaves us, and the server has to prove that it knew it.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { saslPrep } from './saslprep.ts';

export interface ChannelBinding {
  readonly type: 'tls-exporter' | 'tls-unique';
  readonly octets: Uint8Array;
}

export interface ScramRequest {
  readonly digest: 'sha1' | 'sha256';
  readonly login: string;
  readonly password: string;
  /** 'unoffered': we could, and the server did not offer it; a server that did will notice (RFC 5802 §6). */
  readonly binding: ChannelBinding | 'unoffered' | 'impossible';
  /** For the published vectors; else 18 random octets. */
  readonly nonce?: string;
}

export type ScramStep = { readonly kind: 'say'; readonly text: string } | { readonly kind: 'distrust'; readonly why: string };

export interface ScramClient {
  readonly first: string;
  /** To the server's first message, and then to its last. */
  answer(message: string): Promise<ScramStep>;
  /** The server has proved that it knew the password. */
  readonly proven: boolean;
}

/** RFC 5802 §5.1, RFC 7677 §4: fewer make a stolen exchange cheap to break. */
const FEWEST_ITERATIONS = 4096;
/** More than a second of one core: a server that wants this wants to hurt. */
const MOST_ITERATIONS = 2_000_000;
const derive = promisify(pbkdf2);

/** Null: login or password cannot be written in SCRAM (RFC 4013). */
export function createScramClient({ digest, login, password, binding, nonce = randomBytes(18).toString('base64') }: ScramRequest): ScramClient | null {
  const name = saslPrep(login);
  const secret = saslPrep(password);
  if (name === null || secret === null) return null;
  const header = `${typeof binding === 'object' ? `p=${binding.type}` : binding === 'unoffered' ? 'y' : 'n'},,`;
  const bare = `n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  let expected: Buffer | null = null;
  let proven = false;

  async function prove(message: string): Promise<ScramStep> {
    const [, full = '', salt = '', count = ''] = /^r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,|$)/.exec(message) ?? [];
    const iterations = Number(count);
    if (full === '') return distrust('its first message is not SCRAM');
    // Otherwise somebody replays an older exchange (RFC 5802 §5.1).
    if (!full.startsWith(nonce) || full.length === nonce.length) return distrust('its nonce does not begin with ours');
    if (iterations < FEWEST_ITERATIONS || iterations > MOST_ITERATIONS) return distrust(`it asks for ${iterations} rounds of hashing, and from ${FEWEST_ITERATIONS} to ${MOST_ITERATIONS} are sound`);
    const salted = await derive(secret as string, Buffer.from(salt, 'base64'), iterations, digest === 'sha1' ? 20 : 32, digest);
    const bound = Buffer.concat([Buffer.from(header), typeof binding === 'object' ? binding.octets : Buffer.alloc(0)]).toString('base64');
    const unsigned = `c=${bound},r=${full}`;
    const exchange = `${bare},${message},${unsigned}`;
    const clientKey = hmac(digest, salted, 'Client Key');
    const signature = hmac(digest, createHash(digest).update(clientKey).digest(), exchange);
    expected = hmac(digest, hmac(digest, salted, 'Server Key'), exchange);
    const proof = Buffer.from(clientKey.map((octet, n) => octet ^ (signature[n] as number)));
    return { kind: 'say', text: `${unsigned},p=${proof.toString('base64')}` };
  }

  function believe(message: string, signature: Buffer): ScramStep {
    const error = /^e=([^,]{1,100})/.exec(message)?.[1];
    // The refusal itself comes as the reply to this empty answer.
    if (error !== undefined) return { kind: 'say', text: '' };
    const given = Buffer.from(/^v=([A-Za-z0-9+/=]+)(?:,|$)/.exec(message)?.[1] ?? '', 'base64');
    if (given.length !== signature.length || !timingSafeEqual(given, signature)) return distrust('it does not know our password, and may be somebody else');
    proven = true;
    return { kind: 'say', text: '' };
  }

  return {
    first: `${header}${bare}`,
    answer: async message => (expected === null ? prove(message) : believe(message, expected)),
    get proven() { return proven; },
  };
}

function distrust(why: string): ScramStep {
  return { kind: 'distrust', why };
}

function hmac(digest: string, key: Uint8Array, text: string): Buffer {
  return createHmac(digest, key).update(text).digest();
}
