/** The token endpoint of XOAUTH2 and OAUTHBEARER, and that there is one where they are offered. */
import { parseAuthTokens } from '../../grammar/config/ways-in/auth-tokens.ts';
import type { Proxies } from '../../grammar/config/proxies.ts';
import { httpProxyOf, noSuchProxy } from '../http-proxies.ts';
import type { Sheet } from '../sheet.ts';
import type { AuthTokenSettings } from '../types.ts';
import type { Listener } from './types.ts';

const NAME = 'authtokens';

export function readAuthTokens(sheet: Sheet, listeners: readonly Listener[], proxies: Proxies): AuthTokenSettings | undefined {
  const tokens = sheet.list(NAME, parseAuthTokens) ?? undefined;
  sheet.setting(NAME, tokens === undefined ? 'nobody is asked' : `${tokens.kind} at ${new URL(tokens.url).host}, login in ${tokens.claim}`, tokens === undefined ? undefined : NAME);
  if (tokens?.client !== undefined) sheet.demandPrivate(NAME, { group: true });
  for (const { name, mechanisms: { plain, tls } } of tokens === undefined ? listeners : []) {
    const offered = [...plain, ...tls].find(mechanism => mechanism === 'XOAUTH2' || mechanism === 'OAUTHBEARER');
    if (offered !== undefined) sheet.problem(sheet.path(name), undefined, `${offered} is offered, and authtokens names nobody who could say whether a token is good`, 'authtokens with: introspect https://id.example.com/oauth2/introspect');
  }
  if (tokens === undefined) return undefined;
  const via = httpProxyOf(tokens, proxies);
  if (via === null) noSuchProxy(sheet, { file: NAME, line: undefined, proxy: tokens.proxy ?? '', right: 'proxy none, or a name that socksproxy has' }, proxies);
  return { ...tokens, ...(via === undefined || via === null ? {} : { via }) };
}
