/** The listeners: `esmtpd`, `esmtpd-msa` and `esmtpd-ssl` read over it, and `lmtpd` by itself. */
import { existsSync } from 'node:fs';
import { accessVariables, formatAccessNetwork, formatPlace } from '../../grammar/config/ways-in/access.ts';
import type { Bofh } from '../../grammar/config/ways-in/bofh.ts';
import { parseCheckVariables } from '../../grammar/config/ways-in/check-variables.ts';
import { parseListenAddress, parsePortList, type ListenEndpoint } from '../../grammar/config/endpoint.ts';
import { parseMailRules } from '../../grammar/config/ways-in/mail-rules.ts';
import { noListenerOptions, parseListenerOptions, type ListenerOptions } from '../../grammar/config/ways-in/listener-options.ts';
import { foldDomain, isDomain } from '../../grammar/config/domain-list.ts';
import { nearestName } from '../../grammar/config/nearest-name.ts';
import { read, shown, wrong, type Parsed } from '../../grammar/config/parsed.ts';
import { parseSize } from '../../grammar/config/size.ts';
import { mechanisms, type Mechanism } from '../../grammar/sasl/mechanisms.ts';
import { readAccess } from './access-folder.ts';
import { readEnvironment, reviewEnvironment, type Environment, type Vocabulary } from '../environment.ts';
import { listenerTlsVariables, readListenerTls } from './listener-tls.ts';
import { lmtpVariables, readLmtpPlace } from './lmtp.ts';
import { readTrust, trustVariables } from './listener-trust.ts';
import type { Sheet } from '../sheet.ts';
import { idleTlsVariables, tlsVariables } from '../tls-identity.ts';
import type { Listener, ListenerName } from './types.ts';

export const listenerVocabulary: Vocabulary = {
  used: [
    'ADDRESS', 'PORT', 'SSLADDRESS', 'SSLPORT', 'ESMTPDSTART', 'ESMTPDSSLSTART', 'MAXDAEMONS', 'MAXPERIP', 'MAXPERC', 'TARPIT', 'AUTH_REQUIRED',
    'ESMTP_TLS_REQUIRED', 'ESMTPAUTH', 'ESMTPAUTH_TLS', 'AUTHRELAYCLIENT', 'ACCESSFILE', 'SIZELIMIT', 'NOADDMSGID', 'NOADDDATE', 'NOADDRREWRITE', 'MIME',
    'BLACKLISTS', 'DROP', 'ALLOW_EXCLUSIVE', 'GREYLIST', 'DMARC', 'ARCTRUST', 'TCPDOPTS', 'ESMTP_LOG_DIALOG', 'DEFDOMAIN', 'DOMAINSEP',
    ...accessVariables.filter((name) => name.startsWith('BOFH')), ...tlsVariables, ...listenerTlsVariables, ...trustVariables, ...lmtpVariables,
  ],
  idle: [
    'PIDFILE', 'SSLPIDFILE', 'SSLLOGGEROPTS', 'SSLLOGGERNAME', 'LOGGERNAME', 'MAILUSER', 'MAILGROUP',
    'ESMTPAUTH_WEBADMIN', 'ESMTPAUTH_TLS_WEBADMIN', 'ESMTP_CORK', 'DSNDEFAULTNOTIFYDELAY', ...idleTlsVariables.filter((name) => !(listenerTlsVariables as readonly string[]).includes(name)),
  ],
};

const STARTS = { 'esmtpd': 'ESMTPDSTART', 'esmtpd-msa': 'ESMTPDSTART', 'esmtpd-ssl': 'ESMTPDSSLSTART', 'lmtpd': 'LMTPDSTART' } as const;
const defaults = { maxConnections: 40, maxPerAddress: 5, maxPerBlock: 5 };
/** EXTERNAL is not named but found: it is offered to a client whose certificate says who it is. */
const mechanismNames: readonly Mechanism[] = mechanisms.filter(name => name !== 'EXTERNAL');

