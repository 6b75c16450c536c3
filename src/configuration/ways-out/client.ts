/** What our ESMTP client goes by: routes, logins, proxies, timeouts, and the `courierd` environment. */
import { basename, isAbsolute } from 'node:path';
import { read, shown, wrong, type Parsed } from '../../grammar/config/parsed.ts';
import { foldDomain, isDomain } from '../../grammar/config/domain-list.ts';
import { formatEndpoint } from '../../grammar/config/endpoint.ts';
import { nearestName } from '../../grammar/config/nearest-name.ts';
import { formatIpAddress, formatNetwork, parseIpAddress } from '../../grammar/config/network.ts';
import { parseProxies, type Proxies } from '../../grammar/config/proxies.ts';
import { parseRelayLogins } from '../../grammar/config/ways-out/relay-logins.ts';
import { parseRoutes, type EsmtpRoute } from '../../grammar/config/ways-out/routes.ts';
import { readSmarthosts } from './smarthosts.ts';
import { readEnvironment, reviewEnvironment, type Environment, type Vocabulary } from '../environment.ts';
import type { Sheet, ValueRule } from '../sheet.ts';
import { moduleVocabulary, readModuleLimits } from './modules.ts';
import { idleTlsVariables, readAuthorities, readIdentity, tlsVariables } from '../tls-identity.ts';
import { readTlsPolicies, readTlsReports } from './tls-policies.ts';
import type { ClientSettings, ModuleLimits } from './types.ts';
import { durationRule, sourceRule } from '../values.ts';

export { moduleVocabulary };

export const courierdVocabulary: Vocabulary = {
  used: [
    'ESMTP_USE_STARTTLS', 'ESMTP_TLS_VERIFY_DOMAIN', 'ESMTP_PREFER_IPV6_MX', 'ESMTP_BLOCKBACKSCATTER', 'DSNTOAUTHADDR', 'DSNDEFAULTNOTIFYDELAY', 'ARCHIVEDIR', 'TLS_TRUSTCERTS', 'TLS_TRUSTSECURITYCERTS', 'TLS_VERIFYPEER', 'UUXFLAGS',
    'DEFAULTDELIVERY', 'DYNAMICDELIVERIES', 'AUTH_MKHOMEDIR_SKEL',
    ...tlsVariables,
  ],
  idle: [
    'DSNNOTIFY', 'ESMTP_CORK', 'MAILDROPDEFAULT',
    'SYSLOCALE', 'SOURCE_ADDRESS', 'SOURCE_ADDRESS_IPV6', 'MAILUSER', 'MAILGROUP', 'LD_PRELOAD', 'SOCKS_PROXY', 'PRELOAD', ...idleTlsVariables.filter(name => name !== 'TLS_TRUSTSECURITYCERTS'),
  ],
};

export interface Courierd {
  readonly client: ClientSettings;
  readonly toAuthAddress: boolean;
  readonly delaysByDefault: boolean;
  readonly archiveFolder: string | null;
}

