/**
 * `esmtproutes`: `domain:relay[,port] [/FLAG…]`; the first line that matches decides. An empty domain is every
 * domain, `.dom` its subdomains; an empty relay asks DNS, its flags count all the same.
 */
import { splitLines } from '../control-file.ts';
import { foldDomain, isDomain } from '../domain-list.ts';
import { nearestName } from '../nearest-name.ts';
import { formatIpAddress, parseIpAddress } from '../network.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface EsmtpRoute {
  readonly line: number;
  /** Folded; '' is every domain, a leading dot every subdomain. */
  readonly domain: string;
  /** Absent: the domain's own MX. */
  readonly relay?: RouteRelay;
  /** starttls: RFC 3207 with our private authority (XSECURITY). required: STARTTLS or defer. smtps: TLS from the first octet. */
  readonly security?: 'starttls' | 'required' | 'smtps';
  readonly family?: 4 | 6;
  /** The name of a proxy; null: connect directly whatever the default is. Absent: the default. */
  readonly proxy?: string | null;
}

export interface RouteRelay {
  /** A name (its MX and addresses are looked up) or an address without brackets. */
  readonly host: string;
  readonly literal: boolean;
  readonly port?: number;
  /** As configured, folded, `relay.example.com,587`: the key into esmtpauthclient, and the lane's name. */
  readonly text: string;
}

const example = 'example.com:relay.example.net,587 /SECURITY=REQUIRED';
const flags = ['SECURITY=STARTTLS', 'SECURITY=REQUIRED', 'SECURITY=SMTPS', 'IPV4ONLY', 'IPV6ONLY', 'PROXY=none'];

export function parseRoutes(text: string): Parsed<readonly EsmtpRoute[]> {
  const problems: Problem[] = [];
  const routes: EsmtpRoute[] = [];
  for (const [index, whole] of splitLines(text).entries()) {
    const entry = whole.replace(/#.*/, '').trim();
    if (entry === '') continue;
    const line = index + 1;
    const report = (what: string, right = example): void => void problems.push({ line, what, right });
    const colon = entry.indexOf(':');
    if (colon < 0) {
      report(`${shown(entry)} has no colon between domain and relay`);
      continue;
    }
    const domain = foldDomain(entry.slice(0, colon).trim());
    if (domain !== '' && !isDomain(domain.replace(/^\./, ''))) report(`${shown(domain)} is not a domain`);
    const [relayText = '', flagText = ''] = splitOnce(entry.slice(colon + 1), '/');
    const relay = parseRelay(relayText.trim(), report);
    const route: EsmtpRoute = { line, domain, ...(relay === undefined ? {} : { relay }), ...parseFlags(flagText, report) };
    if (route.security === 'smtps' && route.relay?.port === undefined) {
      report('SECURITY=SMTPS needs a relay with its port', `${domain}:${relay?.text ?? 'relay.example.net'},465 /SECURITY=SMTPS`);
    }
    routes.push(route);
  }
  return settle(routes, problems);
}

type Report = (what: string, right?: string) => void;

/** A relay as a route names one, `relay.example.net,587`; null: it is none. */
export function parseRelayPlace(text: string): RouteRelay | null {
  let fits = true;
  const relay = parseRelay(text, () => {
    fits = false;
  });
  return fits && relay !== undefined ? relay : null;
}

function parseRelay(text: string, report: Report): RouteRelay | undefined {
  if (text === '') return undefined;
  const match = /^(\[[^\]]*\]|[^\s,[\]]+)(?:\s*,\s*(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  const literal = match?.[1]?.startsWith('[') ?? false;
  const name = foldDomain(literal ? match![1]!.slice(1, -1) : (match?.[1] ?? ''));
  const address = parseIpAddress(name.replace(/^ipv6:/, ''));
  if (match === null || (port !== undefined && (port < 1 || port > 65_535))) report(`${shown(text)} is not a relay with an optional port`);
  else if (literal && address === null) report(`${shown(name)} in brackets is not an IP address`, 'example.com:[192.0.2.1],25');
  else if (!literal && address !== null) report('an address as relay stands in brackets', `example.com:[${name}]`);
  else if (!literal && !isDomain(name)) report(`${shown(name)} is not a host name`);
  const host = literal && address !== null ? formatIpAddress(address) : name;
  const shape = `${literal ? `[${host}]` : host}${port === undefined ? '' : `,${port}`}`;
  return { host, literal, ...(port === undefined ? {} : { port }), text: shape };
}

function parseFlags(text: string, report: Report): Pick<EsmtpRoute, 'security' | 'family' | 'proxy'> {
  const found: { security?: 'starttls' | 'required' | 'smtps'; family?: 4 | 6; proxy?: string | null } = {};
  for (const word of text.split(/[\s,/]+/).filter((flag) => flag !== '')) {
    const upper = word.toUpperCase();
    const proxy = /^PROXY=([\w.-]{1,64})$/i.exec(word)?.[1];
    if (upper === 'SECURITY=STARTTLS') found.security = 'starttls';
    else if (upper === 'SECURITY=REQUIRED') found.security = 'required';
    else if (upper === 'SECURITY=SMTPS') found.security = 'smtps';
    else if (upper === 'IPV4ONLY') found.family = 4;
    else if (upper === 'IPV6ONLY') found.family = 6;
    else if (proxy !== undefined) found.proxy = proxy.toLowerCase() === 'none' ? null : proxy;
    else report(`unknown flag ${shown(word)}`, `/${nearestName(upper, flags) ?? 'SECURITY=REQUIRED'}`);
  }
  return found;
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
