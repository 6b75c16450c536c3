/**
 * `devices`: printers, scanners, UPSes and cameras that can neither log in nor speak today's TLS. `NAME ADDRESS[,ADDRESS…]
 * [OPTION=VALUE …]`; a line that begins with a blank goes on with the one before.
 */
import type { Address } from '../../../core/envelope.ts';
import { parseAddress } from '../../address.ts';
import { parseDomain } from '../../domain.ts';
import { splitLines } from '../control-file.ts';
import { nearestName } from '../nearest-name.ts';
import { formatNetwork, networkHas, parseNetwork, type Network } from '../network.ts';
import { noting, read, settle, shown, wrong, type Parsed, type Problem } from '../parsed.ts';
import { parseSize } from '../size.ts';
import { tlsVersions, type TlsVersion } from '../tls-version.ts';

export interface DeviceRule {
  readonly line: number;
  readonly name: string;
  /** Never empty. */
  readonly networks: readonly Network[];
  /** In lower case; empty: whatever it calls itself. Tells devices behind one address apart. */
  readonly helo: readonly string[];
  /** Oldest it may speak; null: STARTTLS is not shown to it. */
  readonly oldestTls: TlsVersion | null;
  readonly plain: boolean;
  /** What it may write as its sender; empty: anything. */
  readonly senders: readonly AddressRule[];
  /** Where its mail may go, after `rename`; empty: anywhere. */
  readonly recipients: readonly AddressRule[];
  /** What its sender becomes. */
  readonly sender?: AddressRule;
  /** The From field too. */
  readonly fromField: boolean;
  readonly rename: readonly Renaming[];
  readonly limits: DeviceLimits;
  /** Absent: as the listener has it. */
  readonly sizeOctets?: number;
  /** A line may end with LF alone, in commands and in mail. */
  readonly bareLf: boolean;
  /** Of its octets above 127 where they are no UTF-8. */
  readonly charset: string;
  /** Words of EHLO's answer that it stumbles over. */
  readonly hidden: readonly string[];
}

/** An address, or every address of a domain. */
export type AddressRule = { readonly kind: 'address'; readonly address: Address } | { readonly kind: 'domain'; readonly domain: string };

export interface Renaming {
  /** As the device writes it, in lower case, with or without a domain; null: whatever it writes. */
  readonly from: string | null;
  readonly to: Address;
}

/** Messages; 0: any number. */
export interface DeviceLimits {
  readonly hour: number;
  readonly day: number;
}

const EXAMPLE = 'office-scanner 192.168.1.40 tls=1.0 sender=office-scanner@example.com limit=60/h';
const MOST_DEVICES = 10_000;

interface Word {
  readonly line: number;
  readonly text: string;
}

export function parseDevices(text: string): Parsed<readonly DeviceRule[]> {
  const problems: Problem[] = [];
  const rules: DeviceRule[] = [];
  for (const words of entriesOf(text, problems)) {
    const rule = parseDevice(words, problems);
    const twin = rules.find(({ name }) => name === rule.name);
    if (twin !== undefined) problems.push({ line: rule.line, what: `a second device ${shown(rule.name)}, the first is in line ${twin.line}`, right: 'another name' });
    rules.push(rule);
  }
  if (rules.length > MOST_DEVICES) problems.push({ line: 1, what: `more than ${MOST_DEVICES} devices`, right: 'a network instead of each address' });
  else findTwins(rules, problems);
  return settle(rules, problems);
}

/** The words of each device, from however many lines. */
function entriesOf(text: string, problems: Problem[]): readonly (readonly Word[])[] {
  const entries: Word[][] = [];
  for (const [index, whole] of splitLines(text).entries()) {
    const line = index + 1;
    const words = whole.trim().split(/\s+/).map((word) => ({ line, text: word }));
    if (words[0]?.text === '' || words[0]?.text.startsWith('#') === true) continue;
    const last = entries.at(-1);
    if (!/^\s/.test(whole)) entries.push(words);
    else if (last === undefined) problems.push({ line, what: 'this line goes on with another, and there is none before it', right: EXAMPLE });
    else last.push(...words);
  }
  return entries;
}

type Draft = { -readonly [Key in keyof DeviceRule]: DeviceRule[Key] };

