/**
 * Whether an address is one of the Internet's, and not this box, its network or a range with another meaning
 * (RFC 6890 and IANA's registries after it). Whoever lets a stranger name a host asks here before dialling.
 */
import { BlockList, isIP } from 'node:net';

type Range = readonly [network: string, prefix: number];

const SPECIAL_V4: readonly Range[] = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24],
  ['192.0.2.0', 24], ['192.88.99.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24],
  ['224.0.0.0', 4], ['240.0.0.0', 4],
];
/** Inside 2000::/3: Teredo and its neighbours, documentation, 6to4 (which may hide any IPv4 address), 3fff::/20. */
const SPECIAL_V6: readonly Range[] = [['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20]];

export function isPublicAddress(address: string): boolean {
  const plain = address.split('%')[0] ?? '';
  switch (isIP(plain)) {
    case 4:
      return !special.check(plain, 'ipv4');
    case 6:
      // Everything the Internet routes is in 2000::/3 (RFC 4291 §2.4); mapped IPv4, NAT64 and local ranges are not.
      return global.check(plain, 'ipv6') && !special.check(plain, 'ipv6');
    default:
      return false;
  }
}

const special = listOf(SPECIAL_V4, SPECIAL_V6);
const global = listOf([], [['2000::', 3]]);

function listOf(v4: readonly Range[], v6: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of v4) list.addSubnet(network, prefix, 'ipv4');
  for (const [network, prefix] of v6) list.addSubnet(network, prefix, 'ipv6');
  return list;
}
