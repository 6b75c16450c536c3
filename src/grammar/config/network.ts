/** IP addresses and networks as text (RFC 4291 §2.2, RFC 5952, RFC 4632 §3.1) and in Courier's prefix forms. */
import { read, shown, wrong, type Parsed } from './parsed.ts';

export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 of them. An IPv4-mapped IPv6 address has become IPv4. */
  readonly octets: readonly number[];
}

/** All addresses whose first `bits` bits are those of `octets`; the bits after them are 0. */
export interface Network extends IpAddress {
  readonly bits: number;
}

export function parseIpAddress(text: string): IpAddress | null {
  const plain = text.replace(/%[\w.-]{1,32}$/, ''); // a zone says which link, not which host (RFC 4007 §11)
  const four = ipv4Octets(plain);
  if (four !== null) return { family: 4, octets: four };
  const six = ipv6Octets(plain);
  return six === null ? null : unmapped(six);
}

/** RFC 5952 §4: lower case, no leading zeros, the longest run of zero groups as `::`. */
export function formatIpAddress({ family, octets }: IpAddress): string {
  if (family === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (octets[index * 2]! << 8) | octets[index * 2 + 1]!);
  let [start, length] = [0, 1];
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const words = groups.map((group) => group.toString(16));
  if (length < 2) return words.join(':');
  return `${words.slice(0, start).join(':')}::${words.slice(start + length).join(':')}`;
}

export function formatNetwork(network: Network): string {
  return `${formatIpAddress(network)}/${network.bits}`;
}

const example = '192.168 or 192.168.0.0/16 or 2001:db8::/32';

/** CIDR, a whole address, leading octets (`192.168`) or leading groups (`:2001:0db8`). Bits past the prefix are ignored. */
export function parseNetwork(text: string): Parsed<Network> {
  const slash = text.indexOf('/');
  if (slash >= 0) return cidr(text, text.slice(0, slash), text.slice(slash + 1));
  const address = parseIpAddress(text);
  if (address !== null) return read({ ...address, bits: address.octets.length * 8 });
  if (/^\d{1,3}(\.\d{1,3}){0,2}$/.test(text)) {
    const leading = text.split('.').map(Number);
    if (leading.every((octet) => octet <= 255)) return read(network({ family: 4, octets: padded(leading, 4) }, leading.length * 8));
  }
  if (/^(:[0-9a-f]{1,4}){1,8}$/i.test(text)) {
    const groups = text.slice(1).split(':').map((group) => Number.parseInt(group, 16));
    return read(fromIpv6(padded(groups.flatMap((group) => [group >> 8, group & 255]), 16), groups.length * 16));
  }
  return wrong(`${shown(text)} is not a network`, example);
}

export function networkHas(network: Network, address: IpAddress): boolean {
  if (network.family !== address.family) return false;
  for (let bit = 0; bit < network.bits; bit++) if (bitOf(network.octets, bit) !== bitOf(address.octets, bit)) return false;
  return true;
}

/** 0 or 1. */
export function bitOf(octets: readonly number[], bit: number): number {
  return (octets[bit >> 3]! >> (7 - (bit & 7))) & 1;
}

function cidr(text: string, before: string, length: string): Parsed<Network> {
  const six = ipv6Octets(before);
  const octets = six ?? ipv4Octets(before);
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (octets === null || !(bits <= octets.length * 8)) return wrong(`${shown(text)} is not a network`, example);
  return read(six === null ? network({ family: 4, octets }, bits) : fromIpv6(octets, bits));
}

/** A prefix inside ::ffff:0:0/96 is the IPv4 network it stands for. */
function fromIpv6(octets: readonly number[], bits: number): Network {
  const address = unmapped(octets);
  return address.family === 4 && bits >= 96 ? network(address, bits - 96) : network({ family: 6, octets }, bits);
}

function network(address: IpAddress, bits: number): Network {
  const octets = address.octets.map((octet, index) => octet & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 255);
  return { family: address.family, octets, bits };
}

function unmapped(octets: readonly number[]): IpAddress {
  const mapped = octets.slice(0, 10).every((octet) => octet === 0) && octets[10] === 255 && octets[11] === 255;
  return mapped ? { family: 4, octets: octets.slice(12) } : { family: 6, octets };
}

function padded(octets: readonly number[], length: number): readonly number[] {
  return Array.from({ length }, (_, index) => octets[index] ?? 0);
}

function ipv4Octets(text: string): readonly number[] | null {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return null;
  const octets = text.split('.').map(Number);
  return octets.every((octet) => octet <= 255) ? octets : null;
}

function ipv6Octets(text: string): readonly number[] | null {
  if (text.length > 45 || !text.includes(':')) return null;
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, index) => groupOctets(half, index === halves.length - 1));
  if (head === null || head === undefined || tail === null) return null;
  if (tail === undefined) return head.length === 16 ? head : null;
  const gap = 16 - head.length - tail.length;
  return gap >= 2 ? [...head, ...Array.from({ length: gap }, () => 0), ...tail] : null;
}

function groupOctets(text: string, last: boolean): readonly number[] | null {
  if (text === '') return [];
  const octets: number[] = [];
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    const four = last && index === groups.length - 1 ? ipv4Octets(group) : null;
    if (four !== null) octets.push(...four);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) octets.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255);
    else return null;
  }
  return octets.length <= 16 ? octets : null;
}
