/** `dnsservers`, with the proxies that its lines name. */
import { formatNameServer, parseNameServers, type NameServerLine } from '../grammar/config/name-servers.ts';
import { nearestName } from '../grammar/config/nearest-name.ts';
import type { Proxies } from '../grammar/config/proxies.ts';
import type { Sheet } from './sheet.ts';
import type { NameServerSetting } from './types.ts';

export function readNameServers(sheet: Sheet, { proxies }: Proxies): readonly NameServerSetting[] | null {
  const lines = sheet.list('dnsservers', parseNameServers) ?? null;
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
