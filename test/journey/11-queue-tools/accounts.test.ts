/** Root at night beside a gateway that is not root: whatever root looks at, the gateway can start afterwards. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';

const GUEST = 65534;
const entry = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

function as(uid: number, words: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, ...words], { uid, gid: uid, encoding: 'utf8', input, timeout: 30_000 });
  return { code: status, stdout, stderr };
}

test('root’s commands before the first start leave nothing of root’s; others are told whom to be', { timeout: 120_000, skip: process.getuid?.() === 0 ? false : 'not root' }, async t => {
  if (as(GUEST, ['version']).code !== 0) return t.skip('the sources are closed to other accounts');
  const box = await boxFor(t);
  for (const folder of [box.folder, join(box.folder, '..')]) chmodSync(folder, 0o755);
  chownSync(box.folder, GUEST, GUEST);
  const config = ['--config', box.config];
  assert.equal(as(0, ['mailq', ...config]).stdout, 'Mail queue is empty.\n');
  assert.equal(as(0, [...config, 'sendmail', '-f', 'me@here.example', 'you@there.example'], 'Subject: at night\n\nx\n').code, 0);
  const file = join(box.folder, 'root.export');
  assert.equal(as(0, ['queue', 'export', file, ...config]).code, 0);
  assert.equal(lstatSync(file).uid, 0, 'what root asked for is root’s');
  assert.equal(as(0, ['queue', 'import', file, ...config]).code, 0);
  const state = join(box.folder, 'state');
  const others = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter(name => !name.startsWith('pickup/') && lstatSync(join(state, name)).uid !== GUEST);
  assert.deepEqual(others, []);
  assert.match(as(GUEST, ['queue', 'verify', ...config]).stdout, /^0 messages read, 0 bytes of content; all is as it was written/);
  for (const left of readdirSync(join(state, 'pickup'))) assert.notEqual(lstatSync(join(state, 'pickup', left)).mode & 0o044, 0, 'the gateway may read what root left');

  // Whether one runs is not for everybody to know.
  chownSync(state, 0, 0);
  chmodSync(state, 0o711);
  for (const words of [['stop'], ['mailq']]) {
    const answer = as(GUEST, [...words, ...config]);
    assert.deepEqual([answer.code, answer.stdout], [77, ''], words[0]);
    assert.match(answer.stderr, /state belongs to root, and this account is \S+( \d+)?: be root\n$/, words[0]);
  }
  chownSync(state, GUEST, GUEST);

  // Something of root's all the same: the start says what and how to mend it, without a trace of ours.
  chownSync(join(state, 'queue', 'data.mdb'), 0, 0);
  chmodSync(join(state, 'queue', 'data.mdb'), 0o600);
  const refused = as(GUEST, ['start', ...config]);
  assert.equal(refused.code, 77, refused.stdout);
  const { why } = JSON.parse(refused.stdout) as { readonly why?: string };
  assert.match(why ?? '', /data\.mdb belongs to root, and the rest of .*state to this account: as root, chown -R \S+ .*state$/);
  assert.match(as(GUEST, ['mailq', ...config]).stderr, /^posthorn mailq: .*data\.mdb belongs to root/);

  await box.start();
  assert.match(String(box.log.find(line => line.event === 'notice' && line['level'] === 'warn')?.['what']), /^belongs to \S+( \d+)?, and this gateway is root: .*\(chown -R /);
  assert.equal(await box.stop(), 0);

  writeFileSync(join(box.config, 'userdb'), '', { mode: 0o600 });
  writeFileSync(join(box.config, 'socksproxy'), '', { mode: 0o600 });
  const closed = as(GUEST, ['mailq', ...config]);
  assert.deepEqual([closed.code, closed.stderr.trimEnd().split('\n').length], [77, 1], closed.stderr);
  assert.match(closed.stderr, /^posthorn mailq: this account \(\S+( \d+)?\) may not read .* Be root, or the account that the gateway runs as\.\n$/);
});
