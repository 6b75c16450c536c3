/** /etc/resolv.conf (resolv.conf(5)): the lines a mail gateway has use for. Pure; unknown lines are not ours to judge. */
import { isIP } from 'node:net';

export interface NameServer {
  readonly host: string;
  readonly port: number;
  /** Somebody vouches for its AD bit. */
  readonly trustAd?: true;
}

export interface ResolvConf {
  readonly servers: readonly NameServer[];
  readonly timeoutMs?: number;
  readonly attempts?: number;
  /** The administrator vouches for the AD bit of these servers (`options trust-ad`). */
  readonly trustAd: boolean;
}

const SERVERS = 3; // MAXNS of resolv.conf(5)
const DNS_PORT = 53;

export function parseResolvConf(text: string): ResolvConf {
  const servers: NameServer[] = [];
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line.replace(/^\s*[#;].*/, '').trim().split(/\s+/);
    if (keyword === 'nameserver') {
      const host = words[0] ?? '';
      // fe80::1%eth0 is an address with its zone.
      if (isIP(host.replace(/%.*/, '')) !== 0 && servers.length < SERVERS) servers.push({ host, port: DNS_PORT });
    } else if (keyword === 'options') {
      for (const word of words) {
        const [name = '', value = ''] = word.split(':', 2);
        options.set(name, value);
      }
    }
  }
  const timeout = wholeNumber(options.get('timeout'), 30);
  const attempts = wholeNumber(options.get('attempts'), 5);
  return {
    servers: servers.length > 0 ? servers : [{ host: '127.0.0.1', port: DNS_PORT }],
    trustAd: options.has('trust-ad'),
    ...(timeout === null ? {} : { timeoutMs: timeout * 1000 }),
    ...(attempts === null ? {} : { attempts }),
  };
}

/** Between 1 and `most`, as the C library silently has it. */
function wholeNumber(text: string | undefined, most: number): number | null {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Math.min(Math.max(Number(text), 1), most) : null;
}
