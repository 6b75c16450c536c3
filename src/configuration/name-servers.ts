/** `dnsservers`, with the proxies that its lines name. */
import { formatNameServer, parseNameServers, type NameServerLine } from '../grammar/config/name-servers.ts';
import { nearestName } from '../grammar/config/nearest-name.ts';
import type { Proxies } from '../grammar/config/proxies.ts';
import type { Sheet } from './sheet.ts';
import type { NameServerSetting } from './types.ts';
import type { DomainTls } from './ways-out/types.ts';

export function readNameServers(sheet: Sheet, { proxies }: Proxies, tls: readonly DomainTls[]): readonly NameServerSetting[] | null {
  const lines = sheet.list('dnsservers', parseNameServers) ?? null;
  if (lines !== null && !lines.some(isTrusted) && tls.some(({ policy }) => policy === 'dane' || policy === 'dane-only')) {
    sheet.notice(sheet.path('tlspolicy'), 'DANE needs a name server whose AD bit is believed: one on this machine, or one of dnsservers with trust-ad');
  }
  sheet.setting('dnsservers', lines?.map(formatNameServer).join(', ') ?? 'as in resolv.conf', lines === null ? undefined : 'dnsservers');
  return lines?.map(line => (line.kind === 'https' ? proxied(line) : line)) ?? null;

  function proxied({ via, ...server }: Extract<NameServerLine, { kind: 'https' }>): NameServerSetting {
    if (via === null) return server;
    const proxy = proxies.find(({ name }) => name === (via ?? 'default'));
    if (proxy === undefined && via !== undefined) {
      const right = `via ${nearestName(via, proxies.map(({ name }) => name)) ?? 'none'}, or a line ${via} socks5://proxy.example.net:1080 in socksproxy`;
      sheet.problem(sheet.path('dnsservers'), server.line, `no proxy ${via} in socksproxy`, right);
    }
    if (proxy !== undefined && server.at !== undefined) {
      sheet.problem(sheet.path('dnsservers'), server.line, `the proxy ${proxy.name} finds the address of this server itself`, `${server.url} at ${server.at} via none, or without at`);
    }
    return { ...server, ...(proxy === undefined ? {} : { proxy }) };
  }
}

/** The system's servers say so themselves, in resolv.conf. */
function isTrusted(line: NameServerLine): boolean {
  return line.kind === 'system' || line.trustAd || (line.kind === 'plain' && (line.host === '::1' || line.host.startsWith('127.')));
}
