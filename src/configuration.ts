/**
 * Reads a configuration folder: Courier's plain text control files, and ours in the same style (docs/configuration.md).
 * Everything is validated here, once, into immutable values; a reload reads anew and keeps the old on any problem.
 * The text files are the truth: nothing compiled is ever read. Never throws for what a file says.
 */
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { parseBofh, noBofh, type Bofh } from './grammar/config/ways-in/bofh.ts';
import { parseWholeNumber, splitLines } from './grammar/config/control-file.ts';
import { formatEndpoint, parseEndpoint, type Endpoint } from './grammar/config/endpoint.ts';
import { formatLogTarget, parseLogTargets, usualLog, type LogTarget } from './grammar/config/log-targets.ts';
import { parseIpAddress } from './grammar/config/network.ts';
import { read, shown, wrong } from './grammar/config/parsed.ts';
import { readClient } from './configuration/ways-out/client.ts';
import { readAddresses } from './configuration/addresses.ts';
import { readDeviceListeners, readDevices } from './configuration/ways-in/devices.ts';
import { readArcSeal, readDkim } from './configuration/ways-out/dkim.ts';
import { readBans, readGreylist } from './configuration/ways-in/defences.ts';
import { readDomains } from './configuration/domains.ts';
import { readEvents } from './configuration/events.ts';
import { reviewFolder } from './configuration/folder-review.ts';
import { readFax } from './configuration/ways-out/fax.ts';
import { readFaxModems } from './configuration/ways-out/fax-modems.ts';
import { readAuthTokens } from './configuration/ways-in/auth-tokens.ts';
import { readListeners } from './configuration/ways-in/listeners.ts';
import { readFilters } from './configuration/filters.ts';
import { readLocal } from './configuration/ways-out/local.ts';
import { readModuleLimits } from './configuration/ways-out/modules.ts';
import { readLinks } from './configuration/ways-out/links.ts';
import { readNameServers } from './configuration/name-servers.ts';
import { readPipes } from './configuration/ways-out/pipes.ts';
import { readReportTexts } from './configuration/report-texts.ts';
import { readUucp } from './configuration/ways-out/uucp.ts';
import { readUserdb } from './configuration/ways-in/userdb.ts';
import { readSocksBinds } from './configuration/ways-in/socks-binds.ts';
import { readWeb } from './configuration/web.ts';
import { openRelayFlag, openRelayRule } from './configuration/open-relay.ts';
import { createSheet, type Sheet, type ValueRule } from './configuration/sheet.ts';
import { readHosts } from './configuration/virtual-hosts.ts';
import { domainRule, durationRule, numberRule, sizeRule, textRule } from './configuration/values.ts';
import type { Configuration, ConfigurationProblem, Essentials, Limits, Names, QueueSettings } from './configuration/types.ts';

export type * from './configuration/types.ts';
export type * from './configuration/ways-in/types.ts';
export type * from './configuration/ways-out/types.ts';
export { knownFiles, knownPatterns } from './configuration/known-files.ts';
export { writeDefaultConfiguration, type DefaultProfile, type Written } from './configuration/default-folder.ts';

export type ReadConfiguration =
  | { readonly kind: 'read'; readonly configuration: Configuration }
  | { readonly kind: 'wrong'; readonly problems: readonly ConfigurationProblem[] };

/** `hostName`: what this machine is called, when a test must say so. */
export function readConfiguration(folder: string, hostName: string = hostname()): ReadConfiguration {
  const absolute = resolve(folder);
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return { kind: 'wrong', problems: [{ file: absolute, what: 'no such folder', right: `posthorn init ${absolute}` }] };
  }
  const flag = createSheet(absolute);
  const openRelay = flag.value(openRelayFlag.name, false, openRelayRule);
  const sheet = createSheet(absolute, openRelay);
  sheet.problems.push(...flag.problems);
  if (openRelay) sheet.notice(sheet.path(openRelayFlag.name), 'this relay may be open to everyone, as this file says');
  try {
    reviewFolder(sheet);
  } catch (error) {
    sheet.problem(absolute, undefined, `cannot be listed (${error instanceof Error ? error.message : 'unknown error'})`, 'a folder that this account may read');
  }
  const configuration = { ...assemble(sheet, hostName.toLowerCase()), hosts: assembleHosts(sheet, hostName.toLowerCase()) };
  sheet.settings.push(...flag.settings);
  if (sheet.problems.length > 0) return { kind: 'wrong', problems: unrepeated(sheet.problems) };
  // What virtual hosts and the folder itself noticed came later than the list was made.
  return { kind: 'read', configuration: { ...configuration, notices: unrepeated(sheet.notices) } };
}

