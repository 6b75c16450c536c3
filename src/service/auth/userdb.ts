/**
 * AuthBackend over userdb. A login that is not there is compared with somebody's password all the same, always the
 * same one for the same login, and rejected whatever comes out: strangers and typing errors take equally long.
 */
import { createHmac, hash } from 'node:crypto';
import type { Account, AuthAnswer, AuthBackend, Proof } from '../../core/auth.ts';
import { foldLogin, type UserRecord } from '../../grammar/config/userdb.ts';
import { hmacContext, hmacFromContext } from './hmac-context.ts';
import { compareOctets, compareStored, type Comparison } from './stored-password.ts';
import type { Turns } from './turns.ts';
import type { UserdbText } from './userdb-text.ts';

type Password = Extract<Proof, { kind: 'password' }>;
type Cram = Extract<Proof, { kind: 'cram' }>;

const rejected: AuthAnswer = { kind: 'rejected' };
/** RFC 5321 §4.5.3.1.1 and §4.5.3.1.2 together; a longer login is nobody's. */
const longestLogin = 320;
/** The search must not take time that shows. */
const mostNeighbours = 16;

export function createUserdbBackend(text: UserdbText, turns: Turns, secret: Uint8Array): AuthBackend {
  /** For nobody's login: a few neighbours of one place in the list are asked, the same ones every time. */
  function somebody(login: string, all: readonly UserRecord[], proof: Proof): string {
    const pick = createHmac('sha256', secret).update(login).digest().readUInt32BE(0);
    for (let step = 0; step < Math.min(all.length, mostNeighbours); step++) {
      const stored = storedFor(all[(pick + step) % all.length]!, proof);
      if (stored !== undefined) return stored;
    }
    return proof.kind === 'password' ? '$6$posthorn$' : '{PLAIN}nobody';
  }

  async function verify(login: string, proof: Proof): Promise<AuthAnswer> {
    if (login.length > longestLogin) return rejected;
    const loaded = await text.load();
    if (loaded.kind === 'unavailable') return loaded;
    const name = foldLogin(login);
    const record = loaded.accounts.get(name);
    const stored = record === undefined ? undefined : storedFor(record, proof);
    const used = stored ?? somebody(name, loaded.all, proof);
    const answer = turns.take(() => (proof.kind === 'password' ? comparePassword(used, proof) : compareCram(used, proof)));
    if (answer === undefined) return { kind: 'unavailable', why: 'too many logins at once' };
    const result = await answer;
    if (stored === undefined || record === undefined) return rejected;
    if (typeof result === 'object') return { kind: 'unavailable', why: `${record.name}: ${result.unavailable}` };
    return result === 'same' ? { kind: 'accepted', account: accountOf(record) } : rejected;
  }

  async function find(login: string): Promise<AuthAnswer> {
    const loaded = await text.load();
    if (loaded.kind === 'unavailable') return loaded;
    const record = login.length > longestLogin ? undefined : loaded.accounts.get(foldLogin(login));
    return record === undefined ? rejected : { kind: 'accepted', account: accountOf(record) };
  }
  return { name: 'userdb', verify, find };
}

/** The service's own field first, then the one for all; a CRAM proof wants its context, or a password in clear. */
function storedFor({ fields }: UserRecord, proof: Proof): string | undefined {
  if (proof.kind === 'password') return fields.get(`${proof.service}pw`) ?? fields.get('systempw');
  const clear = fields.get('esmtppw') ?? fields.get('systempw');
  return fields.get(`esmtp-hmac-${proof.digest}pw`) ?? fields.get(`hmac-${proof.digest}pw`) ?? (clear?.startsWith('{PLAIN}') === true ? clear : undefined);
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
