/** The README's first mail, as it is written there: what a newcomer types must work. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

test('what starts it sets what only a parent can set, unless somebody has, and hands everything on', t => {
  const folder = scratchFor(t, 'launcher');
  const [node, launcher] = [join(folder, 'a node'), join(folder, 'posthorn')];
  writeFileSync(node, '#!/bin/sh\necho "$MALLOC_ARENA_MAX"; for word in "$@"; do echo "<$word>"; done; exit 7\n', { mode: 0o755 });
  const made = spawnSync(join(repository, 'packaging', 'launcher.sh'), [node, join(folder, 'main.js')], { encoding: 'utf8' });
  assert.deepEqual([made.status, made.stderr], [0, '']);
  writeFileSync(launcher, made.stdout, { mode: 0o755 });
  for (const [env, arenas] of [[{}, '2'], [{ MALLOC_ARENA_MAX: '8' }, '8']] as const) {
    const { status, stdout } = spawnSync(launcher, ['mailq', '--why', 'two words', ''], { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } });
    assert.deepEqual([status, stdout], [7, `${arenas}\n<${join(folder, 'main.js')}>\n<mailq>\n<--why>\n<two words>\n<>\n`]);
  }
});