export function readListeners(sheet: Sheet, bofh: Bofh, sizeOctets: number | null): readonly Listener[] {
  const listeners: Listener[] = [];
  for (const name of ['esmtpd', 'esmtpd-msa', 'esmtpd-ssl', 'lmtpd'] as const) {
    if (!existsSync(sheet.path(name))) continue;
    const environment = readEnvironment(sheet, name === 'esmtpd' || name === 'lmtpd' ? [name] : ['esmtpd', name], listenerVocabulary);
    reviewEnvironment(sheet, name, listenerVocabulary);
    const starts = environment.flag(STARTS[name], true);
    sheet.setting(name, starts ? 'on' : 'off', name);
    const listener = readListener(sheet, name, environment, { bofh, sizeOctets, starts });
    if (starts) listeners.push(listener);
  }
  if (listeners.length === 0) sheet.notice(sheet.path('esmtpd'), 'nothing listens for mail: no esmtpd file, or ESMTPDSTART=NO in it');
  return listeners;
}

type OrdinaryName = Exclude<ListenerName, 'esmtpd-devices' | 'esmtpd-devices-ssl'>;

interface Surroundings {
  readonly bofh: Bofh;
  readonly sizeOctets: number | null;
  readonly starts: boolean;
}

function readListener(sheet: Sheet, name: OrdinaryName, environment: Environment, { bofh, sizeOctets, starts }: Surroundings): Listener {
  const ssl = name === 'esmtpd-ssl';
  const submission = name === 'esmtpd-msa';
  const tls = readListenerTls(sheet, environment);
  const identity = tls?.identity;
  const ownSize = environment.parsed('SIZELIMIT', sizeOctets ?? 0, (text) => parseSize(text, 'SIZELIMIT=10485760'));
  const plain = environment.parsed('ESMTPAUTH', [], parseMechanisms);
  const afterTls = environment.parsed('ESMTPAUTH_TLS', [], parseMechanisms);
  const options = readOptions(sheet, name, environment);
  const listener: Listener = {
    name,
    ...(name === 'lmtpd' ? readLmtpPlace(environment) : { endpoints: readEndpoints(environment, name) }),
    tls: ssl ? 'implicit' : 'starttls',
    ...(tls === undefined ? {} : { identity: tls.identity, tlsDetails: tls }),
    authRequired: environment.flag('AUTH_REQUIRED', false),
    tlsRequired: environment.flag('ESMTP_TLS_REQUIRED', false),
    mechanisms: { plain, tls: afterTls.length > 0 ? afterTls : plain },
    ...readLoginDomain(environment),
    logsDialogue: environment.flag('ESMTP_LOG_DIALOG', false),
    authRelayClient: environment.text('AUTHRELAYCLIENT', ''),
    maxConnections: options.limits.maxprocs ?? environment.number('MAXDAEMONS', defaults.maxConnections, 1, 65_536),
    maxPerAddress: options.limits.maxperip ?? environment.number('MAXPERIP', name === 'lmtpd' ? defaults.maxConnections : defaults.maxPerAddress, 1, 65_536),
    maxPerBlock: options.limits.maxperc ?? environment.number('MAXPERC', name === 'lmtpd' ? defaults.maxConnections : defaults.maxPerBlock, 1, 65_536),
    // A mail server of this machine passes others' mistakes on; making it wait makes all its mail wait.
    tarpit: environment.flag('TARPIT', name !== 'lmtpd'),
    expn: !environment.flag('BOFHNOEXPN', false),
    vrfy: !environment.flag('BOFHNOVRFY', false),
    addMessageId: !environment.flag('NOADDMSGID', !submission),
    addDate: !environment.flag('NOADDDATE', !submission),
    sizeOctets: ownSize === 0 ? null : ownSize,
    access: readAccess(sheet, environment, options),
    trust: readTrust(sheet, name, environment),
    options,
    variables: withOwnLists(connectionVariables(name, environment, bofh), name, environment, options),
  };
  if (starts && identity === undefined && (ssl || listener.tlsRequired)) {
    const why = ssl ? 'esmtpd-ssl speaks TLS' : 'ESMTP_TLS_REQUIRED=1 asks for TLS';
    const right = 'TLS_CERTFILE=esmtpd.pem, a file with certificate and key';
    sheet.problem(sheet.path(name), undefined, `${why}, and there is no usable certificate`, right);
  }
  if (listener.authRequired && plain.length + afterTls.length === 0) {
    environment.problem('AUTH_REQUIRED', 'AUTH_REQUIRED=1 asks for AUTH, and no mechanism is offered', 'ESMTPAUTH_TLS="PLAIN LOGIN"');
  }
  reviewMailRules(sheet, listener.variables, bofh, environment);
  tell(sheet, listener, environment);
  return listener;
}

