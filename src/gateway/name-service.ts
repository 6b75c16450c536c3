/** The resolver of this gateway: the servers of `dnsservers` or of resolv.conf, and those that are asked by HTTPS. */
import { readFileSync } from 'node:fs';
import type { Configuration } from '../configuration.ts';
import { after, type Clock } from '../core/clock.ts';
import { createHttpsUpstream, type HttpsUpstream } from '../kit/dns/https.ts';
import { openHttpClient, type HttpClient } from '../kit/net/http-client.ts';
import { parseResolvConf, type ResolvConf } from '../kit/dns/resolv-conf.ts';
import { openResolver, type Resolver } from '../kit/dns/resolver.ts';

/** More at once wait for each other. */
const CONNECTIONS = 4;

export interface NameService extends Resolver {
  /** As the configuration has its servers now; what was asked of others is still answered by them. */
  reload(): void;
}

/** Longer than any question takes. */
const LAST_ANSWERS_MS = 60_000;

export function openNameService(configuration: () => Pick<Configuration, 'dnsServers'>, clock: Clock): NameService {
  let asked = JSON.stringify(configuration().dnsServers);
  let current = openServers(configuration(), clock);
  const retired = new Map<Resolver, AbortController>();

  function retire(before: Resolver): void {
    const over = new AbortController();
    retired.set(before, over);
    void clock.sleepUntil(after(clock.now(), LAST_ANSWERS_MS), over.signal).then(() => {
      retired.delete(before);
      before.close();
    });
  }

  return {
    mx: domain => current.mx(domain),
    a: name => current.a(name),
    aaaa: name => current.aaaa(name),
    txt: name => current.txt(name),
    ptr: address => current.ptr(address),
    tlsa: name => current.tlsa(name),
    reload() {
      const wanted = JSON.stringify(configuration().dnsServers);
      if (wanted === asked) return;
      asked = wanted;
      retire(current);
      current = openServers(configuration(), clock);
    },
    close() {
      for (const over of retired.values()) over.abort();
      current.close();
    },
  };
}

function openServers({ dnsServers }: Pick<Configuration, 'dnsServers'>, clock: Clock): Resolver {
  const clients: HttpClient[] = [];
  const system = readSystem();
  const given = dnsServers ?? [{ kind: 'system' as const, line: 0 }];
  const https: HttpsUpstream[] = [];
  const servers = given.flatMap(server => {
    switch (server.kind) {
      case 'system':
        return system.servers.map(one => (system.trustAd ? { ...one, trustAd: true as const } : one));
      case 'plain':
        return [{ host: server.host, port: server.port, ...(server.trustAd ? { trustAd: true as const } : {}) }];
      case 'https': {
        const { url, at, proxy, trustAd } = server;
        const http = openHttpClient({ clock, connections: CONNECTIONS, ...(proxy === undefined ? {} : { proxy: () => proxy }), ...(at === undefined ? {} : { lookUp: () => Promise.resolve([at]) }) });
        clients.push(http);
        https.push(createHttpsUpstream(http, url, trustAd));
        return [];
      }
      default:
        return server satisfies never;
    }
  });
  const { timeoutMs, attempts } = dnsServers === null ? system : {};
  const resolver = openResolver({ servers, https, clock, ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(attempts === undefined ? {} : { attempts }) });
  return {
    ...resolver,
    close() {
      resolver.close();
      for (const client of clients) void client.close();
    },
  };
}

function readSystem(): ResolvConf {
  try {
    return parseResolvConf(readFileSync('/etc/resolv.conf', 'utf8'));
  } catch {
    // resolv.conf(5): without the file, the name server of this machine.
    return parseResolvConf('');
  }
}

/** For HTTP clients; null: that cannot be said now. */
export async function addressesOf(resolver: Pick<Resolver, 'a' | 'aaaa'>, host: string): Promise<readonly string[] | null> {
  const answers = await Promise.all([resolver.a(host), resolver.aaaa(host)]);
  const found = answers.flatMap(answer => (answer.kind === 'found' ? answer.records : []));
  return found.length === 0 && answers.some(answer => answer.kind === 'unavailable') ? null : found;
}
