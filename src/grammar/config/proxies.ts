/**
 * `socksproxy`: `NAME socks5://[user:password@]host[:port] [via NAME]` and `noproxy NETWORK`, one a line. The proxy called
 * `default` takes everything outbound unless a route says otherwise; `socks5h` leaves name look-ups to the proxy.
 */
import { parseLines } from './control-file.ts';
import { parseEndpoint } from './endpoint.ts';
import { parseNetwork, type Network } from './network.ts';
import { noting, settle, shown, type Parsed, type Problem } from './parsed.ts';

export interface SocksProxy {
  readonly line: number;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly login?: string;
  readonly password?: string;
  /** Where a next hop's name becomes an address. */
  readonly resolve: 'local' | 'proxy';
  /** Reached through this one, which stands in another line. */
  readonly via?: SocksProxy;
}

export interface Proxies {
  readonly proxies: readonly SocksProxy[];
  /** Reached directly where nobody named another proxy than `default`. */
  readonly noProxy: readonly Network[];
}

const example = 'default socks5://user:password@proxy.example.net:1080';
/** RFC 1929 §2: a length octet before each. */
const longestCredential = 255;
/** Each adds its round trips to every connection. */
const longestChain = 8;

export function parseProxies(text: string): Parsed<Proxies> {
  const problems: Problem[] = [];
  const proxies = new Map<string, SocksProxy>();
  const noProxy: Network[] = [];
  const ways = new Map<string, string>();
  for (const { line, text: entry } of parseLines(text)) {
    const [name = '', url, word, via, more] = entry.split(/\s+/);
    if (url === undefined || more !== undefined || (word !== undefined && (word.toLowerCase() !== 'via' || via === undefined))) {
      problems.push({ line, what: 'this line is not NAME and socks5:// address, perhaps with via NAME, nor noproxy and a network', right: example });
    } else if (name.toLowerCase() === 'noproxy') {
      const network = noting(parseNetwork(url), line, problems);
      if (network !== undefined) noProxy.push(network);
    } else if (!/^[A-Za-z0-9_][\w.-]{0,63}$/.test(name) || name.toLowerCase() === 'none') {
      problems.push({ line, what: `${shown(name)} cannot be the name of a proxy`, right: example });
    } else {
      const proxy = parseProxy(line, name, url, problems);
      const earlier = proxies.get(name);
      if (earlier !== undefined) problems.push({ line, what: `a second proxy ${name}, the first is in line ${earlier.line}`, right: 'another name' });
      if (proxy !== undefined) proxies.set(name, proxy);
      if (via !== undefined) ways.set(name, via);
    }
  }
  return settle({ proxies: [...proxies.values()].map(proxy => chained(proxy, proxies, ways, problems)), noProxy }, problems);
}

/** From the last proxy of a chain to the first. */
function chained(proxy: SocksProxy, proxies: ReadonlyMap<string, SocksProxy>, ways: ReadonlyMap<string, string>, problems: Problem[]): SocksProxy {
  const names = [proxy.name];
  for (let next = ways.get(proxy.name); next !== undefined; next = ways.get(next)) {
    if (!proxies.has(next)) {
      if (names.length === 1) problems.push({ line: proxy.line, what: `no proxy ${shown(next)} for this one to go through`, right: `a line ${next.slice(0, 64)} socks5://proxy.example.net:1080` });
      return proxy;
    }
    if (names.includes(next) || names.length === longestChain) {
      problems.push({ line: proxy.line, what: names.includes(next) ? `the way to ${proxy.name} leads in a circle` : `more than ${longestChain} proxies in a row`, right: example });
      return proxy;
    }
    names.push(next);
  }
  const [last, ...before] = names.toReversed().map(name => proxies.get(name)).filter(one => one !== undefined);
  return before.reduce((via, one) => ({ ...one, via }), last ?? proxy);
}

/** Complaints never show the address: it may hold a password. */
function parseProxy(line: number, name: string, url: string, problems: Problem[]): SocksProxy | undefined {
  const [, remote, , credentials, place] = /^socks5(h)?:\/\/((.*)@)?([^@/]+)\/?$/i.exec(url) ?? [];
  const endpoint = place === undefined ? undefined : parseEndpoint(place, 1080, example);
  const [login, password] = credentials === undefined ? [] : splitCredentials(credentials);
  const fits = (word: string | undefined): boolean => word !== undefined && word !== '' && new TextEncoder().encode(word).length <= longestCredential;
  if (endpoint?.kind !== 'read' || endpoint.value.port === 0) problems.push({ line, what: `the address of proxy ${name} is not socks5://host:port`, right: example });
  else if (credentials !== undefined && !(fits(login) && fits(password))) {
    problems.push({ line, what: `user and password of proxy ${name} are not both given, in %XX where needed, and at most 255 octets`, right: example });
  } else {
    const auth = login === undefined || password === undefined ? {} : { login, password };
    return { line, name, ...endpoint.value, ...auth, resolve: remote === undefined ? 'local' : 'proxy' };
  }
  return undefined;
}

function splitCredentials(text: string): readonly (string | undefined)[] {
  const colon = text.indexOf(':');
  try {
    return colon < 0 ? [] : [text.slice(0, colon), text.slice(colon + 1)].map((part) => decodeURIComponent(part));
  } catch {
    return []; // a % that is no escape
  }
}