/** DEFDOMAIN is written with its `@`, or without. */
function readLoginDomain(environment: Environment): Pick<Listener, 'loginDomain'> {
  const domain = environment.parsed('DEFDOMAIN', null, text => {
    const named = foldDomain(text.trim().replace(/^@/, ''));
    return named === '' ? read(null) : isDomain(named) && !named.startsWith('[') ? read(named) : wrong(`${shown(text)} is not a domain`, 'DEFDOMAIN=@example.com');
  });
  const separators = environment.text('DOMAINSEP', '');
  return domain === null && separators === '' ? {} : { loginDomain: { domain, separators } };
}

/** esmtpd's own PORT is no default of esmtpd-msa: two listeners on one port would never start. */
function readEndpoints(environment: Environment, name: Exclude<OrdinaryName, 'lmtpd'>): readonly ListenEndpoint[] {
  const ssl = name === 'esmtpd-ssl';
  const portName = ssl ? 'SSLPORT' : 'PORT';
  const standard = { esmtpd: '25', 'esmtpd-msa': '587', 'esmtpd-ssl': '465' }[name];
  const addressName = ssl ? 'SSLADDRESS' : 'ADDRESS';
  const address = environment.parsed(addressName, null, (text) => parseListenAddress(text, `${addressName}=127.0.0.1`));
  const fallback = [{ address, port: Number(standard) }];
  if (!ssl && environment.source(portName) !== name) return fallback;
  return environment.parsed(portName, fallback, (text) => parsePortList(text, address, `${portName}=${standard}`));
}

function readOptions(sheet: Sheet, name: ListenerName, environment: Environment): ListenerOptions {
  const options = environment.parsed('TCPDOPTS', noListenerOptions, parseListenerOptions);
  if (options.idle.length > 0 && environment.source('TCPDOPTS') === name) sheet.notice(sheet.path(name), `without effect here: ${options.idle.map(option => `-${option}`).join(', ')} of TCPDOPTS; docs/configuration.md says why`);
  return options;
}

const LISTS = ['BLACKLISTS', 'DROP', 'ALLOW_EXCLUSIVE', 'GREYLIST'];
/** What esmtpd and bofh ask of strangers, and such a listener only where its own file says so. */
const NOT_ASKED: Readonly<Partial<Record<ListenerName, ReadonlySet<string>>>> = {
  // Who submits mail calls from where lists know him only too well.
  'esmtpd-msa': new Set(LISTS),
  // The client is a server of ours, and what the world is like it knows.
  'lmtpd': new Set([...LISTS, 'DMARC', 'BOFHCHECKDNS', 'BOFHCHECKHELO', 'BOFHDSNREFUSED', 'BOFHSPFHELO', 'BOFHSPFMAILFROM', 'BOFHSPFFROM']),
};

/** bofh's opt lines are the weakest; the esmtpd file wins, and the access file over both, per connection. */
function connectionVariables(listener: ListenerName, environment: Environment, bofh: Bofh): ReadonlyMap<string, string> {
  const notAsked = NOT_ASKED[listener] ?? new Set();
  const variables = new Map([...bofh.variables].filter(([name]) => !notAsked.has(name)));
  if (listener === 'lmtpd') variables.set('BOFHCHECKDNS', '0');
  for (const name of accessVariables) {
    if (notAsked.has(name) && environment.source(name) !== listener) continue;
    const value = listenerVocabulary.used.includes(name) ? environment.get(name) : undefined;
    if (value !== undefined) variables.set(name, value);
  }
  // Whoever hands mail on by LMTP has judged the sender, when he could still be told.
  if (listener === 'lmtpd' && environment.get('BOFHCHECKDNS') === undefined) variables.set('BOFHCHECKDNS', '0');
  return variables;
}

/** Lists that are named among the listener's options stand behind those of BLACKLISTS, on the listener whose own options they are. */
function withOwnLists(variables: ReadonlyMap<string, string>, listener: ListenerName, environment: Environment, { lists }: ListenerOptions): ReadonlyMap<string, string> {
  if (lists.length === 0 || (NOT_ASKED[listener]?.has('BLACKLISTS') === true && environment.source('TCPDOPTS') !== listener)) return variables;
  return new Map(variables).set('BLACKLISTS', [variables.get('BLACKLISTS') ?? '', ...lists].join(' ').trim());
}

