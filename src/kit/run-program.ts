/** Running another program: an argument list, never a shell; octets in, a bounded answer out, an end in any case. */
import { spawn } from 'node:child_process';

export type Ran =
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: string; readonly stderr: string }
  /** It is not here, or may not be run. */
  | { readonly kind: 'absent'; readonly why: string }
  | { readonly kind: 'killed'; readonly why: string }
  /** What it was to read could not be had. */
  | { readonly kind: 'starved'; readonly cause: unknown };

export interface RunOptions {
  /** Absent: nothing on standard input. */
  readonly input?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Absent: ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it runs; absent: here. */
  readonly folder?: string;
  /** Takes standard output as it comes, at its own pace; ending early closes the pipe. Absent: it is gathered, up to a limit. */
  readonly take?: (stdout: AsyncIterable<Uint8Array>) => Promise<void>;
}

const MOST_OUTPUT = 1024 * 1024;
const TERM_MS = 5000;
const LINGER_MS = 1000;

export async function runProgram(path: string, args: readonly string[], { input, signal, timeoutMs, environment, folder, take }: RunOptions): Promise<Ran> {
  if (signal.aborted) return { kind: 'killed', why: 'we are stopping' };
  // A group of its own, so that what it started ends with it.
  const child = spawn(path, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], detached: true, ...(environment === undefined ? {} : { env: environment }), ...(folder === undefined ? {} : { cwd: folder }) });
  const output = { stdout: '', stderr: '' };
  const taken = take === undefined || child.stdout === null ? null : take(child.stdout).catch((cause: unknown) => ({ cause }));
  for (const name of ['stdout', 'stderr'] as const) {
    if (name === 'stdout' && taken !== null) continue;
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      if (output[name].length < MOST_OUTPUT) output[name] += text;
    });
  }
  let lingering: NodeJS.Timeout | undefined;
  const ended = new Promise<Ran>(resolve => {
    const finish = (code: number | null, name: NodeJS.Signals | null) => resolve(code === null ? { kind: 'killed', why: `killed by ${name ?? 'a signal'}` } : { kind: 'exited', code, ...output });
    child.once('error', error => resolve({ kind: 'absent', why: error.message }));
    child.once('close', finish);
    // What it left in the background may hold its output open for hours.
    child.once('exit', (code, name) => {
      lingering = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        finish(code, name);
      }, LINGER_MS);
    });
  });
  const end = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // It is gone already.
    }
  };
  let last: NodeJS.Timeout | undefined;
  const stop = () => {
    end('SIGTERM');
    last = setTimeout(() => end('SIGKILL'), TERM_MS);
  };
  const timer = setTimeout(stop, timeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const starved = input === undefined || child.stdin === null ? null : await pour(input, child.stdin);
    // Killed rather than ended, or it would take a part for the whole.
    if (starved !== null) end('SIGKILL');
    const ran = await ended;
    const untaken = await taken;
    if (untaken !== null && untaken !== undefined) throw untaken.cause;
    return starved !== null ? { kind: 'starved', cause: starved.cause } : ran;
  } finally {
    clearTimeout(timer);
    clearTimeout(last);
    clearTimeout(lingering);
    signal.removeEventListener('abort', stop);
  }
}

/** Null when all was written, or when the reader stopped reading: its exit code says why. */
async function pour(input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, to: NodeJS.WritableStream): Promise<{ readonly cause: unknown } | null> {
  let broken = false;
  let wake = () => undefined as void;
  to.on('error', () => {
    broken = true;
    wake();
  });
  to.on('close', () => {
    broken = true;
    wake();
  });
  to.on('drain', () => wake());
  try {
    for await (const chunk of input) {
      if (broken) return null;
      if (!to.write(chunk)) await new Promise<void>(resolve => { wake = resolve; });
    }
  } catch (cause) {
    return { cause };
  }
  if (!broken) to.end();
  return null;
}
