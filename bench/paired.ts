/**
 * What does a change bring, on a box that is never the same twice? All builds run at once, idle but for their turn; bursts
 * go to one after the other, in a new order each round, and what counts is the ratio to the first build within a round.
 * Give the first build twice, and the second copy's ratios say how much is noise.
 *
 *   node bench/paired.ts [--rounds 16] [--sessions 10] [--octets 4096] [--burst 3000] [--reconnect] [--accept] NAME=BUILD[|NODE FLAGS] …
 *
 * BUILD is what `make build` made, or a copy of it that has links to node_modules and package.json beside it.
 */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { scratchFolder } from '../test/props/scratch.ts';
import { loadToolsAbsent, openFastSink, runSource, type FastSink, type Load } from './load.ts';
import { posthornWith } from './peers/posthorn.ts';
import type { Peer, Running } from './peers/peer.ts';
import { cpuSeconds } from './processes.ts';
import { median, percentile } from './statistics.ts';
import { columns } from './table.ts';

const WARMING_MESSAGES = 16_000;
const limitMs = 120_000;

interface Build {
  readonly name: string;
  readonly peer: Peer;
}

interface Burst {
  readonly perSecond: number;
  /** Of all its threads, a message. */
  readonly cpuUs: number;
}

interface Runner {
  readonly build: Build;
  readonly running: Running;
  readonly bursts: Burst[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '16' }, sessions: { type: 'string', default: '10' }, octets: { type: 'string', default: '4096' },
    burst: { type: 'string', default: '3000' }, accept: { type: 'boolean', default: false }, reconnect: { type: 'boolean', default: false },
  },
});
const builds = positionals.map(parseBuild);
const missing = [loadToolsAbsent(), builds.length < 2 ? 'two builds at least: NAME=BUILD …' : null, ...builds.map(({ peer }) => peer.absent())].find(one => one !== null);
if (missing === undefined) await main();
else process.stderr.write(`${missing}\n`);
process.exitCode = missing === undefined ? 0 : 2;

function parseBuild(word: string): Build {
  const [name = '', rest = ''] = word.split(/=(.*)/s);
  const [folder = '', flags = ''] = rest.split('|');
  return { name, peer: posthornWith({}, resolve(folder, 'src', 'main.js'), flags.split(' ').filter(Boolean)) };
}

async function main(): Promise<void> {
  const folder = scratchFolder('bench-paired');
  const sink = await openFastSink(folder);
  const load: Load = { sessions: Number(values.sessions), octets: Number(values.octets), messages: Number(values.burst), reconnect: values.reconnect };
  const runners: Runner[] = [];
  try {
    for (const build of builds) {
      const running = await build.peer.start({ folder: join(folder, build.name), nextHop: sink.port, mode: values.accept ? 'accept' : 'relay' });
      runners.push({ build, running, bursts: [] });
      for (let sent = 0; sent < WARMING_MESSAGES; sent += load.messages) await burst(running, sink, load);
    }
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const one of shuffled(runners)) one.bursts.push(await burst(one.running, sink, load));
    }
    print(runners);
  } finally {
    for (const { running } of runners) await running.stop();
    await sink.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function burst(running: Running, sink: FastSink, load: Load): Promise<Burst> {
  const goal = sink.count() + load.messages;
  const cpu = cpuSeconds(running.pids);
  const start = performance.now();
  await runSource(running.port, load, limitMs);
  if (!values.accept) await sink.reached(goal, limitMs);
  const seconds = (performance.now() - start) / 1000;
  return { perSecond: load.messages / seconds, cpuUs: ((cpuSeconds(running.pids) - cpu) / load.messages) * 1e6 };
}

function shuffled<T>(all: readonly T[]): readonly T[] {
  return all.map(one => ({ one, at: Math.random() })).toSorted((a, b) => a.at - b.at).map(({ one }) => one);
}

function print(runners: readonly Runner[]): void {
  const [base] = runners;
  const rows = runners.map(({ build, bursts }) => {
    const ratios = (of: (burst: Burst) => number): string => {
      const all = bursts.map((one, round) => of(one) / of(base!.bursts[round]!));
      return `${median(all).toFixed(3)}  (${percentile(all, 0.25).toFixed(2)} to ${percentile(all, 0.75).toFixed(2)})`;
    };
    const absolute = [median(bursts.map(one => one.perSecond)).toFixed(0), median(bursts.map(one => one.cpuUs)).toFixed(0)];
    return [build.name, ...absolute, ratios(one => one.perSecond), ratios(one => one.cpuUs)];
  });
  process.stdout.write(`${columns([['', 'a second', 'CPU us', 'a second, times the first', 'CPU, times the first'], ...rows], new Set([1, 2])).join('\n')}\n`);
}
