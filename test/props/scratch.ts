/** Folders for tests, inside the repository (ignored by git) so that they lie on a real disk; kept when a test failed. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const home = join(import.meta.dirname, '..', 'scratch');

export function scratchFolder(name: string): string {
  mkdirSync(home, { recursive: true });
  return mkdtempSync(join(home, `${name}-`));
}

/** Removes the folder when the test ends well; says where it is when it does not. */
export function scratchFor(t: TestContext, name: string): string {
  const folder = scratchFolder(name);
  t.after(() => {
    // node:test has `passed` since 21.7; its type declarations do not know it yet.
    if (Reflect.get(t, 'passed') === true) rmSync(folder, { recursive: true, force: true });
    else t.diagnostic(`files kept in ${folder}`);
  });
  return folder;
}