/**
 * What sendmail(1) needs, for callers who may not read the rest: passwords stand in other files. Only what these few
 * files say is checked.
 */
export function readEssentials(folder: string, hostName: string = hostname()): { readonly kind: 'read'; readonly essentials: Essentials } | { readonly kind: 'wrong'; readonly problems: readonly ConfigurationProblem[] } {
  const sheet = createSheet(resolve(folder));
  if (statSync(sheet.folder, { throwIfNoEntry: false })?.isDirectory() !== true) return { kind: 'wrong', problems: [{ file: sheet.folder, what: 'no such folder', right: `posthorn init ${sheet.folder}` }] };
  const names = readNames(sheet, hostName.toLowerCase());
  const essentials = { names, stateFolder: readStateFolder(sheet), sizeOctets: readLimits(sheet).sizeOctets };
  return sheet.problems.length > 0 ? { kind: 'wrong', problems: unrepeated(sheet.problems) } : { kind: 'read', essentials };
}

/** `FILE:LINE: what is wrong; right would be: EXAMPLE`. */
export function formatProblem({ file, line, what, right }: ConfigurationProblem): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${what}; right would be: ${right}`;
}

/** Each read whole, so that whatever a message asks of its host has an answer; what is wrong in common files is said once. */
function assembleHosts(sheet: Sheet, hostName: string): ReadonlyMap<string, Configuration> {
  const hosts = new Map<string, Configuration>();
  for (const [key, suffix] of readHosts(sheet)) {
    const own = createSheet(sheet.folder, sheet.openRelay, suffix);
    hosts.set(key, assemble(own, hostName));
    for (const problem of own.problems) sheet.problems.push(problem);
    for (const notice of own.notices) sheet.notices.push(notice);
    for (const { name, value, source } of own.settings) sheet.settings.push({ name, value, source });
  }
  return hosts;
}

const noHosts: ReadonlyMap<string, Configuration> = new Map();

function assemble(sheet: Sheet, hostName: string): Configuration {
  const names = readNames(sheet, hostName);
  const domains = readDomains(sheet, names.me, hostName);
  const limits = readLimits(sheet);
  const bofh = readBofh(sheet);
  const devices = readDevices(sheet);
  const listeners = [...readListeners(sheet, bofh, limits.sizeOctets), ...readDeviceListeners(sheet, devices, limits.sizeOctets)];
  const { client, toAuthAddress, delaysByDefault, archiveFolder } = readClient(sheet);
  const authTokens = readAuthTokens(sheet, listeners, client.proxies);
  const http = sheet.value('httpaddress', { host: '127.0.0.1', port: 2580 }, httpRule);
  const from = sheet.value('dsnfrom', undefined, { ...optionalText, example: '"Mail system" <postmaster@example.com>' });
  const stateFolder = readStateFolder(sheet);
  return {
    folder: sheet.folder,
    stateFolder,
    names,
    domains,
    addresses: readAddresses(sheet),
    listeners,
    ...(authTokens === undefined ? {} : { authTokens }),
    devices,
    outsideListeners: readSocksBinds(sheet, client.proxies, listeners),
    bofh,
    bans: readBans(sheet),
    greylist: readGreylist(sheet),
    limits: { ...limits, headerOctets: headerLimit(sheet, bofh) },
    queue: readQueue(sheet, client.maxDeliveries),
    reports: { ...(from === undefined ? {} : { from }), limitOctets: sheet.value('dsnlimit', 32_768, sizeRule('32768')), toAuthAddress, delaysByDefault, texts: readReportTexts(sheet) },
    client,
    archiveFolder,
    dkim: readDkim(sheet),
    arcSeal: readArcSeal(sheet),
    uucp: readUucp(sheet, names, domains),
    pipes: readPipes(sheet),
    links: readLinks(sheet),
    fax: readFax(sheet),
    pickup: sheet.value('pickup', 'everyone', pickupRule),
    local: readLocal(sheet),
    modules: { local: readModuleLimits(sheet, 'module.local', { deliveries: 10, perNexthop: 4, recipients: 100 }) },
    faxModems: readFaxModems(sheet, names),
    filters: readFilters(sheet, stateFolder),
    receiveProcesses: sheet.value('receiveprocesses', 1, numberRule(1, MOST_RECEIVERS, '2')),
    http,
    log: readLog(sheet),
    web: readWeb(sheet, http),
    events: readEvents(sheet, client.proxies),
    dnsServers: readNameServers(sheet, client.proxies, client.tls),
    userdb: readUserdb(sheet),
    hosts: noHosts,
    settings: sheet.settings,
    notices: unrepeated(sheet.notices),
  };
}

/** RFC 5321 §4.5.3.1.5: 512 octets a reply line, with code and CRLF. */
const longestGreeting = 500;

function readNames(sheet: Sheet, hostName: string): Names {
  const me = sheet.value('me', hostName, domainRule(hostName));
  if (!me.includes('.')) sheet.notice(sheet.path('me'), `${me} is not a full domain name; other servers will refuse mail from it`);
  const helo = sheet.value('esmtphelo', me, { ...domainRule(hostName), parse: (text) => (text === '*' ? read(text) : domainRule(hostName).parse(text)) });
  const greeting = sheet.text('esmtpgreeting');
  const lines = greeting === undefined ? [] : splitLines(greeting.trimEnd());
  if (lines.some((line) => line.length > longestGreeting || /\p{Cc}/u.test(line))) {
    sheet.problem(sheet.path('esmtpgreeting'), undefined, `a line over ${longestGreeting} characters, or with control characters`, `${me} ESMTP`);
  }
  sheet.setting('esmtpgreeting', lines.length === 0 ? `${me} ESMTP` : lines.join(' / '), greeting === undefined ? undefined : 'esmtpgreeting');
  return {
    me,
    defaultDomain: sheet.value('defaultdomain', me, domainRule(hostName, 'example.com')),
    messageIdHost: sheet.value('msgidhost', me, domainRule(hostName)),
    helo: helo === '*' ? { kind: 'reverse' } : { kind: 'name', name: helo },
    ...(greeting === undefined || greeting.trim() === '' ? {} : { greeting: lines }),
  };
}

function readStateFolder(sheet: Sheet): string {
  return resolve(sheet.folder, sheet.value('statedir', '/var/lib/posthorn', { ...textRule, example: '/var/lib/posthorn' }));
}

function readLimits(sheet: Sheet): Omit<Limits, 'headerOctets'> {
  const size = sheet.value('sizelimit', 10_485_760, sizeRule('10485760'));
  return { sizeOctets: size === 0 ? null : size, freeSpaceOctets: sheet.value('freespace', 128 * 1024 * 1024, sizeRule('128M')) };
}

function readBofh(sheet: Sheet): Bofh {
  const bofh = sheet.list('bofh', parseBofh);
  const path = sheet.path('bofh');
  const line = bofh?.lines.get('RELAYCLIENT');
  if (line !== undefined) sheet.problem(path, line, 'RELAYCLIENT here would make an open relay', 'RELAYCLIENT in smtpaccess/, for the networks that may relay');
  const { count, hard } = (bofh ?? noBofh).maxRecipients;
  sheet.setting('bofh: maxrcpts', `${count}${hard ? ' hard' : ''}`, bofh === undefined ? undefined : 'bofh');
  sheet.setting('bofh: badfrom', String((bofh ?? noBofh).badFrom.length), bofh === undefined ? undefined : 'bofh');
  return bofh ?? noBofh;
}

function headerLimit(sheet: Sheet, bofh: Bofh): number {
  const text = bofh.variables.get('BOFHHEADERLIMIT');
  const parsed = text === undefined ? read(100_000) : parseWholeNumber(text, 1000, 100_000_000, 'opt BOFHHEADERLIMIT=100000');
  if (parsed.kind === 'wrong') sheet.problem(sheet.path('bofh'), bofh.lines.get('BOFHHEADERLIMIT'), parsed.problems[0]!.what, parsed.problems[0]!.right);
  return parsed.kind === 'read' ? parsed.value : 100_000;
}

/** Deliveries at once of the modules beside esmtp, as shipped: the queue's window has room for all. */
const otherDeliveries = 10 + 4 + 4 + 1;

function readQueue(sheet: Sheet, maxDeliveries: number): QueueSettings {
  const low = sheet.value('queuelo', Math.max(200, maxDeliveries + otherDeliveries), numberRule(20, 10_000_000, '200'));
  const high = sheet.value('queuehi', Math.max(1000, low < 500 ? 2 * low : low + 1000), numberRule(20, 10_000_000, '400'));
  return {
    queueTimeMs: sheet.value('queuetime', 604_800_000, durationRule('1w', 1000)),
    faxQueueTimeMs: sheet.value('faxqueuetime', 28_800_000, durationRule('8h', 1000)),
    warnTimeMs: sheet.value('warntime', 14_400_000, durationRule('4h')),
    retry: {
      alphaMs: sheet.value('retryalpha', 300_000, durationRule('5m', 1000)),
      beta: sheet.value('retrybeta', 3, numberRule(1, 1000, '3')),
      gammaMs: sheet.value('retrygamma', 900_000, durationRule('15m', 1000)),
      maxDelta: sheet.value('retrymaxdelta', 3, numberRule(0, 16, '3')),
    },
    submitDelayMs: sheet.value('submitdelay', 0, durationRule('0')),
    low,
    high: Math.max(low, high),
    fillMs: sheet.value('queuefill', 300_000, durationRule('5m')),
    batchSize: sheet.value('batchsize', 100, numberRule(1, 100_000, '100')),
  };
}

/** A process per core is as many as can help. */
const MOST_RECEIVERS = 64;

const optionalText: Omit<ValueRule<string | undefined>, 'example'> = { show: (value) => value ?? '', parse: read };

const pickupRule: ValueRule<'everyone' | 'owner'> = {
  example: 'everyone',
  show: String,
  parse: (text) => (text === 'everyone' || text === 'owner' ? read(text) : wrong(`${shown(text)} is neither everyone nor owner`, 'everyone')),
};

const httpRule: ValueRule<Endpoint | null> = {
  example: '127.0.0.1:2580',
  show: (value) => (value === null ? 'off' : formatEndpoint(value)),
  parse: (text) => {
    if (text === 'off') return read(null);
    const parsed = parseEndpoint(text, null, '127.0.0.1:2580, or off');
    return parsed.kind === 'read' && parseIpAddress(parsed.value.host) === null && parsed.value.host !== 'localhost'
      ? wrong(`${shown(parsed.value.host)} is not an address of this machine`, '127.0.0.1:2580')
      : parsed;
  },
};

function readLog(sheet: Sheet): readonly LogTarget[] {
  const given = sheet.list('log', parseLogTargets);
  const targets = given ?? usualLog;
  sheet.setting('log', targets.map(formatLogTarget).join('; '), given === undefined ? undefined : 'log');
  return targets;
}

/** A file that two listeners read is complained about once. */
function unrepeated<T extends { readonly file: string; readonly what: string; readonly line?: number }>(found: readonly T[]): readonly T[] {
  return [...new Map(found.map((one) => [`${one.file}:${one.line ?? ''}:${one.what}`, one])).values()];
}
