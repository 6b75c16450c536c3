/** How long does one client wait for its 250, from the final dot on? One session, 4 KB, durable, nothing else going on. */
import { dialSmtp } from '../../test/props/smtp-client.ts';
import { dotStuffed, messageText } from '../../test/props/messages.ts';
import { openFastSink, warmUp } from '../load.ts';
import type { Peer, Running } from '../peers/peer.ts';
import { percentile } from '../statistics.ts';
import { attempt, type Bench } from './bench.ts';

/** The client's own first turns. */
const SETTLING = 200;

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
  const client = await dialSmtp({ port: running.port });
  await client.hello();
  const body = dotStuffed(Buffer.from(messageText({ token: 'latency', octets: 4096 })));
  const waits: number[] = [];
  for (let turn = 0; turn < SETTLING + (bench.quick ? 1500 : 3000); turn += 1) {
    for (const line of ['MAIL FROM:<source@sender.example>', 'RCPT TO:<sink@there.example>', 'DATA']) await client.say(line);
    const dot = performance.now();
    client.write(body);
    const answer = await client.reply();
    if (answer.code !== 250) throw new Error(answer.text);
    if (turn >= SETTLING) waits.push(performance.now() - dot);
  }
  await client.quit();
  bench.notebook.note({ name: 'final dot to 250, p50', unit: 'ms', better: 'less' }, peer.name, percentile(waits, 0.5));
  bench.notebook.note({ name: 'final dot to 250, p99', unit: 'ms', better: 'less' }, peer.name, percentile(waits, 0.99));
}
