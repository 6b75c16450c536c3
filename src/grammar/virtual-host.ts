/** What virtual hosts are looked up by, and which one a message belongs to. */
import type { Origin } from '../core/envelope.ts';
import { canonicalIpv6, isIpv4, parseDomain } from './domain.ts';

/** Addresses in their one spelling, IPv4 within IPv6 as IPv4; domains as the house has them. */
export function hostKey(text: string): string | null {
  const four = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1] ?? text;
  if (isIpv4(four)) return four;
  return canonicalIpv6(text) ?? parseDomain(text);
}

/** The address that the client was connected to comes first, then the domain of its login (Courier's order). */
export function virtualHostOf(hosts: ReadonlyMap<string, unknown>, { virtualHost, localAddress, login }: Origin): string | null {
  if (hosts.size === 0) return null;
  if (virtualHost !== undefined) return hosts.has(virtualHost) ? virtualHost : null;
  const byAddress = localAddress === undefined ? null : hostKey(localAddress);
  if (byAddress !== null && hosts.has(byAddress)) return byAddress;
  const at = login?.lastIndexOf('@') ?? -1;
  const byLogin = at < 0 ? null : parseDomain(login?.slice(at + 1) ?? '');
  return byLogin !== null && hosts.has(byLogin) ? byLogin : null;
}
