/**
 * Courier from the distribution, in namespaces of its own (courier.sh; packaging/bench-peers.sh unpacks it). As shipped,
 * but for the limits on one address, whatever asks the machine's resolver, whose seconds are not Courier's (the client's
 * name, DNS checks of senders), and STARTTLS towards the sink. accept: courierd does not run.
 */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../test/props/ports.ts';
import { runChild } from './child.ts';
import type { Peer, Place, Running } from './peer.ts';

const root = join(import.meta.dirname, '..', '..', '.peers', 'courier', 'root');

export const courier: Peer = {
  name: 'courier',
  absent() {
    if (!existsSync(join(root, 'usr', 'sbin', 'courieresmtpd'))) return 'not unpacked; packaging/bench-peers.sh does it';
    return process.getuid?.() === 0 ? null : 'its namespaces are made by root';
  },
  start: place => startCourier(place),
};

/** `setup`: a shell file that changes its configuration before it starts; see courier.sh. */
export async function startCourier(place: Place, setup = ''): Promise<Running> {
  const [port = 0] = await freePorts(1);
  const spool = join(place.folder, 'spool');
  mkdirSync(spool, { recursive: true });
  for (const folder of [place.folder, spool]) chmodSync(folder, 0o755);
  const child = spawn(
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', 'sh', join(import.meta.dirname, 'courier.sh'), root, String(port), String(place.nextHop), spool, place.mode, setup],
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  return runChild(child, { port, dataFolder: spool, limitMs: 20_000, end: () => child.stdin.end() });
}
