/**
 * What does a long queue cost? A gateway is started on 1,000, 100,000 and (--long) 1,000,000 queued messages, all of them
 * due: how fast does it deliver the next 10,000, how much memory does it take, how long does `mailq --summary`?
 *
 *   node bench/queue.ts [--long] [--only 1000,100000]     ends with 1 when something that must hold does not
 *
 * The short queue is the measure: 1,000 messages that wait for tomorrow, and the 10,000 that are delivered.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { after, type Instant } from '../src/core/clock.ts';
import type { Address, Envelope, Recipient, RecipientId } from '../src/core/envelope.ts';
import { silent } from '../src/core/log.ts';
import { openLmdbQueue } from '../src/flow/queue/index.ts';
import { openKernels } from '../src/kit/wasm/kernels.ts';
import { createSystemClock } from '../src/kit/system-clock.ts';
import { createBox } from '../test/props/box.ts';
import { scratchFolder } from '../test/props/scratch.ts';
import { openFastSink } from './load.ts';
import { memoryOf, watchMemory } from './processes.ts';

const SAMPLE = 10_000;
const DAY = 86_400_000;
const CONTENT_OCTETS = 1024;
const DOMAINS = 997;
const LIMITS = { ownMiB: 150, summaryMs: 1000, share: new Map([[100_000, 0.7], [1_000_000, 0.5]]) };
const program = join(import.meta.dirname, '..', 'build', 'src', 'main.js');

interface Figures {
  readonly depth: number;
  readonly perSecond: number;
  readonly ownMiB: number;
  readonly pssMiB: number;
  readonly readyMs: number;
  readonly summaryMs: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { long: { type: 'boolean', default: false }, only: { type: 'string' } } });
  const depths = values.only?.split(',').map(Number) ?? [1000, 100_000, ...(values.long ? [1_000_000] : [])];
  const all: Figures[] = [];
  for (const depth of depths) {
    const figures = await measure(depth);
    all.push(figures);
    const { perSecond, ownMiB, pssMiB, readyMs, summaryMs } = figures;
    say(`${String(depth).padStart(9)} queued: ${perSecond.toFixed(0)} delivered a second; memory ${ownMiB.toFixed(0)} MiB own, ${pssMiB.toFixed(0)} with pages of the queue's file; ready after ${readyMs.toFixed(0)} ms; mailq --summary ${summaryMs.toFixed(0)} ms`);
  }
  const broken = all.flatMap((one) => judge(one, all[0] as Figures));
  for (const line of broken) say(`BROKEN: ${line}`);
  return broken.length === 0 ? 0 : 1;
}

function judge({ depth, perSecond, ownMiB, summaryMs }: Figures, short: Figures): string[] {
  const share = LIMITS.share.get(depth) ?? 0;
  return [
    ...(ownMiB >= LIMITS.ownMiB ? [`${depth} queued: ${ownMiB.toFixed(0)} MiB, not below ${LIMITS.ownMiB}`] : []),
    ...(summaryMs >= LIMITS.summaryMs ? [`${depth} queued: mailq --summary takes ${summaryMs.toFixed(0)} ms, not below ${LIMITS.summaryMs}`] : []),
    ...(perSecond < share * short.perSecond ? [`${depth} queued: ${perSecond.toFixed(0)} a second is below ${share * 100} % of ${short.perSecond.toFixed(0)}`] : []),
  ];
}

async function measure(depth: number): Promise<Figures> {
  const folder = scratchFolder(`bench-queue-${depth}`);
  const sink = await openFastSink(folder);
  try {
    const started = performance.now();
    await fill(join(folder, 'state', 'queue'), depth <= SAMPLE ? [depth, SAMPLE] : [0, depth]);
    say(`${depth} written in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const box = await createBox({ folder, nextHop: sink.port, entry: program, logFile: join(folder, 'log') });
    const opening = performance.now();
    await box.start();
    const readyMs = performance.now() - opening;
    const highest = watchMemory([box.pid], join(folder, 'state'));
    // What a process does first is slower, with any queue.
    await sink.reached(SAMPLE / 5, 120_000);
    const from = { at: performance.now(), count: sink.count() };
    await sink.reached(SAMPLE, 300_000);
    const perSecond = (sink.count() - from.count) / ((performance.now() - from.at) / 1000);
    const asking = performance.now();
    const summary = await box.run(['mailq', '--summary']);
    const summaryMs = performance.now() - asking;
    if (summary.code !== 0) throw new Error(summary.stderr);
    const { own, pss } = highest();
    if (process.env['VERBOSE'] !== undefined) say(JSON.stringify(memoryOf([box.pid], join(folder, 'state'))));
    await box.kill();
    await box.close();
    return { depth, perSecond, ownMiB: own, pssMiB: pss, readyMs, summaryMs };
  } finally {
    await sink.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `later` for tomorrow, `now` due. */
async function fill(folder: string, [later, now]: readonly [number, number]): Promise<void> {
  const kernels = openKernels();
  const clock = createSystemClock();
  const store = await openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0 });
  const line = `${'The quick brown fox jumps over the lazy dog and thinks nothing of it. '.slice(0, 70)}\r\n`;
  const start = clock.now();
  for (let n = 0; n < later + now; ) {
    const batch: Promise<unknown>[] = [];
    for (; n < later + now && batch.length < 2000; n++) {
      const due = n < later ? after(start, DAY) : start;
      batch.push(post(n, due));
    }
    await Promise.all(batch);
  }
  await store.close();

  async function post(n: number, due: Instant): Promise<void> {
    const content = Buffer.from(`Subject: message ${n}\r\n\r\n${line.repeat(CONTENT_OCTETS / line.length)}`);
    const envelope: Envelope = {
      reversePath: `writer${n % 1000}@sender.example` as Address, body: '7bit', smtputf8: false,
      origin: { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.1', remoteName: 'mx.sender.example', helo: 'mx.sender.example', at: start },
    };
    const recipient: Recipient = { id: 0 as RecipientId, address: `reader${n}@d${n % DOMAINS}.example` as Address };
    const draft = store.begin(envelope, [recipient]);
    void draft.write(content);
    const facts = { sizeOctets: content.length, digest: kernels.digest(content), has8bit: false, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 70, headerEnd: content.indexOf('\r\n\r\n') + 4, header8bit: false };
    const trace = Buffer.from(`Received: from mx.sender.example (mx.sender.example [192.0.2.1])\r\n  by posthorn.example with ESMTP\r\n  id ${draft.id}; Sat, 21 Nov 2026 07:00:00 +0000\r\n`);
    const committed = await draft.commit({ due, trace, facts });
    if (committed.kind !== 'committed') throw new Error(`not stored: ${JSON.stringify(committed)}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