export function readClient(sheet: Sheet): Courierd {
  const environment = readEnvironment(sheet, ['courierd'], courierdVocabulary);
  reviewEnvironment(sheet, 'courierd', courierdVocabulary);
  const proxies = readProxies(sheet);
  const routes = readRoutes(sheet, proxies);
  const logins = sheet.list('esmtpauthclient', parseRelayLogins) ?? [];
  if (logins.length > 0) sheet.demandPrivate('esmtpauthclient', { group: true });
  sheet.setting('esmtpauthclient', logins.map(({ relay, login }) => `${relay} as ${login}`).join('; '), logins.length > 0 ? 'esmtpauthclient' : undefined);
  const backupRelay = sheet.value('backuprelay', undefined, backupRelayRule);
  const identity = readIdentity(sheet, environment);
  const trustedAuthorities = readAuthorities(sheet, environment, 'TLS_TRUSTCERTS');
  const securityAuthorities = readAuthorities(sheet, environment, 'TLS_TRUSTSECURITYCERTS');
  const client: ClientSettings = {
    routes,
    logins,
    ...readSmarthosts(sheet, { routes, logins, proxies }),
    proxies,
    ...(backupRelay === undefined ? {} : { backupRelay }),
    timeouts: {
      connectMs: sheet.value('esmtptimeoutconnect', 60_000, durationRule('1m')),
      heloMs: sheet.value('esmtptimeouthelo', 300_000, durationRule('5m', 1000)),
      commandMs: sheet.value('esmtptimeout', 600_000, durationRule('10m', 1000)),
      dataMs: sheet.value('esmtptimeoutdata', 300_000, durationRule('5m', 1000)),
      quitMs: sheet.value('esmtptimeoutquit', 10_000, durationRule('10s')),
      keepAliveMs: sheet.value('esmtptimeoutkeepalive', 60_000, durationRule('60s')),
      keepAlivePingMs: sheet.value('esmtptimeoutkeepaliveping', 0, durationRule('15s')),
    },
    delayMs: sheet.value('esmtpdelay', 300_000, durationRule('5m')),
    source4: readSource(sheet, 'ipout', 4),
    source6: readSource(sheet, 'ip6out', 6),
    ...readModule(sheet),
    useStartTls: environment.flag('ESMTP_USE_STARTTLS', true),
    preferIpv6: environment.flag('ESMTP_PREFER_IPV6_MX', true),
    verifyPeer: verifies(sheet, environment),
    ...(trustedAuthorities === undefined ? {} : { trustedAuthorities }),
    ...(securityAuthorities === undefined ? {} : { securityAuthorities }),
    ...(identity === undefined ? {} : { identity }),
    tls: readTlsPolicies(sheet),
    tlsReports: readTlsReports(sheet),
    blockedBackscatter: environment.parsed('ESMTP_BLOCKBACKSCATTER', new Set<string>(), parseTags),
    // Shipped on; a courierd file without it has it off.
  };
  const toAuthAddress = environment.flag('DSNTOAUTHADDR', false);
  const delaysByDefault = environment.flag('DSNDEFAULTNOTIFYDELAY', true);
  const archiveFolder = environment.parsed('ARCHIVEDIR', null, text => (text === '' ? read(null) : isAbsolute(text) ? read(text.replace(/\/+$/, '')) : wrong(`${shown(text)} is no absolute path`, 'ARCHIVEDIR=/var/archive/mail')));
  const flag = (on: boolean): string => (on ? '1' : '0');
  sheet.setting('courierd: ESMTP_USE_STARTTLS', flag(client.useStartTls), environment.source('ESMTP_USE_STARTTLS'));
  sheet.setting('courierd: ESMTP_TLS_VERIFY_DOMAIN', flag(client.verifyPeer), environment.source('ESMTP_TLS_VERIFY_DOMAIN'));
  sheet.setting('courierd: ESMTP_PREFER_IPV6_MX', flag(client.preferIpv6), environment.source('ESMTP_PREFER_IPV6_MX'));
  sheet.setting('courierd: ESMTP_BLOCKBACKSCATTER', [...client.blockedBackscatter].join(','), environment.source('ESMTP_BLOCKBACKSCATTER'));
  sheet.setting('courierd: DSNTOAUTHADDR', flag(toAuthAddress), environment.source('DSNTOAUTHADDR'));
  sheet.setting('courierd: TLS_CERTFILE', client.identity?.certificateFile ?? '', environment.source('TLS_CERTFILE'));
  sheet.setting('courierd: DSNDEFAULTNOTIFYDELAY', flag(delaysByDefault), environment.source('DSNDEFAULTNOTIFYDELAY'));
  sheet.setting('courierd: ARCHIVEDIR', archiveFolder ?? '', environment.source('ARCHIVEDIR'));
  return { client, toAuthAddress, delaysByDefault, archiveFolder };
}

/** An empty file of a virtual host that is an address means that address (courier-core 9). */
function readSource(sheet: Sheet, name: 'ipout' | 'ip6out', family: 4 | 6): string | null {
  const suffix = basename(sheet.path(name)).slice(name.length + 1);
  const address = suffix === '' ? null : parseIpAddress(suffix);
  if (address === null || sheet.text(name)?.trim() !== '') return sheet.value(name, null, sourceRule(family));
  if (address.family === family) return formatIpAddress(address);
  sheet.problem(sheet.path(name), undefined, `${suffix} is no IPv${family} address, and an empty file means it`, sourceRule(family).example);
  return null;
}

/** `smtp/dsn,authsmtp/dsn`: source tags. */
function parseTags(text: string): Parsed<ReadonlySet<string>> {
  const tags = text.split(/[\s,]+/).filter(tag => tag !== '');
  const stranger = tags.find(tag => !/^[a-z]+(\/dsn)*$/.test(tag));
  return stranger === undefined ? read(new Set(tags)) : wrong(`${shown(stranger)} is no source tag`, 'ESMTP_BLOCKBACKSCATTER=smtp/dsn');
}

