/** A file system of a few megabytes, for tests of a full disk. Null where nobody lets us mount one. */
import { execFileSync } from 'node:child_process';
import { after } from 'node:test';
import { scratchFolder } from './scratch-folder.ts';

export function mountSmallDisk(megabytes: number): string | null {
  if (process.getuid?.() !== 0) return null;
  const folder = scratchFolder('disk');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'posthorn-test', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  after(() => execFileSync('umount', [folder]));
  return folder;
}
