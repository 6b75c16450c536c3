/** How much of a batch is ours already, when uuxqt keeps the job and runs it again: nothing is queued twice. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface BatchProgress {
  /** Messages taken by earlier runs. */
  readonly done: number;
  note(done: number): Promise<void>;
  finished(): Promise<void>;
}

export async function openBatchProgress(stateFolder: string, machine: string, head: Uint8Array): Promise<BatchProgress> {
  const folder = join(stateFolder, 'uucp', 'incoming');
  const path = join(folder, createHash('sha256').update(machine).update('\0').update(head).digest('hex'));
  const text = await readFile(path, 'utf8').catch(() => '');
  return {
    done: /^\d{1,9}$/.test(text) ? Number(text) : 0,
    async note(done) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, String(done), { flush: true });
      await rename(`${path}.new`, path);
    },
    finished: () => rm(path, { force: true }),
  };
}
