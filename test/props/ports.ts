/** Ports for programs that read theirs from a file: bound by us first, all at once, so that no two are the same. */
import { createServer, type Server } from 'node:net';

export async function freePorts(count: number): Promise<readonly number[]> {
  const held = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(held.map((server) => listen(server)));
  await Promise.all(held.map((server) => new Promise((gone) => server.close(gone))));
  return ports;
}

/** On loopback; gives the port. */
export async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((bound, failed) => server.once('error', failed).listen(port, '127.0.0.1', bound));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}
