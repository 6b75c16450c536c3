/** What uuxqt does with a job, without uuxqt: `posthorn rmail` with the environment of a neighbour's call. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { within } from './within.ts';

export interface JobResult {
  readonly code: number | null;
  readonly stderr: string;
}

const sources = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export async function runJob(config: string, command: string, args: readonly string[], input: string | Uint8Array, environment: Readonly<Record<string, string>> = { UU_MACHINE: 'siteb', UU_USER: 'uucp' }): Promise<JobResult> {
  const { UU_MACHINE: _machine, UU_USER: _user, ...inherited } = process.env;
  const child = spawn(process.execPath, [process.env['POSTHORN_ENTRY'] ?? sources, '--config', config, command, ...args], { stdio: ['pipe', 'ignore', 'pipe'], env: { ...inherited, ...environment } });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined).end(input);
  const ended = new Promise<number | null>(done => child.once('close', done));
  try {
    return { code: await within(30_000, command, ended), stderr };
  } finally {
    child.kill('SIGKILL');
  }
}
