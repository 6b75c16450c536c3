/** Folders for tests, inside the repository (ignored by git) so that they lie on a real disk; kept when a test failed. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const home = join(import.meta.dirname, '..', 'scratch');

export function scratchFolder(name: string): string {
  mkdirSync(home, { recursive: true });
  return mkdtempSync(join(home, `${name}-`));
}

/**
 * Removed when the test file is through, if the test ended well; kept, and named, if not. Not sooner: hooks run in the
 * order in which they were made, and others still write there.
 */
export function scratchFor(t: TestContext, name: string): string {
  const folder = scratchFolder(name);
  t.after(() => {
    // node:test has `passed` since 21.7; its type declarations do not know it yet.
    if (Reflect.get(t, 'passed') === true) process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    else t.diagnostic(`files kept in ${folder}`);
  });
  return folder;
}
