/** The README's first mail, as it is written there: what a newcomer types must work. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFor } from '../../props/scratch.ts';

const repository = join(import.meta.dirname, '..', '..', '..');
const posthorn = `'${process.execPath}' '${join(repository, 'src', 'main.ts')}'`;

function type(line: string, folder: string): string {
  const typed = line.replaceAll('build/posthorn', posthorn).replaceAll('var/etc', join(folder, 'etc'));
  const { status, stdout, stderr } = spawnSync('sh', ['-c', typed], { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([status, stderr], [0, ''], line);
  return stdout;
}

test('the first mail of the README, and of what `make run` prints, waits for the gateway', { timeout: 120_000 }, t => {
  const folder = scratchFor(t, 'readme');
  type('build/posthorn init var/etc --embedded', folder);
  for (const [sent, page] of ['README.md', 'packaging/run.sh'].entries()) {
    const line = readFileSync(join(repository, page), 'utf8').split('\n').find(one => one.includes('sendmail') && one.includes('printf'));
    assert.ok(line !== undefined, page);
    type(line.trim(), folder);
    const left = readdirSync(join(folder, 'state', 'pickup'));
    assert.equal(left.length, sent + 1, page);
    for (const one of left) assert.match(readFileSync(join(folder, 'state', 'pickup', one), 'utf8'), /failed@trial\.test[^]*first mail[^]*Hello\./);
  }
});
