/**
 * `make soak`: half an hour of everything at once. Letters of all sizes at a steady pace to next hops that are quick,
 * slow, moody and dead, from clients that sometimes vanish. Memory must stay flat, the quick next hop must not suffer
 * from the others, and nothing acknowledged for it may be missing. Draws memory, queue and latency into results/.
 *
 *   node bench/soak.ts [--minutes 30] [--rate 150] [--seed N]
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createBox, type Box } from '../test/props/box.ts';
import { createLuck, type Luck } from '../test/props/luck.ts';
import { messageText } from '../test/props/messages.ts';
import { freePorts } from '../test/props/ports.ts';
import { scratchFolder } from '../test/props/scratch.ts';
import { hangUp, openSink, type Sink } from '../test/props/sink.ts';
import { dialSmtp, type SmtpClient } from '../test/props/smtp-client.ts';
import { curvesSvg } from './plot.ts';
import { memoryOf } from './processes.ts';
import { median, percentile } from './statistics.ts';

interface Reading {
  readonly seconds: number;
  readonly memory: number;
  readonly waiting: number;
  /** Milliseconds from 250 to the quick sink, worst in a hundred of this interval. */
  readonly latency: number;
}

const senders = 8;
const readingMs = 1000;
/** The quick lane's worst in a hundred, over the whole run. */
const patienceMs = 2000;
/** Growth from the second quarter of the run to the last that is called flat. */
const growth = { share: 0.15, mib: 12 };

process.exitCode = await soak();

