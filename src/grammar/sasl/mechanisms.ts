/**
 * SASL mechanisms, the server's side, as pure state (RFC 4422): PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login),
 * CRAM-MD5 (RFC 2195) and its SHA kin, EXTERNAL (RFC 4422 appendix A); SCRAM and tokens have files of their own.
 * An exchange is fed what the client says and ends in a proof for an AuthBackend.
 */
import { createBearer } from './bearer-token.ts';
import { decodeBase64, malformed, type Exchange, type ExchangeSetting, type Mechanism, type Step } from './exchange.ts';
import { createScram } from './scram.ts';

export type { BindingType, Exchange, ExchangeSetting, Mechanism, Step } from './exchange.ts';

export const mechanisms: readonly Mechanism[] = [
  'PLAIN', 'LOGIN', 'CRAM-MD5', 'CRAM-SHA1', 'CRAM-SHA256', 'EXTERNAL',
  'SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'XOAUTH2', 'OAUTHBEARER',
];

const CREDENTIAL_OCTETS = 1024;

export function createExchange(mechanism: Mechanism, setting: ExchangeSetting): Exchange {
  return exchanges[mechanism](setting);
}

const exchanges: Readonly<Record<Mechanism, (setting: ExchangeSetting) => Exchange>> = {
  PLAIN: createPlain,
  LOGIN: createLogin,
  'CRAM-MD5': setting => createCram('CRAM-MD5', 'md5', setting),
  'CRAM-SHA1': setting => createCram('CRAM-SHA1', 'sha1', setting),
  'CRAM-SHA256': setting => createCram('CRAM-SHA256', 'sha256', setting),
  EXTERNAL: createExternal,
  'SCRAM-SHA-1': setting => createScram('SCRAM-SHA-1', setting),
  'SCRAM-SHA-1-PLUS': setting => createScram('SCRAM-SHA-1-PLUS', setting),
  'SCRAM-SHA-256': setting => createScram('SCRAM-SHA-256', setting),
  'SCRAM-SHA-256-PLUS': setting => createScram('SCRAM-SHA-256-PLUS', setting),
  XOAUTH2: () => createBearer('XOAUTH2'),
  OAUTHBEARER: () => createBearer('OAUTHBEARER'),
};

function createPlain({ service }: ExchangeSetting): Exchange {
  const read = (line: string): Step => {
    const text = decodeBase64(line);
    if (text === null) return malformed('not base64 of UTF-8');
    const words = text.split('\0');
    if (words.length !== 3) return malformed('not authzid NUL authcid NUL password');
    const [authorization, login, password] = words as [string, string, string];
    // RFC 4616 §2: acting as someone else needs a permission that no backend here can give.
    if (authorization !== '' && authorization !== login) return { kind: 'hopeless', why: 'another authorization identity' };
    return password === '' ? { kind: 'hopeless', why: 'empty password' } : passwordProof(login, password, service);
  };
  return {
    mechanism: 'PLAIN',
    begin: initial => (initial === null ? { kind: 'challenge', text: '' } : read(initial)),
    answer: read,
  };
}

function createLogin({ service }: ExchangeSetting): Exchange {
  let login: string | null = null;
  const read = (line: string): Step => {
    const text = decodeBase64(line);
    if (text === null || text.includes('\0')) return malformed('not base64 of UTF-8');
    if (login === null) {
      login = text;
      return { kind: 'challenge', text: 'UGFzc3dvcmQ6' }; // Password:
    }
    return text === '' ? { kind: 'hopeless', why: 'empty password' } : passwordProof(login, text, service);
  };
  return {
    mechanism: 'LOGIN',
    begin: initial => (initial === null ? { kind: 'challenge', text: 'VXNlcm5hbWU6' } : read(initial)), // Username:
    answer: read,
  };
}

function createCram(mechanism: Mechanism, digest: 'md5' | 'sha1' | 'sha256', setting: ExchangeSetting): Exchange {
  let challenge = '';
  return {
    mechanism,
    begin(initial) {
      // The server speaks first, so there is nothing an initial response could answer (RFC 4954 §4).
      if (initial !== null) return malformed(`${mechanism} has no initial response`);
      challenge = setting.challenge();
      return { kind: 'challenge', text: Buffer.from(challenge).toString('base64') };
    },
    answer(line) {
      const text = decodeBase64(line);
      const found = text === null ? null : /^(.+) ([0-9a-f]{32,64})$/i.exec(text);
      if (found === null) return malformed('not login, blank, hexadecimal digest');
      const login = found[1] as string;
      if (login.includes('\0')) return malformed('NUL in the login');
      return { kind: 'proof', login, proof: { kind: 'cram', digest, challenge, response: (found[2] as string).toLowerCase() } };
    },
  };
}

/** The certificate has said who; a response may only repeat it. */
function createExternal({ identity }: ExchangeSetting): Exchange {
  const read = (line: string): Step => {
    const text = decodeBase64(line);
    if (text === null) return malformed('not base64 of UTF-8');
    if (identity === undefined || identity === null) return { kind: 'hopeless', why: 'no verified client certificate' };
    return text === '' || text === identity ? { kind: 'identity', login: identity } : { kind: 'hopeless', why: 'another authorization identity' };
  };
  return {
    mechanism: 'EXTERNAL',
    begin: initial => (initial === null ? { kind: 'challenge', text: '' } : read(initial)),
    answer: read,
  };
}

function passwordProof(login: string, password: string, service: ExchangeSetting['service']): Step {
  if (login === '') return { kind: 'hopeless', why: 'empty login' };
  if (login.length > CREDENTIAL_OCTETS || password.length > CREDENTIAL_OCTETS) return malformed('too long');
  return { kind: 'proof', login, proof: { kind: 'password', password, service } };
}
