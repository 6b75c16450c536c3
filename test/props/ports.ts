/** Ports for programs that read theirs from a file: bound by us first, all at once, so that no two are the same. */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/** Below those that Linux gives to whoever connects somewhere: one of them may be gone before the program listens. */
const FROM = 12_000;
const TO = 32_000;

export async function freePorts(count: number): Promise<readonly number[]> {
  const held = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(held.map(listenSomewhere));
  await Promise.all(held.map((server) => new Promise((gone) => server.close(gone))));
  return ports;
}

async function listenSomewhere(server: Server): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      return await listen(server, randomInt(FROM, TO));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error('no free port found');
}

/** On loopback; gives the port. */
export async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((bound, failed) => server.once('error', failed).listen(port, '127.0.0.1', () => bound(void server.off('error', failed))));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}
