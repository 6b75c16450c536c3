/**
 * Runs a command that the owner of a mailbox wrote down. What strangers wrote reaches it as environment and as
 * standard input only, never as part of the command: no shell ever reads an address or a header.
 */
import { spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';

export interface Errand {
  readonly command: string;
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
  | { readonly kind: 'overtime' | 'unstartable'; readonly output: string };

const TERM_TO_KILL_MS = 10_000;
/** Courier's answer for a program that a signal ended. */
const KILLED = 77;

export function runProgram(errand: Errand, signal: AbortSignal): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn('/bin/sh', ['-c', errand.command], {
      cwd: errand.folder, env: { ...errand.environment }, stdio: [errand.stdin.fd, 'pipe', 'pipe'],
      // A group of its own, so that the watchdog reaches what it started.
      detached: true,
    });
    let output = Buffer.alloc(0);
    let cut = false;
    let overtime = false;
    const take = (chunk: Buffer) => {
      const all = Buffer.concat([output, chunk]);
      cut ||= all.length > errand.outputOctets;
      output = errand.keep === 'first' ? all.subarray(0, errand.outputOctets) : all.subarray(-errand.outputOctets);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    const stop = (name: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It ended meanwhile.
      }
    };
    let last: NodeJS.Timeout | undefined;
    const giveUp = () => {
      overtime = true;
      stop('SIGTERM');
      last ??= setTimeout(() => {
        stop('SIGKILL');
        // A grandchild may hold the pipes for ever: what it would say is not waited for.
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, TERM_TO_KILL_MS);
    };
    const watchdog = setTimeout(giveUp, errand.limitMs);
    signal.addEventListener('abort', giveUp, { once: true });
    const over = (ended: Ended) => {
      clearTimeout(watchdog);
      clearTimeout(last);
      signal.removeEventListener('abort', giveUp);
      resolve(ended);
    };
    child.once('error', error => over({ kind: 'unstartable', output: error.message }));
    child.once('close', code => over(overtime ? { kind: 'overtime', output: text(output) } : { kind: 'exit', code: code ?? KILLED, output: text(output), cut }));
    if (signal.aborted) giveUp();
  });
}

function text(output: Buffer): string {
  return output.toString('utf8');
}
