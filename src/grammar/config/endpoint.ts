/** Where something listens or answers: `host:port`, `[2001:db8::1]:53`, and the PORT lists of the esmtpd files. */
import { formatIpAddress, parseIpAddress } from './network.ts';
import { noting, read, settle, shown, wrong, type Parsed, type Problem } from './parsed.ts';

export interface Endpoint {
  /** A name or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** null: every address of the machine, IPv6 and IPv4. */
export interface ListenEndpoint {
  readonly address: string | null;
  /** 0: any free one. */
  readonly port: number;
}

const services: Readonly<Record<string, number>> = { smtp: 25, smtps: 465, ssmtp: 465, submissions: 465, submission: 587 };

export function parseEndpoint(text: string, defaultPort: number | null, example: string): Parsed<Endpoint> {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/@]+))(?::(\d{1,5}))?$/i.exec(text);
  const bare = match === null ? parseIpAddress(text) : null;
  if (bare !== null && defaultPort !== null) return read({ host: formatIpAddress(bare), port: defaultPort });
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined) return wrong(`${shown(text)} is not HOST:PORT`, example);
  if (match[1] !== undefined && parseIpAddress(match[1]) === null) return wrong(`${shown(match[1])} is not an IPv6 address`, example);
  if (match[3] === undefined && defaultPort === null) return wrong(`${shown(text)} has no port`, example);
  const port = match[3] === undefined ? (defaultPort ?? 0) : Number(match[3]);
  return port <= 65_535 ? read({ host, port }) : wrong(`${port} is not a port`, example);
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `port|addr.port[,…]`; `address` is the file's ADDRESS, which stands in where an entry has none. */
export function parsePortList(text: string, address: string | null, example = '25 or 127.0.0.1.2525,::1.2525'): Parsed<readonly ListenEndpoint[]> {
  const problems: Problem[] = [];
  const endpoints: ListenEndpoint[] = [];
  for (const item of text.split(/[\s,]+/).filter((word) => word !== '')) {
    const dot = item.lastIndexOf('.');
    const port = portNumber(item.slice(dot + 1));
    const own = dot < 0 ? read(address) : parseListenAddress(item.slice(0, dot), example);
    const found = noting(own, 1, problems);
    if (port === null) problems.push({ line: 1, what: `${shown(item.slice(dot + 1))} is neither a port nor a service name`, right: example });
    else if (found !== undefined) endpoints.push({ address: found, port });
  }
  if (endpoints.length === 0 && problems.length === 0) return wrong('no port at all', example);
  return settle(endpoints, problems);
}

/** ADDRESS: an IP address; `0` or nothing means all of them. */
export function parseListenAddress(text: string, example = '127.0.0.1'): Parsed<string | null> {
  if (text === '' || text === '0' || text === '*') return read(null);
  const address = parseIpAddress(text.replace(/^\[(.*)\]$/, '$1'));
  return address === null ? wrong(`${shown(text)} is not an IP address`, example) : read(formatIpAddress(address));
}

function portNumber(text: string): number | null {
  if (Object.hasOwn(services, text.toLowerCase())) return services[text.toLowerCase()] ?? null;
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : null;
}
