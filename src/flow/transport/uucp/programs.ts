/** uux and its kin, wherever this box has them. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram, type Ran, type RunOptions } from '../../../kit/run-program.ts';

export interface Programs {
  run(name: string, args: readonly string[], options: RunOptions): Promise<Ran>;
}

const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/lib/uucp', '/usr/local/bin', '/usr/local/sbin'];
/** `folder`: where to look; absent, where systems put them. */
export function createPrograms(folder: () => string | undefined): Programs {
  return {
    async run(name, args, options) {
      const own = folder();
      const path = await find(name, own === undefined ? FOLDERS : [own]);
      return path === null ? { kind: 'absent', why: `there is no program ${name} in ${(own === undefined ? FOLDERS : [own]).join(', ')}` } : runProgram(path, args, options);
    },
  };
}

async function find(name: string, folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    const path = join(folder, name);
    if (await access(path, constants.X_OK).then(() => true, () => false)) return path;
  }
  return null;
}
