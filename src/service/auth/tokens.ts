/**
 * AuthBackend for bearer tokens: whoever issued them is asked, by introspection (RFC 7662) or at OpenID's userinfo. Only
 * the issuer's own word makes a token bad; silence, errors and answers that cannot be read are 'unavailable'.
 */
import { createHash } from 'node:crypto';
import { after, type Clock } from '../../core/clock.ts';
import type { Account, AuthAnswer, AuthBackend } from '../../core/auth.ts';
import { foldLogin } from '../../grammar/config/ways-in/userdb.ts';
import type { AuthTokens } from '../../grammar/config/ways-in/auth-tokens.ts';
import { openHttpClient, type HttpAnswer, type HttpFailure, type HttpRequest } from '../../kit/net/http-client.ts';
import type { Proxy } from '../../kit/net/socks.ts';
import { createTurns } from './turns.ts';

export interface TokenIssuer extends AuthTokens {
  /** What it is asked through. */
  readonly via?: Proxy;
}

export interface TokenOptions {
  /** As configured now; undefined: no token is any good. */
  settings(): TokenIssuer | undefined;
  /** Who has an account here; a login nobody has is one without a mailbox. */
  readonly accounts: Pick<AuthBackend, 'find'>;
  readonly clock: Clock;
  /** For tests. */
  ask?(request: HttpRequest, via: Proxy | undefined): Promise<HttpAnswer | HttpFailure>;
}

const TIMEOUT_MS = 10_000;
const ANSWER_OCTETS = 64 * 1024;
const AT_ONCE = 8;
const WAITING = 64;
const MOST_REMEMBERED = 1000;

const rejected: AuthAnswer = { kind: 'rejected' };
const no = { kind: 'no' } as const;
type Said = { readonly kind: 'login'; readonly login: string; readonly expiresAt: number | null } | typeof no | { readonly kind: 'unavailable'; readonly why: string };

export function createTokenBackend({ settings, accounts, clock, ask = once(clock) }: TokenOptions): AuthBackend {
  const turns = createTurns(AT_ONCE, WAITING);
  /** By hash: nothing that could be used lies in memory longer than its exchange. */
  const remembered = new Map<string, { readonly login: string; readonly until: number }>();

  async function loginOf(token: string, how: TokenIssuer): Promise<Said> {
    const key = createHash('sha256').update(`${how.url}\n${how.claim}\n${token}`).digest('base64');
    const known = remembered.get(key);
    if (known !== undefined && clock.now() < known.until) return { kind: 'login', login: known.login, expiresAt: null };
    const turn = turns.take(async () => judge(await ask(requestOf(token, how), how.via), how, clock.now()));
    if (turn === undefined) return { kind: 'unavailable', why: 'too many tokens at once' };
    const said = await turn;
    remembered.delete(key);
    if (said.kind === 'login' && how.rememberMs > 0) {
      remembered.set(key, { login: said.login, until: Math.min(after(clock.now(), how.rememberMs), said.expiresAt ?? Number.MAX_SAFE_INTEGER) });
      const [oldest] = remembered.keys();
      if (remembered.size > MOST_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    }
    return said;
  }

  return {
    name: 'tokens',
    async verify(login, proof) {
      const how = settings();
      if (proof.kind !== 'token' || how === undefined) return rejected;
      const said = await loginOf(proof.token, how);
      if (said.kind === 'unavailable') return said;
      // The client says who it is, the issuer whose token it is: both, or nobody.
      if (said.kind === 'no' || foldLogin(said.login) !== foldLogin(login)) return rejected;
      const found = await accounts.find(login);
      if (found.kind !== 'rejected') return found;
      const account: Account = { login: foldLogin(login), options: new Map() };
      return { kind: 'accepted', account };
    },
    find: async () => rejected,
  };
}

function once(clock: Clock): NonNullable<TokenOptions['ask']> {
  return async (request, via) => {
    const http = openHttpClient({ clock, proxy: () => via });
    try {
      return await http.request(request);
    } finally {
      await http.close();
    }
  };
}

function requestOf(token: string, { kind, url, client }: AuthTokens): HttpRequest {
  const limits = { timeoutMs: TIMEOUT_MS, limitOctets: ANSWER_OCTETS };
  if (kind === 'userinfo') return { url, headers: { authorization: `Bearer ${token}`, accept: 'application/json' }, ...limits };
  // RFC 6749 §2.3.1: name and secret are form-encoded before they become user and password.
  const basic = client === undefined ? {} : { authorization: `Basic ${Buffer.from(`${encodeURIComponent(client.name)}:${encodeURIComponent(client.secret)}`).toString('base64')}` };
  return {
    method: 'POST', url, ...limits,
    headers: { ...basic, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
  };
}

function judge(answer: HttpAnswer | HttpFailure, how: AuthTokens, now: number): Said {
  if (answer.kind !== 'answer') return unavailable(answer.why);
  // RFC 6750 §3.1: at userinfo 401 is about the token; at introspection it is about us.
  if (how.kind === 'userinfo' && (answer.status === 401 || answer.status === 403)) return no;
  if (answer.status !== 200) return unavailable(`the token endpoint answered ${answer.status}`);
  const claims = readObject(answer.body);
  if (claims === null) return unavailable('the token endpoint answered no JSON object');
  const { active, exp, scope, aud } = claims;
  if (how.kind === 'introspection' && active !== true) return active === false ? no : unavailable('the token endpoint does not say whether the token is active');
  const expiresAt = typeof exp === 'number' ? exp * 1000 : null;
  if (expiresAt !== null && expiresAt <= now) return no;
  if (how.scope !== undefined && !(typeof scope === 'string' && scope.split(' ').includes(how.scope))) return no;
  if (how.audience !== undefined && aud !== how.audience && !(Array.isArray(aud) && aud.includes(how.audience))) return no;
  const login = claims[how.claim];
  // An address that the issuer has not verified is whatever its owner typed.
  if (typeof login !== 'string' || login === '' || (how.claim === 'email' && claims['email_verified'] === false)) return no;
  return { kind: 'login', login, expiresAt };
}

function readObject(body: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const read: unknown = JSON.parse(body.toString('utf8'));
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? read as Readonly<Record<string, unknown>> : null;
  } catch {
    return null;
  }
}

function unavailable(why: string): Said {
  return { kind: 'unavailable', why };
}