/** Courier checks a next hop's certificate only when both variables ask for it. */
function verifies(sheet: Sheet, environment: Environment): boolean {
  const wanted = environment.flag('ESMTP_TLS_VERIFY_DOMAIN', false);
  const peer = environment.parsed('TLS_VERIFYPEER', 'NONE', (text) =>
    /^(NONE|PEER|REQUIREPEER)?$/.test(text) ? read(text) : wrong(`${shown(text)} is not NONE, PEER or REQUIREPEER`, 'TLS_VERIFYPEER=PEER'),
  );
  if (wanted && !peer.endsWith('PEER')) sheet.notice(sheet.path('courierd'), 'ESMTP_TLS_VERIFY_DOMAIN=1 does nothing without TLS_VERIFYPEER=PEER');
  return wanted && peer.endsWith('PEER');
}

/**
 * Postfix' 20 connections to a next hop, where Courier ships 4: with fifty clients that send at once, four connections
 * fall behind what comes in, and mail that waits on the disk costs a third more than mail that goes on from memory.
 */
const shipped: ModuleLimits = { deliveries: 200, perNexthop: 20, recipients: 100 };

/** Missing values of a module file count as 1; a missing file has the shipped ones. */
function readModule(sheet: Sheet): Pick<ClientSettings, 'maxDeliveries' | 'maxPerDomain' | 'maxRecipients'> {
  const { deliveries, perNexthop, recipients } = readModuleLimits(sheet, 'module.esmtp', shipped);
  return { maxDeliveries: deliveries, maxPerDomain: perNexthop, maxRecipients: recipients };
}

function readProxies(sheet: Sheet): Proxies {
  const found = sheet.list('socksproxy', parseProxies) ?? { proxies: [], noProxy: [] };
  if (found.proxies.some(({ password }) => password !== undefined)) sheet.demandPrivate('socksproxy', { group: true });
  const words = [
    ...found.proxies.map((proxy) => `${proxy.name} ${proxy.resolve === 'proxy' ? 'socks5h' : 'socks5'}://${formatEndpoint(proxy)}`),
    ...found.noProxy.map((network) => `noproxy ${formatNetwork(network)}`),
  ];
  sheet.setting('socksproxy', words.join('; '), words.length > 0 ? 'socksproxy' : undefined);
  return found;
}

function readRoutes(sheet: Sheet, { proxies }: Proxies): readonly EsmtpRoute[] {
  const routes = sheet.list('esmtproutes', parseRoutes) ?? [];
  const names = proxies.map(({ name }) => name);
  for (const { line, proxy } of routes) {
    if (proxy === undefined || proxy === null || names.includes(proxy)) continue;
    const right = `PROXY=${nearestName(proxy, names) ?? 'none'}, or a line ${proxy} socks5://proxy.example.net:1080 in socksproxy`;
    sheet.problem(sheet.path('esmtproutes'), line, `no proxy ${proxy} in socksproxy`, right);
  }
  const shapes = routes.map(({ domain, relay }) => `${domain === '' ? '*' : domain} → ${relay?.text ?? 'MX'}`);
  sheet.setting('esmtproutes', shapes.join('; '), routes.length > 0 ? 'esmtproutes' : undefined);
  return routes;
}

type BackupRelay = NonNullable<ClientSettings['backupRelay']>;

const backupRelayRule: ValueRule<BackupRelay | undefined> = {
  example: 'backup.example.com',
  show: (relay) => relay?.host ?? '',
  parse: (text) => {
    const [place = '', transport = 'esmtp', more] = text.split(/\s+/);
    const [, bracketed, name, digits] = /^(?:\[([^\]]+)\]|([^,[\]]+))(?:,(\d{1,5}))?$/.exec(place) ?? [];
    const literal = bracketed !== undefined && parseIpAddress(bracketed) !== null;
    const host = literal ? bracketed : foldDomain(name ?? '');
    const port = digits === undefined ? {} : { port: Number(digits) };
    return (literal || isDomain(host)) && more === undefined && (port.port ?? 25) < 65_536 ? read({ host, literal, transport, ...port }) : wrong(`${shown(text)} is not one host name`, 'backup.example.com');
  },
};
