/**
 * How much memory? Proportional set size of the whole process tree: idle, with 100,000 messages queued, and while ten
 * sessions send 25 MB each at once. "own" leaves out mapped pages of the queue's file, which are the page cache's.
 */
import { openFastSink, runSource } from '../load.ts';
import type { Peer } from '../peers/peer.ts';
import { memoryOf, watchMemory } from '../processes.ts';
import { attempt, type Bench } from './bench.ts';

const settleMs = 3000;
const many = 100_000;
const limitMs = 180_000;

export async function askMemory(bench: Bench): Promise<void> {
  const folder = bench.scratch('memory-sink');
  const sink = await openFastSink(folder);
  try {
    for (const peer of bench.peers) {
      bench.say(`memory: ${peer.name}, idle and with a long queue`);
      await attempt(bench, `${peer.name}, memory`, () => queued(bench, peer, sink.port));
      bench.say(`memory: ${peer.name}, 25 MB in 10 sessions`);
      await attempt(bench, `${peer.name}, large mail`, () => large(bench, peer));
    }
  } finally {
    await sink.close();
    bench.removed(folder);
  }
}

async function queued(bench: Bench, peer: Peer, nextHop: number): Promise<void> {
  const folder = bench.scratch(`memory-${peer.name}`);
  const running = await peer.start({ folder, nextHop, mode: 'accept' });
  const note = (name: string, value: number): void => bench.notebook.note({ name, unit: 'MiB', better: 'less' }, peer.name, value);
  try {
    await settled();
    const idle = memoryOf(running.pids, running.dataFolder);
    note('memory idle', idle.pss);
    // A hundred thousand take a slow peer minutes; a quick look asks only us.
    if (bench.quick && peer.name !== 'posthorn') return;
    // What 1000 messages leave warm in the process is not the queue's doing.
    await runSource(running.port, { sessions: 20, messages: 1000, octets: 4096, reconnect: false }, limitMs);
    await settled();
    const short = memoryOf(running.pids, running.dataFolder);
    await runSource(running.port, { sessions: 20, messages: many - 1000, octets: 1024, reconnect: false }, limitMs);
    await settled();
    const long = memoryOf(running.pids, running.dataFolder);
    note('memory with 1,000 queued, own', short.own);
    note('memory with 100,000 queued, own', long.own);
    note('memory with 100,000 queued, page cache and all', long.pss);
    note('memory: what 99,000 more messages cost', long.own - short.own);
  } finally {
    await running.stop();
  }
  // The same queue in a fresh process: what the messages themselves cost, without what taking them in left behind.
  const again = await peer.start({ folder, nextHop, mode: 'accept' });
  await settled();
  note('memory after a new start with 100,000 queued, own', memoryOf(again.pids, again.dataFolder).own);
  await again.stop();
  bench.removed(folder);
}

async function large(bench: Bench, peer: Peer): Promise<void> {
  const folder = bench.scratch(`large-${peer.name}`);
  const sink = await openFastSink(folder);
  const running = await peer.start({ folder, nextHop: sink.port, mode: 'relay' });
  try {
    const peak = watchMemory(running.pids, running.dataFolder);
    await runSource(running.port, { sessions: 10, messages: 10, octets: 25 * 1024 * 1024, reconnect: false }, limitMs);
    await sink.reached(10, limitMs);
    const { own, pss } = peak();
    bench.notebook.note({ name: '25 MB in 10 sessions, highest', unit: 'MiB', better: 'less' }, peer.name, own);
    bench.notebook.note({ name: '25 MB in 10 sessions, page cache and all', unit: 'MiB', better: 'less' }, peer.name, pss);
  } finally {
    await running.stop();
    await sink.close();
    bench.removed(folder);
  }
}

function settled(): Promise<void> {
  return new Promise((done) => setTimeout(done, settleMs));
}
