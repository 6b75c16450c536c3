/** Where does Posthorn's time go while it relays 4 KB mail at 10 sessions? */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { hotspots, type Hotspot } from '../cpu-profile.ts';
import { openFastSink, runSource } from '../load.ts';
import type { Peer } from '../peers/peer.ts';
import type { Bench } from './bench.ts';

export async function askProfile(bench: Bench, peer: Peer): Promise<readonly Hotspot[]> {
  bench.say(`profile: ${peer.name}, relay 4K, 10 sessions`);
  const folder = bench.scratch('profile');
  const sink = await openFastSink(folder);
  const profiles = join(folder, 'profiles');
  const running = await peer.start({ folder, nextHop: sink.port, mode: 'relay', profile: profiles });
  const messages = bench.quick ? 5000 : 15_000;
  try {
    await runSource(running.port, { sessions: 10, messages, octets: 4096, reconnect: false }, 60_000);
    await sink.reached(messages, 60_000);
  } finally {
    await running.stop();
    await sink.close();
  }
  const file = readdirSync(profiles).find((name) => name.endsWith('.cpuprofile'));
  const found = file === undefined ? [] : hotspots(readFileSync(join(profiles, file), 'utf8'));
  bench.removed(folder);
  return found;
}
