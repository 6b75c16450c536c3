/**
 * What does a UUCP neighbour's mail cost? Octets on the line as single rmail jobs and as one batch, and how fast 1,000
 * mails go out and come in. `node bench/uucp.ts [messages]`; ends with 1 when a batch saves less than it must.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { silent } from '../src/core/log.ts';
import type { Delivery } from '../src/core/transport.ts';
import { openUucp, type UucpPlan } from '../src/flow/transport/uucp/index.ts';
import { parseBatchRules } from '../src/grammar/uucp/batch-rules.ts';
import { createNeighbors } from '../src/grammar/uucp/neighbors.ts';
import { createSystemClock } from '../src/kit/system-clock.ts';
import { createBox } from '../test/props/box.ts';
import { readCorpus } from '../test/props/corpus.ts';
import { deliveryOf } from '../test/props/deliveries.ts';
import { scratchFolder } from '../test/props/scratch.ts';
import { openSink } from '../test/props/sink.ts';
import { runJob } from '../test/props/uucp-job.ts';

const TIMES_FEWER = 3;
const AT_ONCE = 4;
const messages = Number(process.argv[2] ?? 1000);
const letters = readCorpus();

/**
 * Every mail its own: in life nothing is so alike as the same letter a hundred times. Words change places within their
 * line, and what is base64 is other base64.
 */
function shuffled(content: Buffer, seed: number): Buffer {
  let state = seed * 2654435761 >>> 0 || 1;
  const luck = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
  const lines = content.toString('latin1').split('\r\n');
  const body = lines.indexOf('');
  return Buffer.from(lines.map((line, at) => {
    if (at <= body || line.startsWith('--')) return line;
    if (/^[A-Za-z0-9+/=]{40,}$/.test(line)) return Array.from(line, () => BASE64[luck(64)]).join('');
    const words = line.split(' ');
    for (let n = words.length - 1; n > 0; n--) {
      const other = luck(n + 1);
      [words[n], words[other]] = [words[other] as string, words[n] as string];
    }
    return words.join(' ');
  }).join('\r\n'), 'latin1');
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function letter(n: number): Delivery {
  const content = shuffled((letters[n % letters.length] as (typeof letters)[number]).content, n + 1);
  const id = `${(0x660c1a2b3c000 + n * 7919).toString(16).toUpperCase()}.${(n * 2654435761 >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
  const trace = Buffer.from(`Received: from mail${n % 37}.sender.example (mail.sender.example [192.0.2.${n % 250}])\r\n  by here.example with ESMTP\r\n  id ${id}\r\n  for <user${n}@office.example>;\r\n  Sat, 21 Nov 2026 09:${String(n % 60).padStart(2, '0')}:00 +0000\r\nMessage-ID: <${id}@sender.example>\r\n`);
  return deliveryOf({ nexthop: 'siteb', id, from: `writer${n % 97}@sender${n % 13}.example`, to: [`user${n % 11}@office.example`], content: Buffer.concat([trace, content]) });
}

interface Out {
  readonly octets: number;
  readonly seconds: number;
  readonly text: Buffer;
}

/** The transport with a uux that only keeps what it is given. */
async function send(batches: string): Promise<Out> {
  const programs = scratchFolder('bench-programs');
  const scripts = { uux: `echo "$@" >> '${programs}/calls'\nexec cat >> '${programs}/input'`, uuname: 'echo siteb', uustat: 'exit 0', uucico: 'exit 0', uuxqt: 'exit 0' };
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(programs, name), 0o755);
  }
  const rules = parseBatchRules(batches);
  if (rules.kind === 'wrong') throw new Error(batches);
  const plan: UucpPlan = {
    site: { me: 'here', defaultDomain: 'here.example', neighbors: createNeighbors([{ path: 'siteb', reach: 'gateway' }]), domains: new Map([['office.example', 'siteb']]), isLocal: domain => domain === 'here.example' },
    rewriteHeaders: false, flags: ['-r', '-g', 'C'], programs, maxDeliveries: 4, maxPerNeighbor: 4, maxRecipients: 16,
    batches: new Map(rules.value.map(rule => [rule.node, rule])), grades: [], polls: [], alarmMs: 0, me: 'here.example',
  };
  const spool = scratchFolder('bench-uucp');
  const uucp = openUucp({ plan: () => plan, folder: spool, clock: createSystemClock(), log: silent, runs: false });
  const began = performance.now();
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < messages) {
      const outcomes = await uucp.transport.deliver(letter(next++), new AbortController().signal);
      for (const outcome of outcomes.values()) if (outcome.kind !== 'relayed') throw new Error(JSON.stringify(outcome));
    }
  }));
  if (batches !== '') await uucp.poll('siteb', 60_000);
  const seconds = (performance.now() - began) / 1000;
  await uucp.close();
  rmSync(spool, { recursive: true });
  const text = readFileSync(join(programs, 'input'));
  // uux sends the command with each job.
  const commands = readFileSync(join(programs, 'calls')).length;
  rmSync(programs, { recursive: true });
  return { octets: text.length + commands, seconds, text };
}

async function receive(batch: Uint8Array): Promise<number> {
  const sink = await openSink({ keep: 'tokens' });
  const box = await createBox({ nextHop: sink.port, files: { uucpneighbors: 'siteb\n' } });
  await box.start();
  const began = performance.now();
  const { code, stderr } = await runJob(box.config, 'rgsmtp', [], batch);
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(stderr);
  await box.stop();
  await sink.close();
  rmSync(box.folder, { recursive: true });
  return seconds;
}

const say = (text: string) => process.stdout.write(`${text}\n`);
const figure = (n: number) => n.toLocaleString('en').padStart(12);

say(`${messages} mails of the corpus for one neighbour (${spawnSync('nproc', { encoding: 'utf8' }).stdout.trim()} CPUs, ${process.version})\n`);
const single = await send('');
say(`rmail, a job each   ${figure(single.octets)} octets   ${figure(Math.round(messages / single.seconds))} mails/s`);
const plain = await send('siteb rsmtp age=poll size=1G\n');
let worst = Number.POSITIVE_INFINITY;
for (const [name, rule] of [['batch, plain', 'siteb rsmtp age=poll size=1G\n'], ['batch, gzip', 'siteb rgsmtp age=poll size=1G\n'], ['batch, zstd', 'siteb rzsmtp age=poll size=1G\n']] as const) {
  const out = name === 'batch, plain' ? plain : await send(rule);
  const fewer = single.octets / out.octets;
  if (name !== 'batch, plain') worst = Math.min(worst, fewer);
  say(`${name.padEnd(20)}${figure(out.octets)} octets   ${figure(Math.round(messages / out.seconds))} mails/s   ${fewer.toFixed(1)} times fewer`);
}
const secondsIn = await receive(gzipSync(plain.text));
say(`\nthe gzip batch taken in${' '.repeat(25)}${figure(Math.round(messages / secondsIn))} mails/s, all durable`);
say(`for comparison: gzip -9 of each mail alone would send ${figure(Array.from({ length: messages }, (_, n) => gzipSync([...letter(n).content.read() as readonly Uint8Array[]][0] ?? '', { level: 9 }).length).reduce((a, b) => a + b, 0))} octets, zstd -19 of the batch ${figure(zstdCompressSync(plain.text, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }).length)}`);
process.exitCode = worst >= TIMES_FEWER ? 0 : 1;
