/**
 * AuthBackend over userdb. A login that is not there is compared with somebody's password all the same, always the
 * same one for the same login, and rejected whatever comes out: strangers and typing errors take equally long.
 */
import { createHmac, hash } from 'node:crypto';
import type { Account, AuthAnswer, AuthBackend, Proof, SaltAnswer, ScramDigest } from '../../core/auth.ts';
import { foldLogin, type UserRecord } from '../../grammar/config/ways-in/userdb.ts';
import { hmacContext, hmacFromContext } from './hmac-context.ts';
import { compareOctets, type Comparison } from './comparison.ts';
import { checkScramProof, deriveScramKeys, isScramForm, parseScramKeys, SCRAM_ITERATIONS, type ScramKeys } from './scram-keys.ts';
import { compareStored } from './stored-password.ts';
import type { Turns } from './turns.ts';
import type { UserdbText } from './userdb-text.ts';

type Password = Extract<Proof, { kind: 'password' }>;
type Cram = Extract<Proof, { kind: 'cram' }>;
type Scram = Extract<Proof, { kind: 'scram' }>;

const rejected: AuthAnswer = { kind: 'rejected' };
/** RFC 5321 §4.5.3.1.1 and §4.5.3.1.2 together; a longer login is nobody's. */
const longestLogin = 320;
/** The search must not take time that shows. */
const mostNeighbours = 16;

/** `secret`: 32 octets that stay the same for as long as accounts do, or strangers' salts would tell them from ours. */
export function createUserdbBackend(text: UserdbText, turns: Turns, secret: () => Uint8Array): AuthBackend {
  /** For nobody's login: a few neighbours of one place in the list are asked, the same ones every time. */
  function somebody(login: string, all: readonly UserRecord[], want: Want): string {
    const pick = createHmac('sha256', secret()).update(login).digest().readUInt32BE(0);
    for (let step = 0; step < Math.min(all.length, mostNeighbours); step++) {
      const stored = storedFor(all[(pick + step) % all.length]!, want);
      if (stored !== undefined) return stored;
    }
    return want.kind === 'password' ? '$6$posthorn$' : '{PLAIN}nobody';
  }

  async function verify(login: string, proof: Proof): Promise<AuthAnswer> {
    if (login.length > longestLogin || proof.kind === 'token') return rejected;
    const loaded = await text.load();
    if (loaded.kind === 'unavailable') return loaded;
    const name = foldLogin(login);
    const record = loaded.accounts.get(name);
    const stored = record === undefined ? undefined : storedFor(record, proof);
    const used = stored ?? somebody(name, loaded.all, proof);
    const answer = turns.take(() => compare(name, used, proof));
    if (answer === undefined) return { kind: 'unavailable', why: 'too many logins at once' };
    const { result, serverSignature } = await answer;
    if (stored === undefined || record === undefined) return rejected;
    if (typeof result === 'object') return { kind: 'unavailable', why: `${record.name}: ${result.unavailable}` };
    return result === 'same' ? { kind: 'accepted', account: accountOf(record), ...(serverSignature === undefined ? {} : { serverSignature }) } : rejected;
  }

  async function compare(name: string, stored: string, proof: Exclude<Proof, { kind: 'token' }>): Promise<{ readonly result: Comparison; readonly serverSignature?: Uint8Array }> {
    switch (proof.kind) {
      case 'password':
        return { result: await comparePassword(stored, proof) };
      case 'cram':
        return { result: await compareCram(stored, proof) };
      case 'scram': {
        const keys = await scramKeys(name, stored, proof.digest);
        return keys === null ? { result: { unavailable: 'a SCRAM form that cannot be read' } } : checkScramProof(keys, proof.message, proof.proof);
      }
      default:
        return proof satisfies never;
    }
  }

  async function salt(login: string, digest: ScramDigest): Promise<SaltAnswer> {
    const loaded = await text.load();
    if (loaded.kind === 'unavailable') return loaded;
    const name = foldLogin(login.slice(0, longestLogin + 1));
    const record = loaded.accounts.get(name);
    const own = record === undefined ? undefined : storedFor(record, { kind: 'scram', digest });
    const keys = parseScramKeys(own ?? somebody(name, loaded.all, { kind: 'scram', digest }));
    if (own !== undefined && keys !== null) return { kind: 'salted', salt: keys.salt, iterations: keys.iterations, known: true };
    return { kind: 'salted', salt: saltOf(name, digest, keys?.salt.length), iterations: keys?.iterations ?? SCRAM_ITERATIONS, known: own !== undefined };
  }

  /** Of whoever has no stored salt: a password in clear, and nobody. */
  function saltOf(name: string, digest: ScramDigest, octets = 16): Uint8Array {
    return createHmac('sha512', secret()).update(`${digest} ${name}`).digest().subarray(0, octets);
  }

  async function scramKeys(name: string, stored: string, digest: ScramDigest): Promise<ScramKeys | null> {
    if (!stored.startsWith('{PLAIN}')) return parseScramKeys(stored);
    return deriveScramKeys(stored.slice('{PLAIN}'.length), digest, saltOf(name, digest));
  }

  async function find(login: string): Promise<AuthAnswer> {
    const loaded = await text.load();
    if (loaded.kind === 'unavailable') return loaded;
    const record = login.length > longestLogin ? undefined : loaded.accounts.get(foldLogin(login));
    return record === undefined ? rejected : { kind: 'accepted', account: accountOf(record) };
  }
  return { name: 'userdb', verify, find, salt };
}

