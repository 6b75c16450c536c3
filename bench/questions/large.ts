/**
 * How fast is a large message taken? 25 MB from the first octet of data to the 250, plain and with a dot before each
 * line (which must be taken out again), beside the floor that only looks for the end.
 */
import { dialSmtp } from '../../test/props/smtp-client.ts';
import type { Peer } from '../peers/peer.ts';
import { openFastSink } from '../load.ts';
import { attempt, type Bench } from './bench.ts';

const octets = 25 * 1024 * 1024;
const header = Buffer.from('Subject: large\r\n\r\n');
const bodies: readonly (readonly [string, Buffer])[] = [
  ['25 MB of plain lines', Buffer.concat([header, Buffer.alloc(octets, `${'abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, 74)}\r\n`), Buffer.from('\r\n.\r\n')])],
  ['25 MB, each line dotted', Buffer.concat([header, Buffer.alloc(octets, `..${'abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, 72)}\r\n`), Buffer.from('\r\n.\r\n')])],
];

export async function askLarge(bench: Bench, floors: readonly Peer[]): Promise<void> {
  const folder = bench.scratch('large-sink');
  const sink = await openFastSink(folder);
  try {
    for (let round = 1; round <= bench.rounds; round += 1) {
      for (const peer of [...bench.peers, ...floors]) {
        bench.say(`large mail, round ${round} of ${bench.rounds}: ${peer.name}`);
        await attempt(bench, `${peer.name}, large mail`, () => sample(bench, peer, sink.port));
      }
    }
  } finally {
    await sink.close();
    bench.removed(folder);
  }
}

async function sample(bench: Bench, peer: Peer, nextHop: number): Promise<void> {
  const folder = bench.scratch(`large-${peer.name}`);
  const running = await peer.start({ folder, nextHop, mode: 'accept' });
  try {
    const client = await dialSmtp({ port: running.port, timeoutMs: 120_000 });
    await client.hello();
    for (const [name, body] of bodies) {
      for (const line of ['MAIL FROM:<source@sender.example>', 'RCPT TO:<sink@there.example>', 'DATA']) await client.say(line);
      const start = performance.now();
      client.write(body);
      const answer = await client.reply();
      if (answer.code !== 250) throw new Error(answer.text);
      bench.notebook.note({ name, unit: 'MB/s', better: 'more' }, peer.name, octets / 1e6 / ((performance.now() - start) / 1000));
    }
    await client.quit();
  } finally {
    await running.stop();
    bench.removed(folder);
  }
}
