/** Root beside a gateway that is not root: nothing of root's is left behind, and what is closed is named with its remedy. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { actAsOwner, whyClosed } from '../../../src/kit/file/owner.ts';
import { scratchFor } from '../../props/scratch.ts';

const root = process.geteuid?.() === 0;
const GUEST = 65534;
const accounts = { uidOf: () => null, find: (uid: number) => ({ name: uid === GUEST ? 'guest' : uid === 0 ? 'root' : 'me', gecos: '', home: '/' }) };

test('what root makes in a folder of another account, or below one, is that account’s, until it ends', { skip: root ? false : 'not root' }, t => {
  const folder = scratchFor(t, 'owner');
  const state = join(folder, 'state');
  chownSync(folder, GUEST, GUEST);
  const back = actAsOwner(state);
  try {
    mkdirSync(state);
    writeFileSync(join(state, 'file'), '');
  } finally {
    back();
  }
  assert.deepEqual([statSync(state).uid, statSync(join(state, 'file')).gid, process.geteuid?.(), process.getegid?.()], [GUEST, GUEST, 0, process.getgid?.()]);
  chownSync(folder, 0, 0);
  chownSync(state, 0, 0);
  actAsOwner(state)();
  assert.equal(process.geteuid?.(), 0);
});

test('why a folder is closed: another account’s, half another account’s, not there, mounted or marked read-only', { skip: root ? false : 'not root' }, t => {
  const folder = scratchFor(t, 'closed');
  const state = join(folder, 'state');
  const queue = join(state, 'queue');
  const asGuest = () => {
    const group = process.getegid?.() ?? 0;
    process.setegid?.(GUEST);
    process.seteuid?.(GUEST);
    try {
      return whyClosed(state, [queue], accounts);
    } finally {
      process.seteuid?.(0);
      process.setegid?.(group);
    }
  };
  chmodSync(folder, 0o755);
  assert.equal(asGuest(), `${state} is not there, and ${folder} belongs to root: as root, install -d -m 700 -o guest ${state}`);
  mkdirSync(state, { mode: 0o755 });
  mkdirSync(queue, { mode: 0o700 });
  assert.equal(asGuest(), `${state} belongs to root, and this account is guest: be root`);
  chownSync(state, GUEST, GUEST);
  assert.equal(asGuest(), `${queue} belongs to root, and the rest of ${state} to this account: as root, chown -R guest ${state}`);
  chownSync(queue, GUEST, GUEST);
  assert.equal(asGuest(), null);
  chmodSync(queue, 0o500);
  assert.match(asGuest() ?? '', /queue belongs to this account \(guest\) and cannot be written all the same/);
  assert.equal(whyClosed(state, [queue], accounts), null, 'root may');
});
