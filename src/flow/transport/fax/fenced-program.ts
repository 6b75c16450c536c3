/**
 * Other people's programs on strangers' octets: an argument list, a folder of its own, hardly any environment, and
 * limits of processor time, memory and file size that the system keeps (prlimit of util-linux, where it is).
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { runProgram, type Ran, type RunOptions } from '../../../kit/run-program.ts';
import { trouble, unfit, type Converted, type Limits } from './conversion.ts';

export interface Fence extends Pick<RunOptions, 'input' | 'take' | 'signal'> {
  readonly folder: string;
  readonly limits: Pick<Limits, 'timeMs' | 'memoryOctets'>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Room for what the program writes. */
  readonly fileOctets?: number;
  /** Office programs reserve far more addresses than they use; for them memory is not fenced. */
  readonly openMemory?: true;
}

const WALL_TIMES = 4;
const FILE_OCTETS = 256 * 1024 * 1024;

export async function runFenced(program: string, args: readonly string[], fence: Fence): Promise<Ran> {
  const { folder, limits, signal } = fence;
  const path = await findProgram(program);
  if (path === null) return { kind: 'absent', why: `${program} is not installed` };
  const prlimit = await findProgram('prlimit');
  const seconds = Math.max(1, Math.ceil(limits.timeMs / 1000));
  const fences = [
    `--cpu=${seconds}:${seconds + 1}`, `--fsize=${fence.fileOctets ?? FILE_OCTETS}`, '--core=0',
    ...(fence.openMemory === true ? [] : [`--as=${limits.memoryOctets}`]),
  ];
  const options: RunOptions = {
    signal, folder,
    // Processor time is what is fenced; a box that is busy may take several times as long.
    timeoutMs: limits.timeMs * (prlimit === null ? 1 : WALL_TIMES),
    environment: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder, TMPDIR: folder, LC_ALL: 'C.UTF-8', ...fence.environment },
    ...(fence.input === undefined ? {} : { input: fence.input }),
    ...(fence.take === undefined ? {} : { take: fence.take }),
  };
  return prlimit === null ? runProgram(path, args, options) : runProgram(prlimit, [...fences, '--', path, ...args], options);
}

/** Null: it did what it was told. `what` names the part to the sender. */
export function failureOf(ran: Ran, program: string, limits: Pick<Limits, 'timeMs'>, signal: AbortSignal): Converted | null {
  if (signal.aborted) return trouble('we are stopping');
  switch (ran.kind) {
    case 'exited':
      if (ran.code === 0) return null;
      // A process that prlimit became is told apart by 127 alone.
      if (ran.code === 127) return trouble(`${program} cannot be run`);
      return unfit(`${program} cannot read it${lastWords(ran.stderr)}`);
    case 'absent':
      return trouble(ran.why);
    case 'killed':
      return unfit(/SIGSEGV|SIGABRT|SIGBUS/.test(ran.why) ? `${program} broke on it` : `it takes ${program} longer than ${Math.round(limits.timeMs / 1000)} s, or more room than it may have`);
    case 'starved':
      return trouble('the part cannot be read', ran.cause);
    default:
      return ran satisfies never;
  }
}

function lastWords(stderr: string): string {
  const line = stderr.split('\n').map(one => one.replaceAll(/[^\x20-\x7e]+/g, ' ').trim()).findLast(one => one !== '') ?? '';
  // Paths of this box are not for the sender.
  return line === '' || line.includes('/') ? '' : `: ${line.slice(0, 120)}`;
}

export async function findProgram(program: string): Promise<string | null> {
  const places = isAbsolute(program) ? [program] : (process.env['PATH'] ?? '/usr/bin:/bin').split(delimiter).map(folder => join(folder, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return place;
    } catch {
      // The next one.
    }
  }
  return null;
}
