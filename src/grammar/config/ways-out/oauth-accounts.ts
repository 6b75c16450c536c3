/**
 * `oauth`: accounts at providers that want a token instead of a password. `NAME PROVIDER login=ADDRESS client=ID [secret=…]
 * [tenant=…] [scope=…] [grant=client] [device=URL] [authorize=URL] [token=URL] [proxy=NAME|none]`, one a line.
 */
import { parseLines } from '../control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface OauthAccount {
  readonly line: number;
  readonly name: string;
  readonly provider: string;
  /** Whom the mail server lets in by the token. */
  readonly login: string;
  readonly client: string;
  readonly secret?: string;
  /** Several are parted by blanks. */
  readonly scope: string;
  /** user: somebody logs in once, and the token is refreshed. client: the program itself is let in (RFC 6749 §4.4). */
  readonly grant: 'user' | 'client';
  /** RFC 8628 §3.1; absent: the provider has no device flow. */
  readonly deviceUrl?: string;
  /** RFC 6749 §3.1, for a browser. */
  readonly authorizeUrl?: string;
  readonly tokenUrl: string;
  /** Absent: the default one, if there is one; null: none. */
  readonly proxy?: string | null;
}

interface Preset {
  readonly device?: string;
  readonly authorize?: string;
  readonly token?: string;
  readonly scope?: string;
  /** With grant=client. */
  readonly clientScope?: string;
}

const PRESETS: Readonly<Record<string, Preset>> = {
  microsoft: {
    device: 'https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode',
    authorize: 'https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize',
    token: 'https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token',
    scope: 'https://outlook.office.com/SMTP.Send offline_access',
    clientScope: 'https://outlook.office365.com/.default',
  },
  google: {
    device: 'https://oauth2.googleapis.com/device/code',
    authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    scope: 'https://mail.google.com/',
  },
  custom: {},
};
const EXAMPLE = 'office microsoft login=scanner@example.com client=11111111-2222-3333-4444-555555555555 tenant=example.onmicrosoft.com';
const OPTIONS = new Set(['login', 'client', 'secret', 'tenant', 'scope', 'grant', 'device', 'authorize', 'token', 'proxy']);

/** Complaints never show a value that may be secret. */
export function parseOauthAccounts(text: string): Parsed<readonly OauthAccount[]> {
  const problems: Problem[] = [];
  const accounts: OauthAccount[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const say = (what: string, right = EXAMPLE): void => void problems.push({ line, what, right });
    const [name = '', provider = '', ...words] = entry.split(/\s+/);
    const preset = Object.hasOwn(PRESETS, provider) ? PRESETS[provider] : undefined;
    if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name)) say(`${named(name)} cannot be the name of an account: small letters, digits, - and _`);
    else if (accounts.some(one => one.name === name)) say(`a second account ${name}`, 'another name');
    if (preset === undefined) say(`${named(provider)} is no provider`, `one of ${Object.keys(PRESETS).join(', ')}`);
    const given = readOptions(words, say);
    const account = accountOf({ line, name, provider }, preset ?? {}, given, say);
    if (account !== null) accounts.push(account);
  }
  return settle(accounts, problems);
}

/** A word that may be an option out of place may hold a secret. */
function named(word: string): string {
  return word.includes('=') || word.length > 40 ? 'a word of this line' : shown(word);
}

function readOptions(words: readonly string[], say: (what: string, right?: string) => void): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const word of words) {
    const [, key = '', value = ''] = /^([a-z]+)=(.+)$/.exec(word) ?? [];
    if (!OPTIONS.has(key)) say(key === '' ? 'an option of this account is not NAME=VALUE' : `there is no option ${named(key)}`);
    else if (given.has(key)) say(`${key}= is said twice`, 'once');
    given.set(key, value);
  }
  return given;
}

function accountOf(about: Pick<OauthAccount, 'line' | 'name' | 'provider'>, preset: Preset, given: ReadonlyMap<string, string>, say: (what: string, right?: string) => void): OauthAccount | null {
  const login = given.get('login');
  const client = given.get('client');
  const grant = given.get('grant') ?? 'user';
  const url = (key: 'device' | 'authorize' | 'token'): string | undefined => {
    const written = (given.get(key) ?? preset[key])?.replace('{tenant}', encodeURIComponent(given.get('tenant') ?? 'common'));
    if (written !== undefined && !isSafeUrl(written)) say(`${key}= is not an https URL`, `${key}=https://login.example.com/oauth2/${key}`);
    return written;
  };
  const [device, authorize, token] = [url('device'), url('authorize'), url('token')];
  const scope = (given.get('scope') ?? (grant === 'client' ? preset.clientScope : undefined) ?? preset.scope)?.replaceAll(',', ' ');
  const proxy = given.get('proxy');
  if (grant !== 'user' && grant !== 'client') say('grant= is neither user nor client', 'grant=client');
  if (grant === 'client' && !given.has('secret')) say('grant=client needs secret=', `${EXAMPLE} grant=client secret=…`);
  if (grant === 'user' && token !== undefined && device === undefined && authorize === undefined) say('neither device= nor authorize=, so nobody can log in', 'device=https://login.example.com/oauth2/device');
  if (token === undefined) say('no token=', 'token=https://login.example.com/oauth2/token');
  if (scope === undefined) say('no scope=', 'scope=smtp');
  if (login === undefined || client === undefined) say(`no ${login === undefined ? 'login' : 'client'}=`);
  if (login === undefined || client === undefined || token === undefined || scope === undefined) return null;
  const secret = given.get('secret');
  return {
    ...about, login, client, grant: grant === 'client' ? 'client' : 'user', scope, tokenUrl: token,
    ...(secret === undefined ? {} : { secret }), ...(device === undefined ? {} : { deviceUrl: device }), ...(authorize === undefined ? {} : { authorizeUrl: authorize }),
    ...(proxy === undefined ? {} : { proxy: proxy === 'none' ? null : proxy }),
  };
}

/** RFC 6749 §3.2: tokens go by TLS only; a server on this machine is for tests. */
function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname));
}