function reviewMailRules(sheet: Sheet, variables: ReadonlyMap<string, string>, bofh: Bofh, environment: Environment): void {
  const parsed = [parseMailRules(variables, false), parseCheckVariables(variables)];
  for (const { what, right } of parsed.flatMap(one => (one.kind === 'wrong' ? one.problems : []))) {
    const name = right.slice(0, right.indexOf('='));
    if (environment.source(name) !== undefined) environment.problem(name, what, right);
    else sheet.problem(sheet.path('bofh'), bofh.lines.get(name), what, `opt ${right}`);
  }
}

function parseMechanisms(text: string): Parsed<readonly Mechanism[]> {
  const found: Mechanism[] = [];
  for (const word of text.split(/[\s,]+/).filter((item) => item !== '')) {
    const mechanism = mechanismNames.find((name) => name === word.toUpperCase());
    if (mechanism === undefined) {
      return wrong(`unknown mechanism ${shown(word)}`, nearestName(word, mechanismNames) ?? mechanismNames.join(' '));
    }
    if (!found.includes(mechanism)) found.push(mechanism);
  }
  return read(found);
}

function verifyPeerOf({ tlsDetails }: Listener): string {
  if (tlsDetails?.clients === undefined) return 'NONE';
  return tlsDetails.clients.demand ? 'REQUIREPEER' : 'PEER';
}

function tell(sheet: Sheet, listener: Listener, environment: Environment): void {
  const { name } = listener;
  const rows: readonly (readonly [string, string])[] = [
    [name === 'esmtpd-ssl' ? 'SSLPORT' : 'PORT', [...listener.endpoints.map(({ address, port }) => `${address ?? '*'}.${port}`), ...(listener.socket === undefined ? [] : [listener.socket.path])].join(',')],
    ['MAXDAEMONS', String(listener.maxConnections)],
    ['MAXPERIP', String(listener.maxPerAddress)],
    ['MAXPERC', String(listener.maxPerBlock)],
    ['TARPIT', listener.tarpit ? '1' : '0'],
    ['AUTH_REQUIRED', listener.authRequired ? '1' : '0'],
    ['ESMTP_TLS_REQUIRED', listener.tlsRequired ? '1' : '0'],
    ['ESMTP_LOG_DIALOG', listener.logsDialogue === true ? '1' : '0'],
    ['DEFDOMAIN', listener.loginDomain?.domain ?? ''],
    ['DOMAINSEP', listener.loginDomain?.separators ?? ''],
    ['ESMTPAUTH', listener.mechanisms.plain.join(' ')],
    ['ESMTPAUTH_TLS', listener.mechanisms.tls.join(' ')],
    ['BOFHNOEXPN', listener.expn ? '0' : '1'],
    ['BOFHNOVRFY', listener.vrfy ? '0' : '1'],
    ['NOADDMSGID', listener.addMessageId ? '0' : '1'],
    ['NOADDDATE', listener.addDate ? '0' : '1'],
    ['TLS_CERTFILE', listener.identity?.certificateFile ?? ''],
    ['TLS_PROTOCOL', listener.identity === undefined ? '' : `${listener.identity.minVersion ?? 'TLSv1.2'} to ${listener.identity.maxVersion ?? 'TLSv1.3'}`],
    ['TLS_CIPHER_LIST', listener.identity?.ciphers ?? ''],
    ['TLS_CERTFILE of further names and addresses', [...(listener.tlsDetails?.names.keys() ?? []), ...(listener.tlsDetails?.addresses.keys() ?? [])].join(' ')],
    ['TLS_VERIFYPEER', verifyPeerOf(listener)],
    ['TLS_EXTERNAL', listener.tlsDetails?.clients?.subjectField ?? ''],
  ];
  const relaying = listener.access.filter(({ decision }) => decision.kind === 'allow' && decision.variables.has('RELAYCLIENT'));
  const networks = relaying.map(({ network, place }) => (place === undefined ? formatAccessNetwork(network) : `whoever calls ${formatPlace(place)}`)).join(', ');
  sheet.setting(`${name}: who may relay`, networks || 'nobody without AUTH', environment.source('ACCESSFILE') ?? 'smtpaccess');
  for (const [variable, value] of rows) sheet.setting(`${name}: ${variable}`, value, environment.source(variable));
}
