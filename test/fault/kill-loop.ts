/**
 * Nothing acknowledged is lost: a gateway under load from twenty connections is killed (SIGKILL) at random moments,
 * also while it starts, and started again. In the end each message that got its 250 must have arrived at the sink, for
 * each of its recipients; a message may arrive twice, but few at a kill.
 *
 *   node test/fault/kill-loop.ts [--kills 200] [--seed N]
 */
import { parseArgs } from 'node:util';
import { rmSync } from 'node:fs';
import { createBox, type Box } from '../props/box.ts';
import { createLuck, type Luck } from '../props/luck.ts';
import { messageText } from '../props/messages.ts';
import { dialSmtp } from '../props/smtp-client.ts';
import { openSink, type Sink } from '../props/sink.ts';

export interface KillLoop {
  readonly kills: number;
  readonly seed: number;
  readonly folder?: string;
  readonly say: (line: string) => void;
}

export interface KillReport {
  readonly kills: number;
  readonly seed: number;
  /** Deliveries owed for messages that got 250. */
  readonly acknowledged: number;
  /** `token recipient` of those that never came. */
  readonly lost: readonly string[];
  /** Arrivals beyond the first. */
  readonly duplicates: number;
  /** Summed over the kills: deliveries that were inside the gateway, accepted or half received, when it died. */
  readonly inFlight: number;
  readonly seconds: number;
}

const connections = 20;
/**
 * A kill repeats what is on the wire (twenty connections to the next hop, a message on each that waits for its yes), and
 * what was delivered a moment before, its note not on the disk.
 */
export const MOST_TWICE = 25;
/** Senders rest above this backlog, so that the end of the loop is near and memory is bounded. */
const backlogLimit = 3000;
const drainMs = 120_000;

export async function killLoop(loop: KillLoop): Promise<KillReport> {
  const begun = performance.now();
  const luck = createLuck(loop.seed);
  let over = false;
  // A next hop as far away as the next town: its yes takes some milliseconds, so that work piles up inside.
  const sink = await openSink({ keep: 'tokens', answer: ({ stage }) => (stage === 'end' && !over ? { reply: '250 2.0.0 Taken', afterMs: luck.between(1, 6) } : undefined) });
  const box = await createBox({ nextHop: sink.port, ...(loop.folder === undefined ? {} : { folder: loop.folder }) });
  const ledger = createLedger(sink);
  let inFlight = 0;
  try {
    await box.start();
    const senders = Array.from({ length: connections }, (_, n) => send(n, box, createLuck(loop.seed + n + 1), ledger, () => over));
    for (let kill = 1; kill <= loop.kills; kill += 1) {
      await pause(luck.between(20, 600));
      inFlight += ledger.waiting() + ledger.offered.size;
      await box.kill();
      loop.say(`kill ${kill} of ${loop.kills}: ${ledger.owed()} acknowledged, ${ledger.waiting()} on their way, ${duplicatesAt(sink)} came twice`);
      await startAgain(box, luck);
    }
    over = true;
    await Promise.all(senders);
    await drained(box, ledger, sink, loop.say);
    const code = await box.stop();
    if (code !== 0) throw new Error(`the gateway ended with ${code} after SIGTERM`);
    return { kills: loop.kills, seed: loop.seed, acknowledged: ledger.owed(), lost: ledger.missing(), duplicates: duplicatesAt(sink), inFlight, seconds: (performance.now() - begun) / 1000 };
  } finally {
    over = true;
    await box.close();
    await sink.close();
  }
}

interface Ledger {
  /** `token recipient` of what was sent and not yet answered. */
  readonly offered: Set<string>;
  acknowledged(key: string): void;
  /** How many were acknowledged in all, and how many of them have not arrived. */
  owed(): number;
  waiting(): number;
  missing(): readonly string[];
}

function createLedger(sink: Sink): Ledger {
  const outstanding = new Set<string>();
  let owed = 0;
  function missing(): readonly string[] {
    for (const key of outstanding) if (sink.deliveries.has(key)) outstanding.delete(key);
    return [...outstanding];
  }
  return {
    offered: new Set(),
    acknowledged(key) {
      owed += 1;
      outstanding.add(key);
    },
    owed: () => owed,
    waiting: () => missing().length,
    missing,
  };
}

