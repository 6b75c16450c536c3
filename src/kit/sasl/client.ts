/**
 * SASL from the client's side (RFC 4422), whatever protocol carries it: which mechanism, and what it answers.
 * Strongest first; a password or token goes over a connection without TLS only when that was allowed.
 *
 *   SCRAM-SHA-256-PLUS  SCRAM-SHA-1-PLUS  SCRAM-SHA-256  SCRAM-SHA-1   RFC 7677, RFC 5802: the server proves itself too
 *   CRAM-SHA256  CRAM-SHA1  CRAM-MD5                                   RFC 2195, and Courier's kin of it
 *   PLAIN  LOGIN                                                       RFC 4616: the password itself
 *   OAUTHBEARER  XOAUTH2                                               RFC 7628, and what came before it: a token
 */
import { createHmac } from 'node:crypto';
import { createScramClient, type ChannelBinding } from './scram.ts';

export type SaslCredentials = { readonly login: string; readonly password: string } | { readonly login: string; readonly token: string };

export interface SaslSetting {
  /** Mechanisms the server offers, in upper case. */
  readonly offered: ReadonlySet<string>;
  /** Only these; absent: all. */
  readonly only?: readonly string[];
  /** The connection is encrypted, or it was said that it need not be. */
  readonly maySayPassword: boolean;
  readonly binding?: ChannelBinding;
  readonly host: string;
  readonly port: number;
}

export type SaslAnswer = { readonly kind: 'say'; readonly text: string } | { readonly kind: 'distrust'; readonly why: string };

export interface SaslClient {
  readonly mechanism: string;
  /** What is said before any challenge; absent: the server begins. */
  readonly initial?: string;
  answer(challenge: string): SaslAnswer | Promise<SaslAnswer>;
  /** Asked when the server says that all is well: why that is not to be believed, or null. */
  doubt(): string | null;
  /** What the server said of a token that it does not take. */
  complaint(): string | null;
}

const COMPLAINT_CHARACTERS = 300;
const SCRAM = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1'];
const CRAM = new Map([['CRAM-SHA256', 'sha256'], ['CRAM-SHA1', 'sha1'], ['CRAM-MD5', 'md5']]);

/** Every mechanism there is, as configuration may name them. */
export const saslMechanisms: readonly string[] = [...SCRAM, ...CRAM.keys(), 'PLAIN', 'LOGIN', 'OAUTHBEARER', 'XOAUTH2'];

/** Null: none that both know and that may be used here. */
export function createSaslClient(credentials: SaslCredentials, setting: SaslSetting): SaslClient | null {
  const wanted = (name: string) => setting.offered.has(name) && (setting.only?.includes(name) ?? true);
  if ('token' in credentials) {
    if (!setting.maySayPassword) return null;
    if (wanted('OAUTHBEARER')) return createBearer('OAUTHBEARER', formatOauthBearer(credentials, setting), '\u0001');
    return wanted('XOAUTH2') ? createBearer('XOAUTH2', `user=${credentials.login}\u0001auth=Bearer ${credentials.token}\u0001\u0001`, '') : null;
  }
  const { login, password } = credentials;
  for (const mechanism of SCRAM) {
    const found = wanted(mechanism) ? createScram(mechanism, credentials, setting) : null;
    if (found !== null) return found;
  }
  for (const [mechanism, digest] of CRAM) {
    if (wanted(mechanism)) return plainly({ mechanism, answer: challenge => say(`${login} ${createHmac(digest, password).update(challenge).digest('hex')}`) });
  }
  if (!setting.maySayPassword) return null;
  const plain = `\0${login}\0${password}`;
  if (wanted('PLAIN')) return plainly({ mechanism: 'PLAIN', initial: plain, answer: () => say(plain) });
  if (!wanted('LOGIN')) return null;
  const words = [login, password];
  return plainly({ mechanism: 'LOGIN', answer: () => say(words.shift() ?? '') });
}

function createScram(mechanism: string, { login, password }: { readonly login: string; readonly password: string }, { binding, offered }: SaslSetting): SaslClient | null {
  const plus = mechanism.endsWith('-PLUS');
  if (plus && binding === undefined) return null;
  const offeredPlus = [...offered].some(name => name.startsWith('SCRAM-') && name.endsWith('-PLUS'));
  const client = createScramClient({
    digest: mechanism.startsWith('SCRAM-SHA-256') ? 'sha256' : 'sha1', login, password,
    binding: plus && binding !== undefined ? binding : binding === undefined || offeredPlus ? 'impossible' : 'unoffered',
  });
  if (client === null) return null;
  return {
    mechanism, initial: client.first, complaint: () => null,
    answer: challenge => client.answer(challenge),
    doubt: () => (client.proven ? null : 'it never proved that it knows our password'),
  };
}

/** RFC 7628 §3.1. */
function formatOauthBearer({ login, token }: { readonly login: string; readonly token: string }, { host, port }: SaslSetting): string {
  return `n,a=${login.replaceAll('=', '=3D').replaceAll(',', '=2C')},\u0001host=${host}\u0001port=${port}\u0001auth=Bearer ${token}\u0001\u0001`;
}

/** A challenge after the token is the server's reason for not taking it; the refusal comes when it was answered (RFC 7628 §3.2.3). */
function createBearer(mechanism: string, message: string, receipt: string): SaslClient {
  let said = false;
  let complaint: string | null = null;
  return {
    mechanism,
    initial: message,
    answer(challenge) {
      // It wants what we would have said at once, had there been room for it.
      if (challenge === '' && !said) {
        said = true;
        return say(message);
      }
      complaint = challenge.replaceAll(/\p{Cc}/gu, ' ').slice(0, COMPLAINT_CHARACTERS);
      return say(receipt);
    },
    doubt: () => null,
    complaint: () => complaint,
  };
}

function plainly(client: Pick<SaslClient, 'mechanism' | 'initial' | 'answer'>): SaslClient {
  return { ...client, doubt: () => null, complaint: () => null };
}

function say(text: string): SaslAnswer {
  return { kind: 'say', text };
}
