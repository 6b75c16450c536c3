/** `authtokens`: who is asked whether a token of XOAUTH2 or OAUTHBEARER is good, and what the answer must say. */
import { parseLines } from '../control-file.ts';
import { parseDuration } from '../duration.ts';
import { noting, settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface AuthTokens {
  /** introspection: RFC 7662. userinfo: OpenID Connect's, which any token of the issuer opens. */
  readonly kind: 'introspection' | 'userinfo';
  readonly url: string;
  /** Who we are to the issuer. */
  readonly client?: { readonly name: string; readonly secret: string };
  /** The member of the answer that must be the login. */
  readonly claim: string;
  readonly scope?: string;
  readonly audience?: string;
  /** The name of a proxy; null: none. Absent: the one called `default`. */
  readonly proxy?: string | null;
  /** A good answer holds so long. */
  readonly rememberMs: number;
}

const EXAMPLE = 'introspect https://id.example.com/oauth2/introspect';
const MINUTE_MS = 60_000;
const MOST_REMEMBERED_MS = 10 * MINUTE_MS;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

export function parseAuthTokens(text: string): Parsed<AuthTokens | null> {
  const problems: Problem[] = [];
  const said = new Map<string, readonly string[]>();
  let tokens: AuthTokens | null = null;
  let settings: Partial<AuthTokens> = {};
  for (const { line, text: entry } of parseLines(text)) {
    const [word = '', ...values] = entry.split(/\s+/);
    const [value = ''] = values;
    const wrong = (what: string, right: string) => void problems.push({ line, what, right });
    if (said.has(word)) wrong(`a second line for ${word}`, 'one');
    said.set(word, values);
    if (values.length !== (word === 'client' ? 2 : 1)) {
      wrong(word === 'client' ? 'client has a name and a secret' : `${shown(entry.slice(0, 40))} is not a word and its value`, word === 'client' ? 'client posthorn SECRET' : EXAMPLE);
      continue;
    }
    switch (word) {
      case 'introspect':
      case 'userinfo': {
        const url = readUrl(value);
        if (url === null) wrong(`${shown(value)} is not an https address`, EXAMPLE);
        else if (tokens !== null) wrong('introspect and userinfo: one of them is asked', EXAMPLE);
        else tokens = { kind: word === 'introspect' ? 'introspection' : 'userinfo', url, claim: word === 'introspect' ? 'username' : 'email', rememberMs: MINUTE_MS };
        break;
      }
      case 'client':
        settings = { ...settings, client: { name: value, secret: values[1] ?? '' } };
        break;
      case 'login':
        settings = { ...settings, claim: value };
        break;
      case 'scope':
        settings = { ...settings, scope: value };
        break;
      case 'audience':
        settings = { ...settings, audience: value };
        break;
      case 'proxy':
        settings = { ...settings, proxy: value === 'none' ? null : value };
        break;
      case 'remember': {
        const rememberMs = noting(parseDuration(value, 'remember 1m'), line, problems);
        if (rememberMs !== undefined && rememberMs > MOST_REMEMBERED_MS) wrong('a token that was taken back would be good for longer than ten minutes', 'remember 1m');
        else if (rememberMs !== undefined) settings = { ...settings, rememberMs };
        break;
      }
      default:
        wrong(`${shown(word)} is not introspect, userinfo, client, login, scope, audience, proxy or remember`, EXAMPLE);
    }
  }
  if (tokens === null && said.size > 0 && problems.length === 0) problems.push({ line: 1, what: 'nobody is named who could be asked', right: EXAMPLE });
  if (tokens?.kind === 'userinfo' && (settings.scope !== undefined || settings.audience !== undefined)) problems.push({ line: 1, what: 'userinfo says nothing of scope and audience', right: EXAMPLE });
  return settle(tokens === null ? null : { ...tokens, ...settings }, problems);
}

/** Tokens and secrets go there: in the clear only to this machine. */
function readUrl(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return null;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname)) ? url.href : null;
}
