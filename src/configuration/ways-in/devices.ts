/** Old devices, and the listener that is theirs alone: `devices` and `esmtpd-devices`. */
import { existsSync } from 'node:fs';
import { parseDevices, type DeviceRule } from '../../grammar/config/ways-in/devices.ts';
import { parseListenAddress, parsePortList, type ListenEndpoint } from '../../grammar/config/endpoint.ts';
import { formatNetwork } from '../../grammar/config/network.ts';
import { formatSize, parseSize } from '../../grammar/config/size.ts';
import { tlsVersions } from '../../grammar/config/tls-version.ts';
import { readEnvironment, reviewEnvironment, type Environment, type Vocabulary } from '../environment.ts';
import type { Sheet } from '../sheet.ts';
import { readIdentity, tlsVariables } from '../tls-identity.ts';
import type { Listener, TlsIdentity } from './types.ts';

const FILE = 'esmtpd-devices';
/** TLS_PROTOCOL and TLS_CIPHER_LIST are no word of this file: each device has its own. */
const vocabulary: Vocabulary = {
  used: ['ADDRESS', 'PORT', 'SSLPORT', 'ESMTPDSTART', 'MAXDAEMONS', 'MAXPERIP', 'MAXPERC', 'SIZELIMIT', 'ESMTP_LOG_DIALOG', ...tlsVariables],
  idle: [],
};
const STANDARD_PORT = '2525';
const defaults = { maxConnections: 100, maxPerAddress: 10, maxPerBlock: 100 };
/** TLS 1.0 signs with SHA-1, which OpenSSL allows at its lowest level only. */
const OLD_CIPHERS = 'ALL:!aNULL:!eNULL:!EXPORT:@SECLEVEL=0';

export function readDevices(sheet: Sheet): readonly DeviceRule[] {
  const rules = sheet.list('devices', parseDevices) ?? [];
  for (const rule of rules) sheet.setting(`devices: ${rule.name}`, wordsOf(rule), 'devices');
  if (rules.length > 0 && !existsSync(sheet.path(FILE))) sheet.notice(sheet.path('devices'), `no device is served: there is no file ${FILE}, which would hold PORT=${STANDARD_PORT}`);
  return rules;
}

export function readDeviceListeners(sheet: Sheet, rules: readonly DeviceRule[], sizeOctets: number | null): readonly Listener[] {
  if (!existsSync(sheet.path(FILE))) return [];
  const environment = readEnvironment(sheet, [FILE], vocabulary);
  reviewEnvironment(sheet, FILE, vocabulary);
  for (const name of ['TLS_PROTOCOL', 'TLS_CIPHER_LIST', 'TLS_CIPHER_SUITES', 'TLS_PRIORITY']) if (environment.get(name) !== undefined) environment.problem(name, `${name}: how old its TLS may be is said for each device`, 'tls=1.0 in the file devices');
  const starts = environment.flag('ESMTPDSTART', true);
  sheet.setting(FILE, starts ? 'on' : 'off', FILE);
  if (!starts) return [];
  if (rules.length === 0) sheet.notice(sheet.path(FILE), 'nobody is let in: the file devices names no device');
  const identity = identityOf(sheet, environment, rules);
  const address = environment.parsed('ADDRESS', null, (text) => parseListenAddress(text, 'ADDRESS=192.168.1.2'));
  const plain = environment.parsed('PORT', [{ address, port: Number(STANDARD_PORT) }], (text) => parsePortList(text, address, `PORT=${STANDARD_PORT}`));
  const implicit = environment.parsed('SSLPORT', [], (text) => parsePortList(text, address, 'SSLPORT=4650'));
  const ownSize = environment.parsed('SIZELIMIT', sizeOctets ?? 0, (text) => parseSize(text, 'SIZELIMIT=25M'));
  const listener: Omit<Listener, 'name' | 'endpoints' | 'tls'> = {
    ...tlsDetailsOf(identity),
    authRequired: false, tlsRequired: false, mechanisms: { plain: [], tls: [] }, authRelayClient: '',
    maxConnections: environment.number('MAXDAEMONS', defaults.maxConnections, 1, 65_536),
    maxPerAddress: environment.number('MAXPERIP', defaults.maxPerAddress, 1, 65_536),
    maxPerBlock: environment.number('MAXPERC', defaults.maxPerBlock, 1, 65_536),
    logsDialogue: environment.flag('ESMTP_LOG_DIALOG', false), tarpit: false, expn: false, vrfy: false, addMessageId: true, addDate: true,
    sizeOctets: ownSize === 0 ? null : ownSize,
    access: [], trust: { proxy: [], xclient: [], xforward: [] }, variables: new Map(),
  };
  for (const name of ['PORT', 'SSLPORT'] as const) sheet.setting(`${FILE}: ${name}`, formatEndpoints(name === 'PORT' ? plain : implicit), environment.source(name));
  sheet.setting(`${FILE}: SIZELIMIT`, ownSize === 0 ? 'none' : formatSize(ownSize), environment.source('SIZELIMIT'));
  if (implicit.length > 0 && identity === undefined) environment.problem('SSLPORT', 'SSLPORT speaks TLS, and there is no usable certificate', 'TLS_CERTFILE=esmtpd.pem, a file with certificate and key');
  return [
    { ...listener, name: 'esmtpd-devices', endpoints: plain, tls: 'starttls' },
    ...(implicit.length === 0 || identity === undefined ? [] : [{ ...listener, name: 'esmtpd-devices-ssl' as const, endpoints: implicit, tls: 'implicit' as const }]),
  ];
}

function tlsDetailsOf(identity: TlsIdentity | undefined): Pick<Listener, 'identity' | 'tlsDetails'> {
  return identity === undefined ? {} : { identity, tlsDetails: { identity, names: new Map(), addresses: new Map() } };
}

/** As old as the oldest that any device may speak. */
function identityOf(sheet: Sheet, environment: Environment, rules: readonly DeviceRule[]): TlsIdentity | undefined {
  const identity = readIdentity(sheet, environment);
  if (identity === undefined) return undefined;
  const oldest = tlsVersions.find((version) => rules.some(({ oldestTls }) => oldestTls === version)) ?? 'TLSv1.2';
  const { certificate, certificateFile, key, keyFile, dhparam } = identity;
  return { certificate, certificateFile, key, keyFile, ...(dhparam === undefined ? {} : { dhparam }), minVersion: oldest, ...(oldest === 'TLSv1' || oldest === 'TLSv1.1' ? { ciphers: OLD_CIPHERS } : {}) };
}

function formatEndpoints(endpoints: readonly ListenEndpoint[]): string {
  return endpoints.map(({ address, port }) => `${address ?? '*'}.${port}`).join(',') || 'none';
}

function wordsOf({ networks, helo, oldestTls, plain, sender, limits }: DeviceRule): string {
  const tls = oldestTls === null ? 'no TLS' : `TLS from ${oldestTls.slice(4).padEnd(2, '.0')}${plain ? ', or none' : ''}`;
  const parts = [networks.map(formatNetwork).join(' '), helo.length === 0 ? '' : `as ${helo.join(' ')}`, tls];
  if (sender !== undefined) parts.push(`from ${sender.kind === 'address' ? sender.address : `*@${sender.domain}`}`);
  if (limits.hour > 0) parts.push(`${limits.hour}/h`);
  if (limits.day > 0) parts.push(`${limits.day}/d`);
  return parts.filter((part) => part !== '').join(', ');
}
