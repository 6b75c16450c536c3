/**
 * How fast does mail go through? smtp-source → peer → smtp-sink. The clock stops when the last message is at the
 * sink, so a queue that lags behind is not forgiven. Peers run side by side, idle ones cost nothing; each question is
 * put to all of them in turn before the next round. The floor says what a relay in Node does that only keeps and sends.
 */
import { cpus } from 'node:os';
import { openFastSink, runSource, type FastSink, type Load } from '../load.ts';
import type { Peer, Running } from '../peers/peer.ts';
import { cpuSeconds, endedChildrenSeconds, watchMemory } from '../processes.ts';
import { attempt, type Bench } from './bench.ts';

interface Case extends Omit<Load, 'messages'> {
  readonly name: string;
}

const cases: readonly Case[] = [
  { name: 'relay 4K, 1 session', sessions: 1, octets: 4096, reconnect: false },
  { name: 'relay 4K, 10 sessions', sessions: 10, octets: 4096, reconnect: false },
  { name: 'relay 4K, 50 sessions', sessions: 50, octets: 4096, reconnect: false },
  { name: 'relay 4K, new connection each', sessions: 10, octets: 4096, reconnect: true },
  { name: 'relay 100K, 10 sessions', sessions: 10, octets: 102_400, reconnect: false },
];
const limitMs = 60_000;

interface Runner {
  readonly peer: Peer;
  readonly running: Running;
  readonly sink: FastSink;
  readonly folder: string;
  /** Messages a second last time, by case: how many to send next time. */
  readonly rates: Map<string, number>;
}

export async function askRelay(bench: Bench, floors: readonly Peer[]): Promise<void> {
  const runners: Runner[] = [];
  try {
    for (const peer of [...bench.peers, ...floors]) await attempt(bench, peer.name, async () => void runners.push(await begin(bench, peer)));
    for (const one of runners) {
      bench.say(`relay, warming up: ${one.peer.name}`);
      await attempt(bench, `${one.peer.name}, warming up`, () => warmUp(bench, one));
    }
    for (let round = 1; round <= bench.rounds; round += 1) {
      for (const kind of cases) {
        for (const one of runners) {
          bench.say(`relay, round ${round} of ${bench.rounds}: ${kind.name}, ${one.peer.name}`);
          await attempt(bench, `${one.peer.name}, ${kind.name}`, () => sample(bench, one, kind));
        }
      }
    }
    // Looking at memory costs a peer of many processes its time, so it has a run of its own.
    for (const one of runners) await attempt(bench, `${one.peer.name}, memory`, () => highest(bench, one, cases[2]!));
  } finally {
    for (const one of runners) {
      await attempt(bench, `stopping ${one.peer.name}`, () => one.running.stop());
      await one.sink.close();
      bench.removed(one.folder);
    }
  }
}

async function begin(bench: Bench, peer: Peer): Promise<Runner> {
  const folder = bench.scratch(`relay-${peer.name}`);
  const sink = await openFastSink(folder);
  const running = await peer.start({ folder, nextHop: sink.port, mode: 'relay' });
  return { peer, running, sink, folder, rates: new Map() };
}

async function warmUp(bench: Bench, one: Runner): Promise<void> {
  for (const kind of cases) await through(one, kind, 300);
  const [, ten] = cases;
  await through(one, ten!, Math.round(one.rates.get(ten!.name)! * bench.warmSeconds));
}

async function sample(bench: Bench, one: Runner, kind: Case): Promise<void> {
  const messages = Math.round(Math.min(60_000, Math.max(200, (one.rates.get(kind.name) ?? 200) * bench.sampleSeconds)));
  const before = costs(one);
  const seconds = await through(one, kind, messages);
  const after = costs(one);
  const note = (name: string, unit: string, better: 'more' | 'less', sample: number) => bench.notebook.note({ name, unit, better }, one.peer.name, sample);
  note(kind.name, 'messages/s', 'more', messages / seconds);
  if (!ofInterest.has(kind.name)) return;
  const own = after.own - before.own;
  const load = after.load - before.load;
  if (kind.sessions === 10) note('CPU for 1000 relayed 4K messages', 's', 'less', own / (messages / 1000));
  note(`${kind.name}: CPU of source and sink for 1000`, 's', 'less', load / (messages / 1000));
  // What this peer would reach on this box if no core ever waited, each message costing what it cost now.
  note(`${kind.name}: with every core busy all the time`, 'messages/s', 'more', messages / ((own + load) / cpus().length));
}

const ofInterest = new Set(['relay 4K, 10 sessions', 'relay 4K, 50 sessions']);

function costs({ running, sink }: Runner): { readonly own: number; readonly load: number } {
  return { own: cpuSeconds(running.pids), load: endedChildrenSeconds() + cpuSeconds([sink.pid]) };
}

async function highest(bench: Bench, one: Runner, kind: Case): Promise<void> {
  bench.say(`relay, memory: ${one.peer.name}`);
  const peak = watchMemory(one.running.pids, one.running.dataFolder);
  await through(one, kind, Math.round(Math.max(200, (one.rates.get(kind.name) ?? 200) * bench.sampleSeconds)));
  bench.notebook.note({ name: 'memory while relaying, highest', unit: 'MiB', better: 'less' }, one.peer.name, peak().own);
}

async function through(one: Runner, kind: Case, messages: number): Promise<number> {
  const goal = one.sink.count() + messages;
  const start = performance.now();
  await runSource(one.running.port, { ...kind, messages }, limitMs);
  await one.sink.reached(goal, limitMs);
  const seconds = (performance.now() - start) / 1000;
  one.rates.set(kind.name, messages / seconds);
  return seconds;
}
