/** A folder of its own for a test, gone when the test file ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after } from 'node:test';

const made: string[] = [];
after(() => made.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

export function scratchFolder(name: string): string {
  const folder = mkdtempSync(`${tmpdir()}/posthorn-${name}-`);
  made.push(folder);
  return folder;
}
