/**
 * `dnsservers`: servers to ask, one a line: `ADDRESS[:PORT] [trust-ad]`, `https://host/path [at ADDRESS] [via PROXY] [trust-ad]`
 * (RFC 8484), or `resolv.conf` for those of the system.
 */
import { parseLines } from './control-file.ts';
import { parseEndpoint, formatEndpoint } from './endpoint.ts';
import { formatIpAddress, parseIpAddress } from './network.ts';
import { settle, shown, type Parsed, type Problem } from './parsed.ts';

export type NameServerLine = PlainServer | HttpsServer | { readonly kind: 'system'; readonly line: number };

export interface PlainServer {
  readonly kind: 'plain';
  readonly line: number;
  readonly host: string;
  readonly port: number;
  /** The administrator vouches for its AD bit, and for the way to it. */
  readonly trustAd: boolean;
}

export interface HttpsServer {
  readonly kind: 'https';
  readonly line: number;
  readonly url: string;
  /** The address of its host; absent: the system, or the proxy, finds it. */
  readonly at?: string;
  /** The name of a proxy; null: none. Absent: the one called `default`, where there is one. */
  readonly via?: string | null;
  readonly trustAd: boolean;
}

const example = '192.0.2.53, [2001:db8::53]:5353 or https://dns.example.net/dns-query';

export function parseNameServers(text: string): Parsed<readonly NameServerLine[]> {
  const problems: Problem[] = [];
  const servers: NameServerLine[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const [place = '', ...words] = entry.split(/\s+/);
    const report = (what: string, right = example): void => void problems.push({ line, what, right });
    if (place === 'resolv.conf' && words.length === 0) servers.push({ kind: 'system', line });
    else if (/^https:/i.test(place)) servers.push(parseHttps(line, place, words, report));
    else {
      const parsed = parseEndpoint(place, 53, example);
      const strange = words.find(word => word !== 'trust-ad');
      if (parsed.kind !== 'read' || parseIpAddress(parsed.value.host) === null || parsed.value.port === 0) report(`${shown(place)} is not the address of a DNS server`);
      else if (strange !== undefined) report(`${shown(strange)} means nothing behind an address`, `${place} trust-ad`);
      else servers.push({ kind: 'plain', line, ...parsed.value, trustAd: words.length > 0 });
    }
  }
  if (servers.length === 0 && problems.length === 0) problems.push({ line: 1, what: 'no server in this file', right: '192.0.2.53' });
  return settle(servers, problems);
}

function parseHttps(line: number, place: string, words: readonly string[], report: (what: string, right?: string) => void): HttpsServer {
  const url = URL.parse(place);
  if (url === null || url.protocol !== 'https:' || url.hash !== '' || url.username !== '' || url.password !== '') report(`${shown(place)} is not an https:// address`);
  const found: { at?: string; via?: string | null; trustAd: boolean } = { trustAd: false };
  for (let n = 0; n < words.length; n++) {
    const word = words[n] as string;
    const value = words[n + 1];
    if (word === 'trust-ad') found.trustAd = true;
    else if (word === 'at' && value !== undefined) {
      const address = parseIpAddress(value);
      if (address === null) report(`${shown(value)} is not an IP address`, `${place} at 192.0.2.53`);
      else found.at = formatIpAddress(address);
      n++;
    } else if (word === 'via' && value !== undefined) {
      found.via = value === 'none' ? null : value;
      n++;
    } else report(`${shown(word)} is not at ADDRESS, via PROXY or trust-ad`, `${place} via default`);
  }
  if (found.at !== undefined && found.via !== undefined && found.via !== null) report('at and via exclude each other: behind a proxy, the proxy finds the address', `${place} via ${found.via}`);
  return { kind: 'https', line, url: url?.href ?? place, ...found };
}

export function formatNameServer(server: NameServerLine): string {
  switch (server.kind) {
    case 'system':
      return 'resolv.conf';
    case 'plain':
      return `${formatEndpoint(server)}${server.trustAd ? ' trust-ad' : ''}`;
    case 'https':
      return `${server.url}${server.at === undefined ? '' : ` at ${server.at}`}${server.via === undefined ? '' : ` via ${server.via ?? 'none'}`}${server.trustAd ? ' trust-ad' : ''}`;
    default:
      return server satisfies never;
  }
}
