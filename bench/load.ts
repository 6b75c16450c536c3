/** Source and sink are Postfix's own test programs: C, far faster than what is measured, the same for every peer. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePorts } from '../test/props/ports.ts';

const WARMING_LIMIT_MS = 60_000;

export interface Load {
  readonly sessions: number;
  readonly messages: number;
  readonly octets: number;
  /** A connection for each message. */
  readonly reconnect: boolean;
  /** Absent: the sink. */
  readonly recipient?: string;
}

export function loadToolsAbsent(): string | null {
  try {
    execFileSync('sh', ['-c', 'command -v smtp-source && command -v smtp-sink'], { stdio: 'pipe' });
    return null;
  } catch {
    return 'smtp-source and smtp-sink come with the package postfix; they are not installed';
  }
}

/** Resolves when the last 250 (or refusal) came; the source does not say which, so the sink is counted. */
export async function runSource(port: number, load: Load, limitMs: number): Promise<void> {
  const child = spawn('smtp-source', [
    '-s', String(load.sessions), '-m', String(load.messages), '-l', String(load.octets), ...(load.reconnect ? [] : ['-d']),
    '-f', 'source@sender.example', '-t', load.recipient ?? 'sink@there.example', `127.0.0.1:${port}`,
  ], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => void (complaint = (complaint + chunk.toString()).slice(-500)));
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const code = await new Promise((gone) => child.once('close', gone));
  clearTimeout(timer);
  if (code !== 0) throw new Error(`smtp-source: ${complaint.trim() || `not done after ${limitMs} ms`}`);
}

/**
 * Some seconds of load on a peer that has just started, whatever its rate: in all of its life but the first minute none
 * compiles itself, or makes its processes, while a client waits.
 */
export async function warmUp(port: number, seconds: number): Promise<void> {
  const load = { sessions: 10, octets: 4096, reconnect: false };
  const cold = 500;
  const began = performance.now();
  await runSource(port, { ...load, messages: cold }, WARMING_LIMIT_MS);
  const perSecond = cold / ((performance.now() - began) / 1000);
  await runSource(port, { ...load, messages: Math.round(perSecond * seconds) }, WARMING_LIMIT_MS);
}

export interface FastSink {
  readonly port: number;
  readonly pid: number;
  /** Messages taken so far. */
  count(): number;
  reached(messages: number, limitMs: number): Promise<void>;
  close(): Promise<void>;
}

/** smtp-sink writes its counters to a file that is looked at now and then: no wake-up per message on our side. */
export async function openFastSink(folder: string): Promise<FastSink> {
  const [port = 0] = await freePorts(1);
  const file = join(folder, `sink-${port}.counters`);
  const out = openSync(file, 'w+');
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('smtp-sink', [...user, '-c', '-m', '500', `127.0.0.1:${port}`, '500'], { stdio: ['ignore', out, 'inherit'] });
  const lastResort = (): void => void child.kill('SIGKILL');
  process.once('exit', lastResort);
  const gone = new Promise<void>((done) => child.once('close', () => done()));
  await answering(port, 5000);
  const tail = Buffer.alloc(200);

  function count(): number {
    const { size } = fstatSync(out);
    const read = readSync(out, tail, 0, tail.length, Math.max(0, size - tail.length));
    const text = tail.toString('latin1', 0, read);
    return Number(/.*mesg=(\d+)\r/s.exec(text)?.[1] ?? 0);
  }
  return {
    port,
    pid: child.pid ?? 0,
    count,
    async reached(messages, limitMs) {
      const end = performance.now() + limitMs;
      while (count() < messages) {
        if (performance.now() > end) throw new Error(`${count()} of ${messages} messages came within ${limitMs} ms`);
        await new Promise((next) => setTimeout(next, 5));
      }
    },
    async close() {
      process.off('exit', lastResort);
      child.kill('SIGKILL');
      await gone;
      closeSync(out);
    },
  };
}

/** Milliseconds until a 220 came. */
export async function answering(port: number, limitMs: number): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < limitMs) {
    const greeted = await new Promise<boolean>((done) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('data', (chunk: Buffer) => {
        socket.end('QUIT\r\n');
        done(chunk.toString().startsWith('220'));
      });
      socket.once('error', () => done(false)).once('close', () => done(false));
    });
    if (greeted) return performance.now() - start;
    await new Promise((next) => setTimeout(next, 2));
  }
  throw new Error(`nobody said 220 on port ${port} within ${limitMs} ms`);
}
