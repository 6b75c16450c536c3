/** A peer that is a process of ours. */
import type { ChildProcess } from 'node:child_process';
import { answering } from '../load.ts';
import type { Running } from './peer.ts';

export interface Child {
  readonly port: number;
  readonly dataFolder: string;
  /** How long its first 220 may take. */
  readonly limitMs: number;
  /** Makes it go. */
  end(): void;
}

/** Resolves when it answers. It goes when we go, however that is. */
export async function runChild(child: ChildProcess, { port, dataFolder, limitMs, end }: Child): Promise<Running> {
  const lastResort = (): void => void child.kill('SIGKILL');
  process.once('exit', lastResort);
  const gone = new Promise<void>((done) => child.once('close', () => done()));
  await answering(port, limitMs);
  return {
    port,
    pids: [child.pid ?? 0],
    dataFolder,
    async stop() {
      process.off('exit', lastResort);
      end();
      await gone;
    },
  };
}
