/** posthorn init --user: a gateway with an account of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createSystemAccounts } from '../../../src/kit/system-accounts.ts';
import { scratchFor } from '../../props/scratch.ts';

const GUEST = 65534;
const entry = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

function as(uid: number, words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [entry, ...words], { uid, gid: uid, encoding: 'utf8', timeout: 30_000 });
  return { code: status, stdout, stderr };
}

test('init for an account of its own: it may read its secrets and start; nobody else’s files change hands', { timeout: 60_000, skip: process.getuid?.() === 0 ? false : 'not root' }, t => {
  const account = createSystemAccounts().find(GUEST)?.name;
  if (account === undefined || as(GUEST, ['version']).code !== 0) return t.skip('no guest, or the sources are closed to it');
  const folder = scratchFor(t, 'init-user');
  for (const path of [folder, join(folder, '..')]) chmodSync(path, 0o755);
  const [config, state] = [join(folder, 'etc'), join(folder, 'state')];
  const init = (...words: string[]) => as(0, ['init', config, '--state', state, ...words]);
  assert.match(init('--user', 'no-such-account').stderr, /^posthorn init: there is no account no-such-account; as root: useradd /);
  assert.equal(as(GUEST, ['init', config, '--user', account]).code, 77);
  assert.deepEqual([init('--user', account).code, lstatSync(state).uid, lstatSync(join(config, 'userdb')).uid, lstatSync(join(config, 'me')).uid], [0, GUEST, GUEST, 0]);
  assert.equal(as(GUEST, ['check', '--config', config]).code, 0);
  assert.match(as(GUEST, ['queue', 'verify', '--config', config]).stdout, /all is as it was written/);
  chownSync(state, 0, 0);
  assert.deepEqual([init('--user', account).code, lstatSync(state).uid], [0, 0]);
});
