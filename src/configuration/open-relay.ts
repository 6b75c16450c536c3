/** What would let strangers send mail to strangers through us. Only a flag with an unmistakable name allows it. */
import { networkHas, parseIpAddress, type IpAddress, type Network } from '../grammar/config/network.ts';
import { read, wrong } from '../grammar/config/parsed.ts';
import type { DomainPattern } from '../grammar/config/domain-list.ts';
import type { Sheet, ValueRule } from './sheet.ts';

export const openRelayFlag = { name: 'openrelay', text: 'yes-i-want-an-open-relay' } as const;

export const openRelayRule: ValueRule<boolean> = {
  example: `remove the file, or: ${openRelayFlag.text}`,
  show: (open) => (open ? openRelayFlag.text : 'no'),
  parse: (text) => (text === openRelayFlag.text ? read(true) : wrong('this file opens the relay to everyone, and only by these exact words', openRelayFlag.text)),
};

/** Wider than any one owner's: IPv4 beyond a /8, IPv6 beyond the /19 that registries gave at most. */
const widest = { 4: 8, 6: 19 } as const;
/** Not on the Internet, so wide is harmless: fc00::/7 (RFC 4193), fe80::/10 (RFC 4291 §2.5.6). */
const privateWide: readonly Network[] = [
  { family: 6, octets: parseIpAddress('fc00::')!.octets, bits: 7 },
  { family: 6, octets: parseIpAddress('fe80::')!.octets, bits: 10 },
];

export function opensRelay(network: Network | null): boolean {
  if (network === null) return true;
  if (network.bits >= widest[network.family]) return false;
  return !privateWide.some((wide) => wide.bits <= network.bits && networkHas(wide, network));
}

/** Only our own people reach these (RFC 1918, RFC 4193, loopback). */
const ownPlaces: readonly Network[] = [
  ...([['127.0.0.0', 8], ['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16]] as const).map(([text, bits]) => ({ ...parseIpAddress(text)!, bits })),
  { ...parseIpAddress('::1')!, bits: 128 },
  ...privateWide,
];

/** RELAYCLIENT for whoever calls that address of ours; null: any of them. */
export function opensRelayAt(address: IpAddress | null): boolean {
  return address === null || !ownPlaces.some(own => networkHas(own, address));
}

/** `esmtpacceptmailfor` with every domain, or every domain of a top level, in it. */
export function reviewAccepted(sheet: Sheet, file: string, patterns: readonly DomainPattern[]): void {
  if (sheet.openRelay) return;
  for (const { line, domain, match, excluded } of patterns) {
    if (excluded || match !== 'subdomains' || domain.includes('.')) continue;
    const whose = domain === '' ? 'every domain' : `everyone under .${domain}`;
    const right = `.example.com (or ${openRelayFlag.name}: ${openRelayFlag.text})`;
    sheet.problem(sheet.path(file), line, `.${domain} accepts mail for ${whose}: an open relay`, right);
  }
}
