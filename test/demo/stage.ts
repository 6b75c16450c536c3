/** The world around the gateway: servers with manners of their own, a proxy, a fax machine, and the senders' mailbox server. */
import { join } from 'node:path';
import { openFaxSimulator, type FaxSimulator } from '../../hardware/fax-simulator/simulator.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { noSocat } from '../props/socat.ts';
import { openNameServer } from '../props/name-server.ts';
import { openSink, type Sink } from '../props/sink.ts';
import { openSocksProxy, type SocksProxy } from '../props/socks-proxy.ts';

export interface Stage {
  /** By the domain it serves. */
  readonly servers: Readonly<Record<string, Sink>>;
  readonly proxy: SocksProxy;
  /** Why there is none, or a modem whose calls end at a fax machine. */
  readonly fax: string | FaxSimulator;
  /** Control files that lead each domain to its server. */
  readonly files: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** "Later" is said this often to each recipient at busy.example. */
const laters = 2;

/** Any number of seven digits may be called. */
const FAXRC = 'rw^ (.) 1$1$9\naccept 1nnnnnnn esmtp\nrw^ 1 $9\n';

export async function openStage(folder: string): Promise<Stage> {
  const asked = new Map<string, number>();
  const far = await openSink();
  const servers: Readonly<Record<string, Sink>> = {
    'partner.example': await openSink({ answer: ({ stage }) => (stage === 'end' ? { reply: '250 2.0.0 Taken with pleasure', afterMs: 120 } : undefined) }),
    'old.example': await openSink({ extensions: ['PIPELINING', 'SIZE'] }),
    'grumpy.example': await openSink({ answer: ({ stage }) => (stage === 'rcpt' ? '550 5.1.1 No such person here, and do not ask again' : undefined) }),
    'busy.example': await openSink({
      answer: ({ stage, line }) => {
        if (stage !== 'rcpt') return undefined;
        const times = (asked.get(line) ?? 0) + 1;
        asked.set(line, times);
        return times <= laters ? '451 4.7.1 Busy, please come back' : undefined;
      },
    }),
    'asleep.example': await openSink({ answer: ({ stage }) => (stage === 'mail' ? '451 4.3.2 Nobody is up yet' : undefined) }),
    'far.example': far,
    'office.example': await openSink(),
  };
  const proxy = await openSocksProxy({ credentials: { login: 'post', password: 'horn' }, lead: ({ host }) => (host === 'mx.far.example' ? far.port : null) });
  // The proxy finds hosts; that this one has no MX of its own is asked for here.
  const names = await openNameServer({ 'mx.far.example': [] });
  const fax = noSocat !== false ? noSocat : await openFaxSimulator({ path: join(folder, 'ttyF0'), clock: createSystemClock(), script: { classes: ['2'] } });
  const direct = Object.entries(servers).filter(([domain]) => domain !== 'far.example').map(([domain, { port }]) => `${domain}:[127.0.0.1],${port} /PROXY=none\n`);
  return {
    servers,
    proxy,
    fax,
    files: {
      ...(typeof fax === 'string' ? {} : { 'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT,FAXRELAYCLIENT\n', faxrc: FAXRC, faxmodems: `${fax.path} locks=${folder}\n` }),
      dnsservers: `127.0.0.1:${names.port}\n`,
      esmtproutes: `${direct.join('')}lists.office.example:[127.0.0.1],${servers['office.example']?.port} /PROXY=none\nfar.example:mx.far.example,25 /PROXY=tunnel\n`,
      socksproxy: `tunnel socks5h://post:horn@127.0.0.1:${proxy.port}\n`,
    },
    async close() {
      await Promise.all([...Object.values(servers), proxy, names, ...(typeof fax === 'string' ? [] : [fax])].map((one) => one.close()));
    },
  };
}
