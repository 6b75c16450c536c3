/**
 * Runs a command that the owner of a mailbox wrote down. What strangers wrote reaches it as environment and as
 * standard input only, never as part of the command: no shell ever reads an address or a header.
 */
import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';

export interface Running {
  readonly words: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The message, at its beginning; a file, so that the program may seek. */
  readonly stdin: FileHandle;
  /** Most octets of output that are kept; what comes after is dropped. */
  readonly outputOctets: number;
  readonly limitMs: number;
  /** Keep the first octets, for instructions; else the last, for a report. */
  readonly keep: 'first' | 'last';
}

export type Ended =
  | { readonly kind: 'exit'; readonly code: number; readonly output: string; readonly cut: boolean }
  | { readonly kind: 'overtime' | 'unstartable' | 'killed' };

const TERM_TO_KILL_MS = 10_000;
/** What it left in the background may hold its output open for hours. */
const LINGER_MS = 1000;

export function runProgram({ words: [program = '', ...args], folder, environment, stdin, outputOctets, limitMs, keep }: Running, signal: AbortSignal): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(program, args, {
      cwd: folder, env: { ...environment }, stdio: [stdin.fd, 'pipe', 'pipe'],
      // A group of its own, so that the watchdog reaches what it started.
      detached: true,
    });
    const heard = listen(outputOctets, keep);
    let overtime = false;
    let last: NodeJS.Timeout | undefined;
    let lingering: NodeJS.Timeout | undefined;
    child.stdout?.on('data', heard.take);
    child.stderr?.on('data', heard.take);
    const stop = (name: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It ended meanwhile.
      }
    };
    const deaf = () => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const giveUp = () => {
      overtime = true;
      stop('SIGTERM');
      last ??= setTimeout(() => {
        stop('SIGKILL');
        deaf();
      }, TERM_TO_KILL_MS);
    };
    const watchdog = setTimeout(giveUp, limitMs);
    signal.addEventListener('abort', giveUp, { once: true });
    const over = (ended: Ended) => {
      clearTimeout(watchdog);
      clearTimeout(last);
      clearTimeout(lingering);
      signal.removeEventListener('abort', giveUp);
      resolve(ended);
    };
    child.once('error', () => over({ kind: 'unstartable' }));
    child.once('exit', () => {
      lingering = setTimeout(deaf, LINGER_MS);
    });
    child.once('close', code => {
      if (overtime) stop('SIGKILL');
      over(overtime ? { kind: 'overtime' } : code === null ? { kind: 'killed' } : { kind: 'exit', code, ...heard.all() });
    });
    if (signal.aborted) giveUp();
  });
}

function listen(octets: number, keep: Running['keep']): { take(chunk: Buffer): void; all(): { output: string; cut: boolean } } {
  let output = Buffer.alloc(0);
  let cut = false;
  return {
    take(chunk) {
      if (keep === 'first' && output.length === octets) {
        cut = true;
        return;
      }
      const all = Buffer.concat([output, chunk]);
      cut ||= all.length > octets;
      output = keep === 'first' ? all.subarray(0, octets) : all.subarray(-octets);
    },
    all: () => ({ output: output.toString('utf8'), cut }),
  };
}
