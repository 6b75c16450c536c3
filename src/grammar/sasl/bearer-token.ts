/** XOAUTH2 (Google's form) and OAUTHBEARER (RFC 7628 §3), the server's side: a login and a token somebody else issued. */
import { challenge, decodeBase64, hopeless, malformed, type Exchange, type Step } from './exchange.ts';

/** Beyond any token in use; a line of an exchange ends at about this anyway. */
const TOKEN_CHARS = 8192;
const LOGIN_CHARS = 1024;
/** RFC 6750 §2.1. */
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

export function createBearer(mechanism: 'XOAUTH2' | 'OAUTHBEARER'): Exchange {
  const parse = mechanism === 'XOAUTH2' ? readXoauth : readOauthBearer;
  let told = false;
  function read(line: string): Step {
    // Whatever the client says to our explanation, the answer stands (RFC 7628 §3.2.3).
    if (told) return { kind: 'told' };
    const text = decodeBase64(line);
    return text === null ? malformed('not base64 of UTF-8') : parse(text);
  }
  return {
    mechanism,
    begin: initial => (initial === null ? { kind: 'challenge', text: '' } : read(initial)),
    answer: read,
    rejected() {
      told = true;
      return challenge(mechanism === 'XOAUTH2' ? '{"status":"401","schemes":"bearer","scope":"mail"}' : '{"status":"invalid_token","scope":"mail"}');
    },
  };
}

/** `user=LOGIN ^A auth=Bearer TOKEN ^A ^A`. */
function readXoauth(text: string): Step {
  const [user = '', auth = '', ...end] = text.split('\x01');
  if (!user.startsWith('user=') || !auth.startsWith('auth=') || end.join('\x01') !== '\x01') return malformed('not user=, auth=Bearer');
  return proof(user.slice('user='.length), auth.slice('auth='.length));
}

/** `n,a=LOGIN, ^A key=value ^A … auth=Bearer TOKEN ^A ^A`; host and port are the client's business. */
function readOauthBearer(text: string): Step {
  const [, login, pairs] = /^[ny],(?:a=((?:[^,=\0]|=2C|=3D)*))?,\x01((?:[A-Za-z]+=[^\x01]*\x01)*)\x01$/.exec(text) ?? [];
  if (pairs === undefined) return malformed('not a gs2 header and key=value pairs');
  const auth = pairs.split('\x01').filter(pair => pair.startsWith('auth='));
  if (auth.length !== 1) return malformed('not one auth= pair');
  return proof((login ?? '').replaceAll('=2C', ',').replaceAll('=3D', '='), (auth[0] as string).slice('auth='.length));
}

function proof(login: string, auth: string): Step {
  const token = BEARER.exec(auth)?.[1];
  if (token === undefined || token.length > TOKEN_CHARS || login.length > LOGIN_CHARS || login.includes('\0')) return malformed('not a bearer token and a login');
  // Without a login the token alone would say who it is, which the log and the limits must know before it is asked.
  return login === '' ? hopeless('empty login') : { kind: 'proof', login, proof: { kind: 'token', token } };
}
