/**
 * How much of the time is ours? smtp-server as it comes, discarding everything, beside our receiver with an intake
 * that discards, both driven by Postfix's smtp-source in interleaved rounds. Ratios count; the box is noisy.
 * Last answer (2 cores, medians of 2 rounds, WASM kernels): 4 KB at 10 sessions 1.66 times, at 1 session 1.24,
 * 100 KB at 10 sessions 2.91, a connection each 48. At 4 KB three quarters of our time is the socket write.
 *
 *   node bench/receive-floor.ts [rounds]
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import type { MessageId } from '../src/core/envelope.ts';
import { taken, type Intake } from '../src/core/intake.ts';
import { silent } from '../src/core/log.ts';
import { openReceive } from '../src/flow/receive/index.ts';
import { openKernels } from '../src/kit/wasm/kernels.ts';
import { createMetrics } from '../src/kit/metrics.ts';
import { createSystemClock } from '../src/kit/system-clock.ts';

const SOURCE = '/usr/sbin/smtp-source';
const HOST = '127.0.0.1';

interface Load {
  readonly name: string;
  readonly sessions: number;
  readonly octets: number;
  readonly messages: number;
  readonly reuse: boolean;
}

const loads: readonly Load[] = [
  { name: '4 KB, 10 sessions', sessions: 10, octets: 4096, messages: 20_000, reuse: true },
  { name: '4 KB, 1 session', sessions: 1, octets: 4096, messages: 5_000, reuse: true },
  { name: '100 KB, 10 sessions', sessions: 10, octets: 102_400, messages: 4_000, reuse: true },
  { name: '4 KB, a connection each', sessions: 10, octets: 4096, messages: 4_000, reuse: false },
];

type Role = 'smtp-server' | 'ours';

async function serve(role: Role): Promise<void> {
  const port = role === 'ours' ? await serveOurs() : await servePackage();
  process.send?.(port);
  process.on('disconnect', () => process.exit(0));
}

async function serveOurs(): Promise<number> {
  let count = 0;
  const nobody = new Map();
  const discarding: Intake = {
    open: () => ({
      kind: 'open',
      mail: () => taken,
      rcpt: () => taken,
      data: () => ({
        kind: 'writer',
        write: () => undefined,
        end: () => Promise.resolve({ kind: 'queued', id: String(++count) as MessageId, refused: nobody }),
      }),
      abort: () => undefined,
    }),
  };
  const receiver = await openReceive({
    listener: { kind: 'esmtp', listen: { host: HOST, port: 0 }, limits: { connections: 1000, perAddress: 1000, perBlock: 1000, transactions: 1e9 } },
    me: 'bench.example',
    intake: discarding,
    admission: { admit: () => ({ kind: 'admitted', variables: nobody }) },
    kernels: openKernels(),
    clock: createSystemClock(),
    log: silent,
    metrics: createMetrics(),
  });
  return receiver.address().port;
}

async function servePackage(): Promise<number> {
  const { SMTPServer } = await import('smtp-server');
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    hideSTARTTLS: true,
    logger: false,
    onData(stream, _session, done) {
      stream.on('end', () => done()).resume();
    },
  });
  const listener = server.listen(0, HOST);
  await once(listener, 'listening');
  const address = listener.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

async function start(role: Role): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(import.meta.filename, [role], { execArgv: process.execArgv });
  const [port] = (await once(child, 'message')) as [number];
  return { child, port };
}

/** Messages per second. */
async function drive(port: number, load: Load, messages: number): Promise<number> {
  const args = ['-s', String(load.sessions), '-l', String(load.octets), '-m', String(messages), ...(load.reuse ? ['-d'] : []), '-f', 'a@client.example', '-t', 'b@here.example', `${HOST}:${port}`];
  const began = performance.now();
  const source = spawn(SOURCE, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(source, 'exit')) as [number];
  if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
  return messages / ((performance.now() - began) / 1000);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function compare(rounds: number): Promise<void> {
  const floor = await start('smtp-server');
  const ours = await start('ours');
  try {
    for (const load of loads) {
      // smtp-server waits 100 ms before each banner: a tenth of the messages tells as much.
      const theirMessages = load.reuse ? load.messages : load.messages / 10;
      const rates: Record<Role, number[]> = { 'smtp-server': [], ours: [] };
      for (let round = 0; round <= rounds; round++) {
        const theirs = await drive(floor.port, load, theirMessages);
        const our = await drive(ours.port, load, load.messages);
        if (round === 0) continue; // warm-up
        rates['smtp-server'].push(theirs);
        rates.ours.push(our);
      }
      const [theirs, our] = [median(rates['smtp-server']), median(rates.ours)];
      console.log(`${load.name.padEnd(26)} smtp-server ${theirs.toFixed(0).padStart(6)}/s   ours ${our.toFixed(0).padStart(6)}/s   ratio ${(our / theirs).toFixed(2)}`);
    }
  } finally {
    floor.child.disconnect();
    ours.child.disconnect();
  }
}

if (import.meta.main) {
  const [first] = process.argv.slice(2);
  if (first === 'ours' || first === 'smtp-server') await serve(first);
  else if (!existsSync(SOURCE)) console.log(`skipped: ${SOURCE} is not here (Debian: apt install postfix)`);
  else await compare(Number(first ?? 3));
}
