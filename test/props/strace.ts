/** strace on a running process and all its threads: to watch its system calls, or to make some of them fail. */
import { execFileSync, spawn } from 'node:child_process';
import type { TestContext } from 'node:test';
import { within } from './within.ts';

/** The reason to skip, or false. */
export function straceAbsent(): string | false {
  try {
    execFileSync('strace', ['-o', '/dev/null', '-e', 'trace=none', 'true'], { stdio: 'pipe' });
    return false;
  } catch {
    return 'strace is not installed, or may not trace here';
  }
}

export interface Tracer {
  /** Lets the process go; the output is complete when this resolves. */
  detach(): Promise<void>;
}

export async function attachStrace(t: TestContext, pid: number, args: readonly string[]): Promise<Tracer> {
  const strace = spawn('strace', ['-f', ...args, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const gone = new Promise<void>((done) => strace.once('close', () => done()));
  t.after(() => strace.kill('SIGKILL'));
  await within(10_000, 'strace to attach', new Promise<void>((attached) => {
    strace.stderr.on('data', (chunk: Buffer) => {
      if (chunk.includes('attached')) attached();
    });
  }));
  return {
    async detach() {
      strace.kill('SIGTERM');
      await within(10_000, 'strace to end', gone);
    },
  };
}