/** One start in eight is killed before it is done. */
async function startAgain(box: Box, luck: Luck): Promise<void> {
  if (luck.between(1, 8) === 1) {
    const starting = box.start().catch(() => undefined);
    await pause(luck.between(30, 400));
    await box.kill();
    await starting;
  }
  await box.start();
}

/** A client that does not give up: connects, sends, and after each loss begins anew with a new message. */
async function send(sender: number, box: Box, luck: Luck, ledger: Ledger, over: () => boolean): Promise<void> {
  for (let number = 0; !over(); ) {
    try {
      const client = await dialSmtp({ port: box.port, timeoutMs: 10_000 });
      await client.hello();
      while (!over()) {
        if (number % 16 === 0 && ledger.waiting() > backlogLimit) {
          await pause(50);
          continue;
        }
        number += 1;
        const token = `k${sender}-${number}`;
        const to = luck.between(1, 10) === 1 ? [`a${sender}@one.example`, `b${sender}@two.example`] : [`a${sender}@one.example`];
        // Mostly letters, sometimes a body that is too large for the index and becomes a file of its own.
        const octets = luck.between(1, 20) === 1 ? luck.between(40_000, 200_000) : luck.between(300, 6000);
        const keys = to.map((one) => `${token} ${one}`);
        for (const key of keys) ledger.offered.add(key);
        try {
          const mail = { from: `s${sender}@sender.example`, to, content: messageText({ token, octets }) };
          const answer = await (luck.between(1, 2) === 1 ? client.send(mail) : client.sendPipelined(mail));
          if (answer.code === 250) for (const key of keys) ledger.acknowledged(key);
        } finally {
          for (const key of keys) ledger.offered.delete(key);
        }
      }
      await client.quit();
    } catch {
      await pause(20); // the gateway is down, or went down under us
    }
  }
}

async function drained(box: Box, ledger: Ledger, sink: Sink, say: (line: string) => void): Promise<void> {
  await box.run(['flush']);
  const end = performance.now() + drainMs;
  for (let left = ledger.waiting(); left > 0; left = ledger.waiting()) {
    if (performance.now() > end) return;
    say(`draining: ${left} left, ${sink.count} came`);
    await pause(250);
  }
}

function duplicatesAt(sink: Sink): number {
  let more = 0;
  for (const times of sink.deliveries.values()) more += times - 1;
  return more;
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

export function verdict(report: KillReport): string {
  return `${report.kills} kills (seed ${report.seed}) in ${report.seconds.toFixed(0)} s: ${report.acknowledged} deliveries acknowledged, `
    + `${report.lost.length} lost, ${report.duplicates} came twice, ${(report.duplicates / report.kills).toFixed(1)} a kill, of ${(report.inFlight / report.kills).toFixed(1)} in flight`;
}

if (import.meta.main) process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { kills: { type: 'string', default: '200' }, seed: { type: 'string', default: String(Date.now() % 100_000) } } });
  const tty = process.stdout.isTTY;
  const { scratchFolder } = await import('../props/scratch.ts');
  const folder = scratchFolder('kill-loop');
  let shown = 0;
  const say = (line: string): void => {
    if (!tty && performance.now() - shown < 10_000) return;
    shown = performance.now();
    process.stdout.write(tty ? `\r\u001b[K${line}` : `${line}\n`);
  };
  const report = await killLoop({ kills: Number(values.kills), seed: Number(values.seed), folder, say });
  process.stdout.write(`${tty ? '\r\u001b[K' : ''}${verdict(report)}\n`);
  for (const key of report.lost.slice(0, 20)) process.stdout.write(`lost: ${key}\n`);
  const good = report.lost.length === 0 && report.acknowledged > 0 && report.duplicates <= report.kills * MOST_TWICE;
  if (good) rmSync(folder, { recursive: true, force: true });
  else process.stdout.write(`files kept in ${folder}\n`);
  return good ? 0 : 1;
}