function parseDevice([first, second, ...more]: readonly Word[], problems: Problem[]): DeviceRule {
  const { line, text: name } = first ?? { line: 1, text: '' };
  const addresses = second?.text ?? '';
  const complain = (at: number, what: string, right = EXAMPLE): void => void problems.push({ line: at, what, right });
  const say = (what: string, right = EXAMPLE): void => complain(line, what, right);
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) say(`${shown(name)} cannot be the name of a device: letters, digits, - _ and .`);
  const rule: Draft = {
    line, name, networks: [], helo: [], oldestTls: 'TLSv1.2', plain: true, senders: [], recipients: [], fromField: false, rename: [],
    limits: { hour: 0, day: 0 }, bareLf: false, charset: 'windows-1252', hidden: [],
  };
  if (addresses === '' || addresses.includes('=')) say(`device ${shown(name)} has no address`);
  else rule.networks = addresses.split(',').map((word) => noting(parseDeviceNetwork(word), second?.line ?? line, problems)).filter((one) => one !== undefined);
  const seen = new Set<string>();
  for (const { line: at, text: option } of second !== undefined && addresses.includes('=') ? [second, ...more] : more) {
    const [, key = '', value = ''] = /^([a-z-]+)=(.*)$/.exec(option) ?? [];
    const apply = Object.hasOwn(OPTIONS, key) ? OPTIONS[key] : undefined;
    if (key === '') complain(at, `${shown(option)} is not OPTION=VALUE`);
    else if (apply === undefined) complain(at, `there is no option ${shown(key)}`, nearestName(key, Object.keys(OPTIONS)) ?? Object.keys(OPTIONS).join(', '));
    else if (seen.has(key)) complain(at, `${key}= is said twice for device ${shown(name)}`, `${key}= once, with commas`);
    else {
      const change = noting(apply(value), at, problems);
      if (change !== undefined) Object.assign(rule, change);
    }
    seen.add(key);
  }
  if (rule.oldestTls === null && !rule.plain) say(`device ${shown(name)} may speak neither with TLS nor without`, 'tls=1.0 plain=no');
  if (rule.fromField && rule.sender === undefined) say('from=yes puts the sender into From, and no sender= says which', 'sender=office-scanner@example.com from=yes');
  return rule;
}

type Option = (value: string) => Parsed<Partial<DeviceRule>>;

const OPTIONS: Readonly<Record<string, Option>> = {
  helo: (value) => each(value, parseWord, 'helo=SCANNER01', (names) => ({ helo: names.map((name) => name.toLowerCase()) })),
  tls(value) {
    if (value === 'none') return read({ oldestTls: null });
    const version = tlsVersions.find((one) => one === (value === '1.0' ? 'TLSv1' : `TLSv${value}`));
    return version === undefined ? wrong(`${shown(value)} is not none, 1.0, 1.1, 1.2 or 1.3`, 'tls=1.0') : read({ oldestTls: version });
  },
  plain: (value) => chosen(value, 'plain', (plain) => ({ plain })),
  senders: (value) => each(value, parseAddressRule, 'senders=scanner@local', (senders) => ({ senders })),
  recipients: (value) => each(value, parseAddressRule, 'recipients=@example.com,boss@example.net', (recipients) => ({ recipients })),
  sender(value) {
    const whole = value.startsWith('*@');
    const rule = parseAddressRule(whole ? value.slice(1) : value);
    if (rule.kind === 'read' && (rule.value.kind === 'domain') === whole) return read({ sender: rule.value });
    return wrong(`${shown(value)} is neither an address nor *@DOMAIN`, 'sender=office-scanner@example.com, or sender=*@example.com');
  },
  from: (value) => chosen(value, 'from', (fromField) => ({ fromField })),
  rename: (value) => each(value, parseRenaming, 'rename=scan:jane@example.com', (rename) => ({ rename })),
  limit(value) {
    const limits = { hour: 0, day: 0 };
    for (const word of value.split(',')) {
      const [, count = '', unit = ''] = /^(\d{1,7})\/([hd])$/.exec(word) ?? [];
      const key = unit === 'h' ? 'hour' : 'day';
      if (Number(count) < 1 || limits[key] !== 0) return wrong(`${shown(value)} is not a number of messages an hour or a day`, 'limit=60/h,500/d');
      limits[key] = Number(count);
    }
    return read({ limits });
  },
  size(value) {
    const size = parseSize(value, 'size=25M');
    if (size.kind === 'wrong') return size;
    return size.value < 1024 ? wrong(`${shown(value)} has no room for a message`, 'size=25M') : read({ sizeOctets: size.value });
  },
  'bare-lf': (value) => chosen(value, 'bare-lf', (bareLf) => ({ bareLf })),
  charset(value) {
    try {
      return read({ charset: new TextDecoder(value).encoding });
    } catch {
      return wrong(`${shown(value)} is no charset`, 'charset=windows-1252');
    }
  },
  hide: (value) => each(value, parseWord, 'hide=PIPELINING,8BITMIME', (hidden) => ({ hidden: hidden.map((word) => word.toUpperCase()) })),
};

