/** `socksbind`, with the proxies and listeners that its lines name. */
import { nearestName } from '../../grammar/config/nearest-name.ts';
import type { Proxies } from '../../grammar/config/proxies.ts';
import { parseSocksBinds } from '../../grammar/config/ways-in/socks-bind.ts';
import type { Sheet } from '../sheet.ts';
import type { Listener, OutsideListener } from './types.ts';

export function readSocksBinds(sheet: Sheet, { proxies }: Proxies, listeners: readonly Listener[]): readonly OutsideListener[] {
  const lines = sheet.list('socksbind', parseSocksBinds) ?? [];
  sheet.setting('socksbind', lines.map(({ listener, via, reserve }) => `${listener} via ${via}${reserve === 1 ? '' : ` ×${reserve}`}`).join('; '), lines.length > 0 ? 'socksbind' : undefined);
  const names = proxies.map(({ name }) => name);
  return lines.flatMap(({ line, listener, via, ...rest }) => {
    const found = listeners.find(({ name }) => name === listener);
    const proxy = proxies.find(({ name }) => name === via);
    if (found === undefined) {
      const known = listeners.map(({ name }) => name);
      sheet.problem(sheet.path('socksbind'), line, `no listener ${listener} in this folder`, `${nearestName(listener, known) ?? known[0] ?? 'esmtpd'}, whose file says where else it listens, such as ADDRESS=127.0.0.1`);
    }
    if (proxy === undefined) sheet.problem(sheet.path('socksbind'), line, `no proxy ${via} in socksproxy`, `via ${nearestName(via, names) ?? names[0] ?? 'default'}, or a line ${via} socks5://proxy.example.net:1080 in socksproxy`);
    return found === undefined || proxy === undefined ? [] : [{ listener: found.name, proxy, ...rest }];
  });
}
