/**
 * Does one bad destination delay mail to others? 10,000 messages wait for a next hop that is dead (refuses), silent
 * (connects, says nothing) or slow (answers each command after a second); meanwhile a letter for a healthy one comes
 * every 15 milliseconds. Measured is the time from its 250 to its arrival, beside the same letters with an empty queue,
 * in interleaved rounds on one box.
 *
 *   node bench/slow-destination.ts [--messages 10000] [--letters 600] [--rounds 3] [--only dead,silent,slow]
 *
 * Ends with 1 when a median is 20 % longer than without.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Instant } from '../src/core/clock.ts';
import type { Address, Envelope, Recipient, RecipientId } from '../src/core/envelope.ts';
import { silent } from '../src/core/log.ts';
import { openLmdbQueue } from '../src/flow/queue/index.ts';
import { openKernels } from '../src/kit/wasm/kernels.ts';
import { createSystemClock } from '../src/kit/system-clock.ts';
import { createBox } from '../test/props/box.ts';
import { messageText } from '../test/props/messages.ts';
import { freePorts } from '../test/props/ports.ts';
import { scratchFolder } from '../test/props/scratch.ts';
import { openSink, silence, type Said, type Sink } from '../test/props/sink.ts';
import { dialSmtp } from '../test/props/smtp-client.ts';
import { median } from './statistics.ts';

const MOST = 1.2;
const EVERY_MS = 15;
/** Enough for filling and starting, before all of it becomes due at once. */
const START_MS = 15_000;
const SLOW_MS = 1000;
const WARM_UP = 50;
const program = join(import.meta.dirname, '..', 'build', 'src', 'main.js');

type Illness = 'dead' | 'silent' | 'slow';

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { messages: { type: 'string', default: '10000' }, letters: { type: 'string', default: '600' }, rounds: { type: 'string', default: '3' }, only: { type: 'string', default: 'dead,silent,slow' } } });
  const illnesses = values.only.split(',') as Illness[];
  const latencies = new Map<Illness | 'none', number[]>([['none', []]]);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const illness of ['none', ...illnesses] as const) {
      const found = await measure(illness, illness === 'none' ? 0 : Number(values.messages), Number(values.letters));
      latencies.set(illness, [...(latencies.get(illness) ?? []), found]);
      say(`round ${round + 1}, ${illness.padEnd(6)} median ${found.toFixed(2)} ms`);
    }
  }
  const usual = latencies.get('none') ?? [];
  let broken = 0;
  for (const illness of illnesses) {
    const found = latencies.get(illness) ?? [];
    // Neighbours in one round met the same weather; the best of all rounds met the best.
    const paired = median(found.map((ms, n) => ms / (usual[n] ?? ms)));
    const best = Math.min(...found) / Math.min(...usual);
    const ratio = Math.min(paired, best);
    say(`${illness.padEnd(6)} ${median(found).toFixed(2)} ms beside ${median(usual).toFixed(2)} ms: ${percent(paired)} more, best against best ${percent(best)} (wanted: below ${((MOST - 1) * 100).toFixed(0)} %)`);
    if (ratio >= MOST) broken++;
  }
  return broken === 0 ? 0 : 1;
}

function percent(ratio: number): string {
  return `${((ratio - 1) * 100).toFixed(0)} %`;
}

async function measure(illness: Illness | 'none', messages: number, letters: number): Promise<number> {
  const folder = scratchFolder('bench-slow');
  const arrivals = new Map<string, number>();
  const healthy = await openSink({ keep: 'tokens', answer: ({ stage, line }) => {
    if (stage === 'end') arrivals.set(line, performance.now());
    return undefined;
  } });
  const ill = illness === 'dead' || illness === 'none' ? null : await openSink({ keep: 'tokens', answer: ({ stage }) => says(illness, stage) });
  const [nobody = 0] = await freePorts(1);
  const box = await createBox({ folder, entry: program, logFile: join(folder, 'log'), files: { esmtproutes: `ill.example:[127.0.0.1],${ill?.port ?? nobody}\n:[127.0.0.1],${healthy.port}\n`, warntime: '0\n' } });
  try {
    const due = Date.now() + START_MS;
    await fill(join(folder, 'state', 'queue'), messages, due as Instant);
    await box.start();
    // The letters are to come while all of it is due, and none of them while it still becomes so.
    await new Promise(resolve => setTimeout(resolve, Math.max(0, due - Date.now())));
    return await send(box.port, healthy, arrivals, letters);
  } finally {
    if (box.running) await box.kill();
    await box.close();
    await healthy.close();
    await ill?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function says(illness: Illness, stage: string): Said | undefined {
  if (illness === 'silent') return silence;
  return { reply: stage === 'greeting' ? '220 slow.example' : stage === 'data' ? '354 Go on' : '250 Well', afterMs: SLOW_MS };
}

/** One after the other at a steady pace, whatever became of the one before: as mail comes. */
async function send(port: number, healthy: Sink, arrivals: ReadonlyMap<string, number>, letters: number): Promise<number> {
  const accepted = new Map<string, number>();
  const client = await dialSmtp({ port });
  await client.hello();
  let due = performance.now();
  for (let n = 0; n < WARM_UP + letters; n++) {
    const token = `letter${n}`;
    const answer = await client.send({ from: 'ada@sender.example', to: ['bob@there.example'], content: messageText({ token, octets: 2048 }) });
    if (answer.code !== 250) throw new Error(`${answer.code} ${answer.text}`);
    accepted.set(token, performance.now());
    due += EVERY_MS;
    const pause = due - performance.now();
    if (pause > 0) await new Promise(resolve => setTimeout(resolve, pause));
  }
  await client.quit();
  await healthy.until(120_000, 'every letter', () => arrivals.size === accepted.size);
  // What a process does first is slower, with any queue. One that arrives before we read its 250 took no time.
  return median([...accepted].slice(WARM_UP).map(([token, at]) => Math.max(0, (arrivals.get(token) ?? Number.POSITIVE_INFINITY) - at)));
}

async function fill(folder: string, messages: number, due: Instant): Promise<void> {
  if (messages === 0) return;
  const kernels = openKernels();
  const clock = createSystemClock();
  const store = await openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0 });
  const start = clock.now();
  const content = Buffer.from(messageText({ token: 'waits', octets: 1024 }));
  const digest = kernels.digest(content);
  for (let n = 0; n < messages;) {
    const batch: Promise<void>[] = [];
    for (; n < messages && batch.length < 2000; n++) batch.push(post(n));
    await Promise.all(batch);
  }
  await store.close();

  async function post(n: number): Promise<void> {
    const envelope: Envelope = { reversePath: 'writer@sender.example' as Address, body: '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'ESMTP', at: start } };
    const recipient: Recipient = { id: 0 as RecipientId, address: `reader${n}@ill.example` as Address };
    const draft = store.begin(envelope, [recipient]);
    void draft.write(Buffer.from(content));
    const facts = { sizeOctets: content.length, digest, has8bit: false, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 72, headerEnd: content.indexOf('\r\n\r\n') + 4, header8bit: false };
    const committed = await draft.commit({ due, trace: Buffer.from('Received: by posthorn.example\r\n'), facts });
    if (committed.kind !== 'committed') throw new Error(`not stored: ${JSON.stringify(committed)}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