async function soak(): Promise<number> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' }, rate: { type: 'string', default: '150' }, seed: { type: 'string', default: '1' } } });
  const minutes = Number(values.minutes);
  const luck = createLuck(Number(values.seed));
  const built = join(import.meta.dirname, '..', 'build', 'src', 'main.js');
  const folder = scratchFolder('soak');
  const accepted = new Map<string, number>();
  const waits: number[] = [];
  const quick = await openSink({
    keep: 'tokens',
    answer({ stage, line }) {
      const at = stage === 'end' ? accepted.get(line) : undefined;
      if (at !== undefined) waits.push(performance.now() - at);
      return undefined;
    },
  });
  const slow = await openSink({ keep: 'tokens', answer: ({ stage }) => (stage === 'end' ? { reply: '250 2.0.0 At last', afterMs: luck.between(50, 400) } : undefined) });
  const moody = await openSink({ keep: 'tokens', answer: ({ stage }) => mood(stage, luck) });
  const [dead = 1] = await freePorts(1);
  const box = await createBox({
    folder,
    logFile: join(folder, 'log'),
    ...(existsSync(built) ? { entry: built } : {}),
    files: {
      esmtproutes: `quick.example:[127.0.0.1],${quick.port}\nslow.example:[127.0.0.1],${slow.port}\nmoody.example:[127.0.0.1],${moody.port}\ndead.example:[127.0.0.1],${dead}\n:[127.0.0.1],${quick.port}\n`,
      retryalpha: '20s\n', retrygamma: '1m\n', queuetime: '10m\n', warntime: '5m\n', esmtpdelay: '10s\n',
    },
  });
  const readings: Reading[] = [];
  const owed = new Set<string>();
  try {
    await box.start();
    const begun = performance.now();
    const over = (): boolean => performance.now() - begun > minutes * 60_000;
    const work = Array.from({ length: senders }, (_, n) => send(n, box, createLuck(Number(values.seed) * 100 + n), (1000 * senders) / Number(values.rate), over, (token, at) => {
      if (!token.startsWith('quick')) return;
      accepted.set(token, at);
      owed.add(token);
    }));
    while (!over()) {
      await pause(readingMs);
      for (const token of owed) if (quick.tokens.has(token)) owed.delete(token);
      for (const token of accepted.keys()) if (quick.tokens.has(token)) accepted.delete(token);
      const interval = waits.splice(0);
      readings.push({ seconds: (performance.now() - begun) / 1000, memory: memoryOf([box.pid], folder).own, waiting: await queueLength(box), latency: percentile(interval, 0.99) || 0 });
      const last = readings.at(-1);
      process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${last?.seconds.toFixed(0)} s: ${last?.memory.toFixed(0)} MiB, ${last?.waiting} waiting, quick lane ${last?.latency.toFixed(0)} ms, ${quick.count + slow.count + moody.count} delivered${process.stderr.isTTY ? '' : '\n'}`);
    }
    await Promise.all(work);
    await quick.until(60_000, 'the rest of the quick lane', () => [...owed].every((token) => quick.tokens.has(token))).catch(() => undefined);
    const missing = [...owed].filter((token) => !quick.tokens.has(token));
    return report(readings, missing, [quick, slow, moody]);
  } finally {
    await box.stop(60_000).catch(() => undefined);
    await box.close();
    await Promise.all([quick.close(), slow.close(), moody.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function mood(stage: string, luck: Luck): ReturnType<NonNullable<Parameters<Sink['obey']>[0]>> {
  const dice = luck.between(1, 100);
  if (stage === 'rcpt' && dice <= 10) return '451 4.2.1 Not now';
  if (stage === 'rcpt' && dice <= 12) return '550 5.1.1 Never';
  if (stage === 'end' && dice <= 2) return hangUp;
  return undefined;
}

/** Steady: a letter each `everyMs`, late ones are not made up for. One client in two hundred vanishes in its data. */
async function send(sender: number, box: Box, luck: Luck, everyMs: number, over: () => boolean, accepted: (token: string, at: number) => void): Promise<void> {
  const domains = ['quick', 'quick', 'quick', 'slow', 'moody', 'dead'] as const;
  let client: SmtpClient | undefined;
  for (let number = 0; !over(); number += 1) {
    const next = performance.now() + everyMs;
    try {
      client ??= await opened(box);
      // One in twelve goes to the dead, the slow gets what it can carry.
      const domain = luck.between(1, 100) <= 60 ? 'quick' : domains[luck.between(3, 5)]!;
      const token = `${domain}-${sender}-${number}`;
      const dice = luck.between(1, 100);
      const octets = dice <= 80 ? luck.between(500, 8000) : dice <= 98 ? luck.between(20_000, 200_000) : luck.between(500_000, 2_000_000);
      if (luck.between(1, 200) === 1) {
        for (const line of ['MAIL FROM:<gone@sender.example>', `RCPT TO:<b@${domain}.example>`, 'DATA']) await client.say(line);
        client.write('X-Token: half\r\n\r\nhalf');
        client.vanish();
        client = undefined;
        continue;
      }
      const answer = await client.send({ from: `s${sender}@sender.example`, to: [`b${luck.between(1, 50)}@${domain}.example`], content: messageText({ token, octets }), rcptParameters: ' NOTIFY=NEVER' });
      if (answer.code === 250) accepted(token, performance.now());
    } catch {
      client?.vanish();
      client = undefined;
    }
    await pause(Math.max(0, next - performance.now()));
  }
  await client?.quit();
}

async function opened(box: Box): Promise<SmtpClient> {
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  return client;
}

async function queueLength(box: Box): Promise<number> {
  const text = await fetch(`http://127.0.0.1:${box.httpPort}/metrics`).then((answer) => answer.text()).catch(() => '');
  return Number(/^posthorn_queue_messages(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
}

function report(readings: readonly Reading[], missing: readonly string[], sinks: readonly Sink[]): number {
  const quarter = (from: number): number => median(readings.slice(Math.floor(readings.length * from), Math.floor(readings.length * (from + 0.25))).map((one) => one.memory));
  const [then, now] = [quarter(0.25), quarter(0.75)];
  const latency = percentile(readings.map((one) => one.latency), 0.99);
  const verdicts = [
    [`memory ${then.toFixed(0)} MiB in the second quarter, ${now.toFixed(0)} in the last`, now <= then * (1 + growth.share) + growth.mib],
    [`quick lane: ${latency.toFixed(0)} ms from 250 to the next hop, worst in a hundred`, latency <= patienceMs],
    [`${missing.length} acknowledged letters for the quick lane missing`, missing.length === 0],
  ] as const;
  const results = join(import.meta.dirname, 'results');
  mkdirSync(results, { recursive: true });
  const curve = (title: string, unit: string, of: (one: Reading) => number): Parameters<typeof curvesSvg>[0][number] => ({ title, unit, points: readings.map((one) => [one.seconds, of(one)] as const) });
  writeFileSync(join(results, 'soak.svg'), curvesSvg([curve('memory', 'MiB', (one) => one.memory), curve('queue', 'messages', (one) => one.waiting || 0), curve('quick lane, p99', 'ms', (one) => one.latency)]));
  writeFileSync(join(results, 'soak.json'), JSON.stringify(readings));
  process.stdout.write(`\n${sinks.reduce((sum, one) => sum + one.count, 0)} letters delivered\n`);
  for (const [words, good] of verdicts) process.stdout.write(`${good ? 'holds ' : 'BROKEN'}  ${words}\n`);
  process.stdout.write(`drawn: ${join(results, 'soak.svg')}\n`);
  return verdicts.every(([, good]) => good) ? 0 : 1;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
