/** Which proxy of `socksproxy` HTTP goes by: webhooks, tokens, and who is asked about tokens. */
import { nearestName } from '../grammar/config/nearest-name.ts';
import { networkHas, parseIpAddress, type IpAddress } from '../grammar/config/network.ts';
import { shown } from '../grammar/config/parsed.ts';
import type { Proxies, SocksProxy } from '../grammar/config/proxies.ts';
import type { Sheet } from './sheet.ts';

export interface ChosenProxy {
  readonly url: string;
  /** A name; null: none. Absent: the one called `default`, but for this machine and `noproxy`. */
  readonly proxy?: string | null;
}

/** Null: there is none of that name. */
export function httpProxyOf({ url, proxy }: ChosenProxy, { proxies, noProxy }: Proxies): SocksProxy | undefined | null {
  if (proxy === null) return undefined;
  if (proxy !== undefined) return proxies.find(({ name }) => name === proxy) ?? null;
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const address = parseIpAddress(host === 'localhost' ? '127.0.0.1' : host);
  if (address !== null && (isLoopback(address) || noProxy.some((network) => networkHas(network, address)))) return undefined;
  return proxies.find(({ name }) => name === 'default');
}

export function noSuchProxy(sheet: Sheet, place: { readonly file: string; readonly line: number | undefined; readonly proxy: string; readonly right: string }, { proxies }: Proxies): void {
  const { file, line, proxy, right } = place;
  sheet.problem(sheet.path(file), line, `there is no proxy ${shown(proxy)} in socksproxy`, nearestName(proxy, proxies.map(({ name }) => name)) ?? right);
}

/** The proxy's is another than ours. */
function isLoopback({ family, octets }: IpAddress): boolean {
  return family === 4 ? octets[0] === 127 : octets.every((octet, n) => octet === (n === 15 ? 1 : 0));
}
