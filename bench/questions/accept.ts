/**
 * How fast is mail made durable? Nothing is delivered meanwhile (see each peer's file). A fresh instance per sample,
 * so that no queue grows from one to the next. The floors answer as well: what the platform can do while keeping nothing.
 */
import { openFastSink, runSource, warmUp, type FastSink, type Load } from '../load.ts';
import type { Peer } from '../peers/peer.ts';
import { posthorn, twoReceivers } from '../peers/posthorn.ts';
import { attempt, type Bench } from './bench.ts';

interface Case extends Omit<Load, 'messages'> {
  readonly name: string;
}

const cases: readonly Case[] = [
  { name: 'accept 4K, 10 sessions', sessions: 10, octets: 4096, reconnect: false },
  { name: 'accept 4K, 50 sessions', sessions: 50, octets: 4096, reconnect: false },
  { name: 'accept 100K, 10 sessions', sessions: 10, octets: 102_400, reconnect: false },
];
const limitMs = 60_000;

export async function askAccept(bench: Bench, floors: readonly Peer[]): Promise<void> {
  const folder = bench.scratch('accept-sink');
  const sink = await openFastSink(folder);
  try {
    for (let round = 1; round <= bench.rounds; round += 1) {
      for (const peer of [...bench.peers, ...(bench.quick ? [] : floors)]) {
        bench.say(`accept, round ${round} of ${bench.rounds}: ${peer.name}`);
        await attempt(bench, `${peer.name}, accept`, () => sample(bench, peer, sink));
      }
      if (!bench.peers.includes(posthorn)) continue;
      bench.say(`accept, round ${round} of ${bench.rounds}: posthorn with two receivers`);
      await attempt(bench, 'posthorn with two receivers', () => sample(bench, twoReceivers, sink, ', 2 receivers'));
    }
  } finally {
    await sink.close();
    bench.removed(folder);
  }
}

async function sample(bench: Bench, peer: Peer, sink: FastSink, suffix = ''): Promise<void> {
  const folder = bench.scratch(`accept-${peer.name}`);
  const running = await peer.start({ folder, nextHop: sink.port, mode: 'accept' });
  try {
    await warmUp(running.port, bench.warmSeconds);
    for (const kind of bench.quick ? cases.filter(({ octets }) => octets < 10_000) : cases) {
      const warm = await timed(running.port, { ...kind, messages: 500 });
      const messages = Math.round(Math.min(kind.octets > 10_000 ? 8000 : 40_000, Math.max(200, (500 / warm) * bench.sampleSeconds)));
      const seconds = await timed(running.port, { ...kind, messages });
      bench.notebook.note({ name: kind.name + suffix, unit: 'messages/s', better: 'more' }, peer.name, messages / seconds);
    }
  } finally {
    await running.stop();
    bench.removed(folder);
  }
}

async function timed(port: number, load: Load): Promise<number> {
  const start = performance.now();
  await runSource(port, load, limitMs);
  return (performance.now() - start) / 1000;
}
