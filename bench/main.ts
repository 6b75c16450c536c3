/**
 * `make bench`: Posthorn beside its peers on this box, in interleaved rounds; prints a table, writes JSON and a
 * picture into results/, and ends with 1 when something that must hold does not.
 *
 *   node bench/main.ts [--quick] [--only relay,accept,large,latency,memory,crowd,startup,disk,profile] [--peers posthorn,postfix,…] [--rounds N]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { scratchFolder } from '../test/props/scratch.ts';
import type { Hotspot } from './cpu-profile.ts';
import { loadToolsAbsent } from './load.ts';
import { courier } from './peers/courier.ts';
import { exim } from './peers/exim.ts';
import { floor } from './peers/floor.ts';
import { haraka } from './peers/haraka.ts';
import { postfix } from './peers/postfix.ts';
import { posthorn } from './peers/posthorn.ts';
import { askAccept } from './questions/accept.ts';
import type { Bench } from './questions/bench.ts';
import { askCrowd } from './questions/crowd.ts';
import { askDisk } from './questions/disk.ts';
import { askLarge } from './questions/large.ts';
import { askLatency } from './questions/latency.ts';
import { askMemory } from './questions/memory.ts';
import { askProfile } from './questions/profile.ts';
import { askRelay } from './questions/relay.ts';
import { askStartup } from './questions/startup.ts';
import { barsSvg } from './plot.ts';
import { judge } from './requirements.ts';
import { createNotebook, type Results } from './results.ts';
import { median } from './statistics.ts';
import { answersTable, judgementTable, paint, profileTable } from './table.ts';

const questions: readonly string[] = ['startup', 'disk', 'relay', 'accept', 'large', 'latency', 'memory', 'crowd', 'profile'];
/** What a look of less than three minutes has time for. */
const quickQuestions: readonly string[] = ['startup', 'relay', 'accept', 'large', 'latency'];
const everyone = [posthorn, postfix, courier, haraka, exim];
const relayFloors = [floor('floor: relay', 'bare-relay.ts')];
const floors = [floor('floor: net', 'bare-net.ts'), floor('floor: smtp-server', 'smtp-server.ts')];

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, peers: { type: 'string' }, rounds: { type: 'string' } } });
  const wanted = new Set(values.only?.split(',') ?? (values.quick ? quickQuestions : questions));
  const stranger = [...wanted].find((name) => !questions.includes(name));
  const missing = stranger === undefined ? loadToolsAbsent() : `--only ${stranger}: the questions are ${questions.join(', ')}`;
  if (missing !== null) {
    process.stderr.write(`${missing}\n`);
    return 2;
  }

  const named = values.peers ?? (values.quick ? 'posthorn,postfix' : undefined);
  const invited = everyone.filter((peer) => named === undefined || named.split(',').includes(peer.name));
  for (const peer of invited) if (peer.absent() !== null) print(paint('yellow', `without ${peer.name}: ${peer.absent()}`));
  const notebook = createNotebook();
  const bench: Bench = {
    peers: invited.filter((peer) => peer.absent() === null),
    rounds: Number(values.rounds ?? (values.quick ? 3 : 5)),
    sampleSeconds: values.quick ? 1 : 3,
    warmSeconds: values.quick ? 2 : 8,
    quick: values.quick,
    notebook,
    scratch: (name) => scratchFolder(`bench-${name.replaceAll(/[^a-z0-9]+/g, '-')}`),
    removed: (folder) => rmSync(folder, { recursive: true, force: true }),
    say: showProgress,
  };

  let profile: readonly Hotspot[] = [];
  if (wanted.has('startup')) await askStartup(bench);
  if (wanted.has('disk')) await askDisk(bench);
  if (wanted.has('relay')) await askRelay(bench, relayFloors);
  if (wanted.has('accept')) await askAccept(bench, floors);
  if (wanted.has('large')) await askLarge(bench, floors);
  if (wanted.has('latency')) await askLatency(bench);
  if (wanted.has('memory')) await askMemory(bench);
  if (wanted.has('crowd') && bench.peers.includes(posthorn)) await askCrowd(bench);
  if (wanted.has('profile') && bench.peers.includes(posthorn)) profile = await askProfile(bench, posthorn);
  clearProgress();

  const answers = notebook.answers();
  const judgements = judge(answers);
  const seen = [...bench.peers, ...relayFloors, ...floors].map((peer) => peer.name).filter((name) => answers.some((one) => name in one.samples));
  print(paint('bold', '\nMedians, with the spread of the rounds'));
  for (const line of answersTable(answers, answers.some((one) => 'disk' in one.samples) ? [...seen, 'disk'] : seen)) print(line);
  if (profile.length > 0) print(paint('bold', '\nWhere Posthorn\'s time goes (relay 4K, 10 sessions; idle left out)'));
  for (const line of profileTable(profile)) print(line);
  print(paint('bold', '\nPromises'));
  for (const line of judgementTable(judgements)) print(line);
  print(`\nwritten: ${write({ version: 1, at: new Date().toISOString(), box: { node: process.version, cpus: cpus().length, model: cpus()[0]?.model ?? '' }, quick: values.quick, answers })}`);
  return judgements.some((one) => one.kind === 'must' && one.verdict === 'broken') ? 1 : 0;
}

function write(results: Results): string {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${results.at.replaceAll(/[:.]/g, '-')}.json`);
  writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(file.replace(/json$/, 'svg'), barsSvg(results.answers.map(({ name, unit, samples }) => ({
    title: name, unit, bars: Object.entries(samples).map(([peer, values]) => ({ name: peer, value: median(values) })),
  }))));
  return file;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** On a terminal one line that changes, elsewhere a line each. */
function showProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
  else process.stderr.write(`${line}\n`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}
