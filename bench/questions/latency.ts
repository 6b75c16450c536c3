/** How long does one client wait for its 250, from the final dot on? One session, 4 KB, durable, nothing else going on. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { openFastSink, warmUp } from '../load.ts';
import type { Peer, Running } from '../peers/peer.ts';
import { percentile } from '../statistics.ts';
import { attempt, type Bench } from './bench.ts';

const client = join(import.meta.dirname, '..', 'latency-client.ts');
/** Neither a compiler that works long nor a thread beside its own; and a young generation that such a run does not fill. */
const quietly = ['--single-threaded', '--no-opt', '--no-maglev', '--min-semi-space-size=64', '--max-semi-space-size=64'];
/** The client's own first turns. */
const SETTLING = 200;
const OCTETS = 4096;
const limitMs = 60_000;

interface Runner {
  readonly peer: Peer;
  readonly running: Running;
  readonly folder: string;
}

export async function askLatency(bench: Bench): Promise<void> {
  const folder = bench.scratch('latency-sink');
  const sink = await openFastSink(folder);
  const runners: Runner[] = [];
  try {
    for (const peer of bench.peers) await attempt(bench, peer.name, async () => void runners.push(await begin(bench, peer, sink.port)));
    for (const { peer, running } of runners) {
      bench.say(`latency, warming up: ${peer.name}`);
      await attempt(bench, `${peer.name}, warming up`, () => warmUp(running.port, bench.warmSeconds));
    }
    for (let round = 1; round <= bench.rounds; round += 1) {
      for (const one of runners) {
        bench.say(`latency, round ${round} of ${bench.rounds}: ${one.peer.name}`);
        await attempt(bench, `${one.peer.name}, latency`, () => sample(bench, one));
      }
    }
  } finally {
    for (const one of runners) {
      await attempt(bench, `stopping ${one.peer.name}`, () => one.running.stop());
      bench.removed(one.folder);
    }
    await sink.close();
    bench.removed(folder);
  }
}

async function begin(bench: Bench, peer: Peer, nextHop: number): Promise<Runner> {
  const folder = bench.scratch(`latency-${peer.name}`);
  const running = await peer.start({ folder, nextHop, mode: 'accept' });
  return { peer, running, folder };
}

async function sample(bench: Bench, { peer, running }: Runner): Promise<void> {
  const turns = SETTLING + (bench.quick ? 1500 : 3000);
  const child = spawn(process.execPath, [...quietly, client, String(running.port), String(turns), String(OCTETS)], { stdio: ['ignore', 'pipe', 'inherit'], detached: true, timeout: limitMs });
  const said = await text(child.stdout);
  if (said === '') throw new Error('the client did not come to its end');
  const waits = (JSON.parse(said) as number[]).slice(SETTLING);
  bench.notebook.note({ name: 'final dot to 250, p50', unit: 'ms', better: 'less' }, peer.name, percentile(waits, 0.5));
  bench.notebook.note({ name: 'final dot to 250, p99', unit: 'ms', better: 'less' }, peer.name, percentile(waits, 0.99));
}
