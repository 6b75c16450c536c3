/** A connection between standard input and output: what a pipe port of UUCP runs to get through TLS, or through SOCKS. */
import { readFileSync } from 'node:fs';
import type { Configuration } from '../../../configuration.ts';
import { createDial } from '../../../kit/net/dial.ts';
import { openDeadlines } from '../../../kit/deadlines.ts';
import { createSystemClock } from '../../../kit/system-clock.ts';
import { exits, print, Usage, type Context } from '../command.ts';

export interface ConnectWish {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** A PEM file of the authority that signed the other side's certificate. */
  readonly ca?: string;
  /** A name in socksproxy. */
  readonly proxy?: string;
}

const TIMEOUT_MS = 60_000;

export async function connect(wish: ConnectWish, configuration: Configuration, context: Context): Promise<number> {
  const proxy = wish.proxy === undefined ? undefined : configuration.client.proxies.proxies.find(one => one.name === wish.proxy);
  if (wish.proxy !== undefined && proxy === undefined) throw new Usage(`there is no proxy ${wish.proxy} in socksproxy`);
  const deadlines = openDeadlines(createSystemClock());
  try {
    const dialled = await createDial(deadlines)({
      host: wish.host, port: wish.port, timeoutMs: TIMEOUT_MS,
      ...(proxy === undefined ? {} : { proxy: { host: proxy.host, port: proxy.port, ...(proxy.login === undefined ? {} : { login: proxy.login }), ...(proxy.password === undefined ? {} : { password: proxy.password }) } }),
      ...(wish.tls ? { tls: { verify: true, ...(wish.ca === undefined ? {} : { ca: [readFileSync(wish.ca, 'utf8')] }) } } : {}),
    });
    if (dialled.kind !== 'connected') {
      await print(context.stderr, `${wish.host}: ${dialled.why}`);
      return exits.unavailable;
    }
    const { socket } = dialled;
    const over = new Promise<void>(resolve => {
      socket.once('close', () => resolve());
      socket.on('error', () => resolve());
    });
    context.stdin.pipe(socket);
    socket.pipe(context.stdout);
    await over;
    // What is not read any more would keep us alive.
    context.stdin.destroy();
    return exits.ok;
  } finally {
    deadlines.close();
  }
}