type Want = Pick<Password, 'kind' | 'service'> | Pick<Cram, 'kind' | 'digest'> | Pick<Scram, 'kind' | 'digest'>;

/** The service's own field first, then the one for all; CRAM wants its context, SCRAM its keys, or either a password in clear. */
function storedFor({ fields }: UserRecord, want: Want): string | undefined {
  if (want.kind === 'password') return fields.get(`${want.service}pw`) ?? fields.get('systempw');
  const stored = fields.get('esmtppw') ?? fields.get('systempw');
  const clear = stored?.startsWith('{PLAIN}') === true ? stored : undefined;
  if (want.kind === 'scram') return stored !== undefined && isScramForm(stored, want.digest) ? stored : clear;
  return fields.get(`esmtp-hmac-${want.digest}pw`) ?? fields.get(`hmac-${want.digest}pw`) ?? clear;
}

function comparePassword(stored: string, { password }: Password): Promise<Comparison> {
  return compareStored(stored, password);
}

/** RFC 2195 §2: the response is HMAC of the challenge, in hex; a login in front of it is left out of account. */
async function compareCram(stored: string, { digest, challenge, response }: Cram): Promise<Comparison> {
  const message = Buffer.from(challenge, 'utf8');
  const clear = stored.startsWith('{PLAIN}') ? stored.slice('{PLAIN}'.length) : undefined;
  const context = clear === undefined ? stored : hmacContext(digest, Buffer.from(clear, 'utf8'), (key) => hash(digest, key, 'buffer'));
  const wanted = hmacFromContext(digest, context, message);
  if (wanted === null) return { unavailable: `hmac-${digest}pw is no context in hex` };
  const given = response.slice(response.lastIndexOf(' ') + 1);
  return /^[0-9a-f]*$/i.test(given) ? compareOctets(wanted, Buffer.from(given, 'hex')) : 'different';
}

function accountOf({ name, fields }: UserRecord): Account {
  const pick = (field: string): string | undefined => fields.get(field) || undefined;
  const [home, mailbox, quota] = [pick('home'), pick('mail'), pick('quota')];
  const options = new Map<string, string>();
  for (const item of (fields.get('options') ?? '').split(',').filter((word) => word !== '')) {
    const at = item.indexOf('=');
    options.set(at < 0 ? item : item.slice(0, at), at < 0 ? '' : item.slice(at + 1));
  }
  return { login: name, ...(home === undefined ? {} : { home }), ...(mailbox === undefined ? {} : { mailbox }), ...(quota === undefined ? {} : { quota }), options };
}