function chosen(value: string, key: string, change: (yes: boolean) => Partial<DeviceRule>): Parsed<Partial<DeviceRule>> {
  return value === 'yes' || value === 'no' ? read(change(value === 'yes')) : wrong(`${shown(value)} is neither yes nor no`, `${key}=yes`);
}

function parseWord(word: string): Parsed<string> {
  return /^[!-~]{1,255}$/.test(word) ? read(word) : wrong(`${shown(word)} is no word`, 'SCANNER01');
}

function each<T>(value: string, parse: (word: string) => Parsed<T>, right: string, change: (list: readonly T[]) => Partial<DeviceRule>): Parsed<Partial<DeviceRule>> {
  const list: T[] = [];
  for (const word of value.split(',')) {
    const parsed = parse(word);
    if (parsed.kind === 'wrong') return wrong(parsed.problems[0]?.what ?? `${shown(word)} is wrong`, right);
    list.push(parsed.value);
  }
  return read(change(list));
}

/** `user@domain`, `@domain` or `domain`. */
function parseAddressRule(word: string): Parsed<AddressRule> {
  const at = word.lastIndexOf('@');
  const domain = at <= 0 ? parseDomain(word.slice(at + 1)) : null;
  if (domain !== null) return read({ kind: 'domain', domain });
  const address = at <= 0 ? null : parseAddress(word);
  return address === null ? wrong(`${shown(word)} is neither an address nor a domain`, 'jane@example.com or @example.com') : read({ kind: 'address', address });
}

function parseRenaming(word: string): Parsed<Renaming> {
  const colon = word.indexOf(':');
  const from = word.slice(0, Math.max(0, colon));
  const to = colon < 0 || !word.slice(colon + 1).includes('@') ? null : parseAddress(word.slice(colon + 1));
  if (to === null || from === '' || (from !== '*' && parseAddress(from) === null)) return wrong(`${shown(word)} is not OLD:NEW@DOMAIN`, 'rename=scan:jane@example.com');
  return read({ from: from === '*' ? null : from.toLowerCase(), to });
}

/** Not on the Internet, so wide is harmless (RFC 6890 §2.2.2, RFC 4193, RFC 4291 §2.5.6). */
const PRIVATE = ['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '100.64.0.0/10', '::1/128', 'fc00::/7', 'fe80::/10'];
/** The least of the Internet that is somebody's own: what is wider lets neighbours in, or the world. */
const NARROW = { 4: 24, 6: 48 } as const;

function parseDeviceNetwork(word: string): Parsed<Network> {
  const parsed = parseNetwork(word);
  if (parsed.kind === 'wrong') return wrong(`${shown(word)} is neither an address nor a network`, '192.168.1.40 or 192.168.1.0/24');
  const network = parsed.value;
  const isPrivate = PRIVATE.some((text) => {
    const wide = parseNetwork(text);
    return wide.kind === 'read' && wide.value.bits <= network.bits && networkHas(wide.value, network);
  });
  if (isPrivate || network.bits >= NARROW[network.family]) return parsed;
  const who = network.bits === 0 ? 'the whole world' : 'strangers on the Internet';
  return wrong(`${shown(word)} would let ${who} send without a login`, `192.168.1.0/24, or on the Internet nothing wider than /${NARROW[network.family]}`);
}

/** Two devices that nothing tells apart: whose mail would it be? */
function findTwins(rules: readonly DeviceRule[], problems: Problem[]): void {
  const owners = new Map<string, DeviceRule>();
  for (const rule of rules) {
    for (const network of rule.networks) {
      for (const helo of rule.helo.length === 0 ? [''] : rule.helo) {
        const key = `${formatNetwork(network)} ${helo}`;
        const other = owners.get(key);
        if (other !== undefined && other !== rule) {
          problems.push({ line: rule.line, what: `${shown(rule.name)} has the address and name of ${shown(other.name)} in line ${other.line}`, right: 'another address, or helo= with the name that each gives itself' });
          break;
        }
        owners.set(key, rule);
      }
    }
  }
}
