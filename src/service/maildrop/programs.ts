/** Programs that recipes start: by the shell, in a group of their own, the message on standard input, an end in any case. */
import { spawn } from 'node:child_process';
import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Message } from './message.ts';
import type { Variables } from './world.ts';

export interface Program {
  readonly command: string;
  readonly folder: string;
  readonly variables: Variables;
  /** Absent: nothing to read. */
  readonly message?: Message;
  /** Where its standard output goes; a reader sets the pace itself. */
  output(octets: Buffer): void;
  readonly reader?: (output: Readable) => void;
  errors(octets: Buffer): void;
}

export type Ended = { readonly kind: 'ran'; readonly code: number } | { readonly kind: 'refused'; readonly why: string };

/** What a program that a signal ended is said to have ended with. */
const KILLED = -1;
const TERM_TO_KILL_MS = 5000;
/** What it left in the background may hold its output open for hours. */
const LINGER_MS = 1000;
const ENVIRONMENT_OCTETS = 128 * 1024;

export async function runProgram(program: Program, signal: AbortSignal): Promise<Ended> {
  if (signal.aborted) return { kind: 'refused', why: 'Time is up.' };
  const environment = environmentOf(program.variables);
  const input = program.message?.input();
  // Opened anew, so that it is read from its beginning and by nobody else.
  const file = input !== undefined && 'file' in input ? await open(`/proc/self/fd/${input.file.fd}`, 'r') : null;
  try {
    return await start(program, environment, file, input !== undefined && 'octets' in input ? input.octets : null, signal);
  } finally {
    await file?.close();
  }
}

function start(program: Program, environment: Record<string, string>, file: FileHandle | null, octets: Buffer | null, signal: AbortSignal): Promise<Ended> {
  const shell = program.variables.get('SHELL') ?? '';
  return new Promise(resolve => {
    const child = spawn(shell === '' ? '/bin/sh' : shell, ['-c', program.command], {
      cwd: program.folder, env: environment, detached: true,
      stdio: [file === null ? (octets === null ? 'ignore' : 'pipe') : file.fd, 'pipe', 'pipe'],
    });
    if (program.reader === undefined) child.stdout?.on('data', (chunk: Buffer) => program.output(chunk));
    else if (child.stdout !== null) program.reader(child.stdout);
    child.stderr?.on('data', (chunk: Buffer) => program.errors(chunk));
    // Whoever does not read all of it may have a reason; the exit code says whether it mattered.
    child.stdin?.on('error', () => undefined);
    if (octets !== null) child.stdin?.end(octets);
    const end = (name: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // It ended meanwhile.
      }
    };
    let last: NodeJS.Timeout | undefined;
    let lingering: NodeJS.Timeout | undefined;
    const giveUp = (): void => {
      end('SIGTERM');
      last ??= setTimeout(() => end('SIGKILL'), TERM_TO_KILL_MS);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    const over = (ended: Ended): void => {
      clearTimeout(last);
      clearTimeout(lingering);
      signal.removeEventListener('abort', giveUp);
      resolve(signal.aborted ? { kind: 'refused', why: 'Time is up.' } : ended);
    };
    child.once('error', () => over({ kind: 'refused', why: `Unable to run ${shell}.` }));
    child.once('close', code => over({ kind: 'ran', code: code ?? KILLED }));
    child.once('exit', code => {
      lingering = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        over({ kind: 'ran', code: code ?? KILLED });
      }, LINGER_MS);
    });
  });
}

/** All variables that can be environment. The system refuses a single one that is too long, so they stay behind. */
function environmentOf(variables: Variables): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of variables) {
    if (name === '' || /[=\0]/.test(name) || value.includes('\0') || value.length > ENVIRONMENT_OCTETS) continue;
    environment[name] = decoded(value);
  }
  return environment;
}

/** Node writes environment and arguments as UTF-8; octets that are none cannot be handed over. */
export function decoded(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}
