/** How long does one client wait for its 250, from the final dot on? One session, 4 KB, durable, nothing else going on. */
import { dialSmtp } from '../../test/props/smtp-client.ts';
import { dotStuffed, messageText } from '../../test/props/messages.ts';
import { openFastSink } from '../load.ts';
import type { Peer } from '../peers/peer.ts';
import { percentile } from '../statistics.ts';
import { attempt, type Bench } from './bench.ts';

export async function askLatency(bench: Bench): Promise<void> {
  const folder = bench.scratch('latency-sink');
  const sink = await openFastSink(folder);
  try {
    for (let round = 1; round <= bench.rounds; round += 1) {
      for (const peer of bench.peers) {
        bench.say(`latency, round ${round} of ${bench.rounds}: ${peer.name}`);
        await attempt(bench, `${peer.name}, latency`, () => sample(bench, peer, sink.port));
      }
    }
  } finally {
    await sink.close();
    bench.removed(folder);
  }
}

async function sample(bench: Bench, peer: Peer, nextHop: number): Promise<void> {
  const folder = bench.scratch(`latency-${peer.name}`);
  const running = await peer.start({ folder, nextHop, mode: 'accept' });
  try {
    const client = await dialSmtp({ port: running.port });
    await client.hello();
    const body = dotStuffed(Buffer.from(messageText({ token: 'latency', octets: 4096 })));
    const waits: number[] = [];
    const warming = bench.quick ? 800 : 3000;
    for (let turn = 0; turn < warming + (bench.quick ? 800 : 3000); turn += 1) {
      for (const line of ['MAIL FROM:<source@sender.example>', 'RCPT TO:<sink@there.example>', 'DATA']) await client.say(line);
      const dot = performance.now();
      client.write(body);
      const answer = await client.reply();
      if (answer.code !== 250) throw new Error(answer.text);
      if (turn >= warming) waits.push(performance.now() - dot);
    }
    await client.quit();
    bench.notebook.note({ name: 'final dot to 250, p50', unit: 'ms', better: 'less' }, peer.name, percentile(waits, 0.5));
    bench.notebook.note({ name: 'final dot to 250, p99', unit: 'ms', better: 'less' }, peer.name, percentile(waits, 0.99));
  } finally {
    await running.stop();
    bench.removed(folder);
  }
}
