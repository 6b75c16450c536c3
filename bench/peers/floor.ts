/** Programs of floors/, told the next hop's port and a folder. They print their own port and run. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { within } from '../../test/props/within.ts';
import type { Peer } from './peer.ts';

export function floor(name: string, file: string): Peer {
  return {
    name,
    absent: () => null,
    async start(place) {
      const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'floors', file), String(place.nextHop), place.folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      const gone = new Promise<void>((done) => child.once('close', () => done()));
      const line = await within(10_000, `${name} to listen`, new Promise<string>((heard) => child.stdout.once('data', (chunk: Buffer) => heard(chunk.toString()))));
      return {
        port: Number(line),
        pids: [child.pid ?? 0],
        dataFolder: place.folder,
        async stop() {
          child.kill('SIGKILL');
          await gone;
        },
      };
    },
  };
}
