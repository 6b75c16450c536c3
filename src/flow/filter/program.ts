/**
 * One filter program, kept running. It is told to end by the end of its standard input, says by closing descriptor 3 that
 * it is ready, and is started again when it ends by itself, each time after a longer wait.
 *
 *   starting ──ready──▶ running ──exit──▶ waiting ──▶ starting …
 *       └────────────────exit────────────────┘         any ──close()──▶ stopped
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { after, type Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';

export interface Program {
  readonly name: string;
  readonly path: string;
  readonly state: 'starting' | 'running' | 'waiting' | 'stopped';
  readonly pid: number | null;
  readonly restarts: number;
  /** Ready, or it will not be soon: then it is absent for now. */
  readonly settled: Promise<void>;
  close(): Promise<void>;
}

export interface ProgramOptions {
  readonly name: string;
  readonly path: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
}

const READY_MS = 30_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60_000;
/** Who ran so long starts anew at the shortest wait. */
const STEADY_MS = 60_000;
/** Courier's courierfilter waits so long for filters to finish. */
const ORDERLY_MS = 15_000;
const TERM_MS = 5000;
const LINE_OCTETS = 2000;

export function openProgram({ name, path, folder, environment, clock, log }: ProgramOptions): Program {
  const closing = new AbortController();
  const settled = Promise.withResolvers<void>();
  let state: Program['state'] = 'starting';
  let child: ChildProcess | null = null;
  let restarts = 0;

  async function keep(): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!closing.signal.aborted) {
      const startedAt = clock.now();
      state = 'starting';
      const how = await runOnce();
      child = null;
      settled.resolve();
      if (closing.signal.aborted) break;
      if (clock.now() - startedAt >= STEADY_MS) waitMs = FIRST_WAIT_MS;
      state = 'waiting';
      log.error('filter', { name, what: 'ended by itself', how, again: `in ${waitMs / 1000} s` });
      await clock.sleepUntil(after(clock.now(), waitMs), closing.signal);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      restarts++;
    }
    state = 'stopped';
  }

  async function runOnce(): Promise<string> {
    // A group of its own: a signal to the gateway's terminal is not the filter's.
    const started = spawn(path, [], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], cwd: folder, detached: true, env: { ...environment } });
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', line => log.info('filter', { name, said: line.slice(0, LINE_OCTETS) }));
    }
    started.stdin?.on('error', () => undefined);
    const gone = new Promise<string>(resolve => {
      started.once('error', error => resolve(error.message));
      started.once('exit', (code, signal) => resolve(code === null ? `killed by ${signal ?? 'a signal'}` : `exit ${code}`));
    });
    const ready = started.stdio[3] as Readable | null | undefined;
    ready?.resume().on('error', () => undefined);
    const saidReady = new Promise<'ready'>(resolve => ready?.once('end', () => resolve('ready')));
    const waited = new AbortController();
    const late = clock.sleepUntil(after(clock.now(), READY_MS), AbortSignal.any([closing.signal, waited.signal])).then((): 'late' => 'late');
    const first = await Promise.race([gone, saidReady, late]);
    waited.abort();
    // Its end closes the pipe as well.
    if (first === 'ready' && started.exitCode === null && started.signalCode === null) {
      state = 'running';
      log.info('filter', { name, what: 'ready', pid: started.pid });
    } else if (first === 'late' && !closing.signal.aborted) {
      log.error('filter', { name, what: `has not closed descriptor 3 in ${READY_MS / 1000} s`, pid: started.pid });
    }
    settled.resolve();
    return gone;
  }

  const kept = keep();
  return {
    name, path,
    get state() {
      return state;
    },
    get pid() {
      return child?.pid ?? null;
    },
    get restarts() {
      return restarts;
    },
    settled: settled.promise,
    async close() {
      closing.abort();
      const running = child;
      if (running === null) return kept;
      running.stdin?.end();
      const over = new AbortController();
      const force = async () => {
        for (const [ms, signal] of [[ORDERLY_MS, 'SIGTERM'], [TERM_MS, 'SIGKILL']] as const) {
          await clock.sleepUntil(after(clock.now(), ms), over.signal);
          if (over.signal.aborted) return;
          end(running, signal);
        }
      };
      const forced = force();
      await kept;
      over.abort();
      await forced;
    },
  };
}

function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}
