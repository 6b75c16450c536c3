/** What smarthosts want besides mail: logins, tokens, senders they take, how much they take, and who stands in for them. */
import { nearestName } from '../../grammar/config/nearest-name.ts';
import { parseOauthAccounts } from '../../grammar/config/ways-out/oauth-accounts.ts';
import { shown } from '../../grammar/config/parsed.ts';
import type { Proxies } from '../../grammar/config/proxies.ts';
import type { RelayLogin } from '../../grammar/config/ways-out/relay-logins.ts';
import type { EsmtpRoute } from '../../grammar/config/ways-out/routes.ts';
import { parseSenderMaps, type SenderMapLine } from '../../grammar/config/ways-out/sender-maps.ts';
import { parseSmarthosts, type Smarthost } from '../../grammar/config/ways-out/smarthosts.ts';
import { isDomain } from '../../grammar/config/domain-list.ts';
import { saslMechanisms } from '../../kit/sasl/client.ts';
import { noSuchProxy } from '../http-proxies.ts';
import type { Sheet } from '../sheet.ts';
import type { OauthSettings, SmarthostSettings } from './types.ts';

export interface Smarthosts {
  readonly smarthosts: readonly SmarthostSettings[];
  readonly oauth: readonly OauthSettings[];
}

export function readSmarthosts(sheet: Sheet, known: { readonly routes: readonly EsmtpRoute[]; readonly logins: readonly RelayLogin[]; readonly proxies: Proxies }): Smarthosts {
  const maps = sheet.list('sendermaps', parseSenderMaps) ?? [];
  const names = [...new Set(maps.map(({ name }) => name))];
  sheet.setting('sendermaps', names.join(', '), names.length > 0 ? 'sendermaps' : undefined);
  const hosts = sheet.list('smarthosts', text => parseSmarthosts(text, saslMechanisms)) ?? [];
  const oauth = readOauth(sheet, known.proxies, name => wayOf(name, hosts, known.routes));
  for (const host of hosts) review(sheet, host, { ...known, accounts: oauth.map(({ name }) => name), maps: names });
  sheet.setting('smarthosts', hosts.map(describe).join('; '), hosts.length > 0 ? 'smarthosts' : undefined);
  return { smarthosts: hosts.map(host => ({ ...host, map: mapOf(host, maps) })), oauth };
}

/** The proxy by which mail goes to whom the account is for: tokens go the same way. */
function wayOf(account: string, hosts: readonly Smarthost[], routes: readonly EsmtpRoute[]): string | null | undefined {
  const relay = hosts.find(({ oauth }) => oauth === account)?.relay;
  return routes.find(route => relay !== undefined && route.relay?.text === relay)?.proxy;
}

function readOauth(sheet: Sheet, known: Proxies, way: (account: string) => string | null | undefined): readonly OauthSettings[] {
  const accounts = sheet.list('oauth', parseOauthAccounts) ?? [];
  if (accounts.some(({ secret }) => secret !== undefined)) sheet.demandPrivate('oauth', { group: true });
  const found = accounts.map((account): OauthSettings => {
    const chosen = account.proxy === undefined ? way(account.name) : account.proxy;
    const via = chosen === null ? undefined : known.proxies.find(({ name }) => name === (chosen ?? 'default'));
    if (via === undefined && typeof account.proxy === 'string') noSuchProxy(sheet, { file: 'oauth', line: account.line, proxy: account.proxy, right: 'proxy=none, or a name that socksproxy has' }, known);
    return { ...account, ...(via === undefined ? {} : { via }) };
  });
  sheet.setting('oauth', found.map(({ name, provider, login }) => `${name}: ${login} at ${provider}`).join('; '), found.length > 0 ? 'oauth' : undefined);
  return found;
}

interface Known {
  readonly routes: readonly EsmtpRoute[];
  readonly logins: readonly RelayLogin[];
  readonly accounts: readonly string[];
  readonly maps: readonly string[];
}

function review(sheet: Sheet, { line, relay, oauth, senders, backups }: Smarthost, { routes, logins, accounts, maps }: Known): void {
  const say = (what: string, right: string): void => sheet.problem(sheet.path('smarthosts'), line, what, right);
  const relays = routes.flatMap(route => route.relay?.text ?? []);
  // A line that nothing leads to would silently not hold.
  if (!relays.includes(relay) && !(isDomain(relay) && !relay.includes(','))) say(`no route of esmtproutes leads to ${shown(relay)}`, nearestName(relay, relays) ?? `a line :${relay} in esmtproutes`);
  else if (!relays.includes(relay) && backups.length > 0) say(`backup= for the domain ${shown(relay)}, which no route leads elsewhere: DNS says who stands in`, `a line ${relay}:relay.example.net,587 in esmtproutes`);
  if (oauth !== undefined && !accounts.includes(oauth)) say(`there is no account ${oauth} in oauth`, nearestName(oauth, accounts) ?? `a line ${oauth} microsoft login=… client=… in oauth`);
  if (oauth !== undefined && logins.some(login => login.relay === relay)) say('oauth=, and a password in esmtpauthclient', 'one of them');
  if (senders !== undefined && !maps.includes(senders)) say(`there is no map ${senders} in sendermaps`, nearestName(senders, maps) ?? `a line ${senders} * box@example.com in sendermaps`);
  if (backups.some(({ text }) => text === relay)) say('a relay stands in for itself', 'another relay');
}

function mapOf({ sender, senders }: Smarthost, maps: readonly SenderMapLine[]): readonly SenderMapLine[] {
  if (sender !== undefined) return [{ line: 0, name: '', from: '*', to: sender }];
  return senders === undefined ? [] : maps.filter(({ name }) => name === senders);
}

function describe({ relay, oauth, sender, senders, messages, recipients, backups }: Smarthost): string {
  const words = [
    oauth === undefined ? '' : ` by the account ${oauth}`, sender === undefined ? '' : ` from ${sender}`, senders === undefined ? '' : ` from ${senders}`,
    ...messages.map(({ count, perMs }) => ` at most ${count} messages in ${perMs / 1000} s`), ...recipients.map(({ count, perMs }) => ` at most ${count} recipients in ${perMs / 1000} s`),
    ...backups.map(({ text }) => `, else ${text}`),
  ];
  return `${relay}${words.join('')}`;
}
