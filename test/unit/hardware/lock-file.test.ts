/** Lock files as uucico, cu and mgetty know them. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockHolder, lockPath, takeLock } from '../../../hardware/modem/lock-file.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const fresh = () => mkdtempSync(join(scratchFolder('locks'), 'l'));
/** A process that is no more. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

test('ten characters and a newline, gone when released', async () => {
  const folder = fresh();
  const taken = await takeLock(folder, '/dev/ttyS0');
  assert.equal(taken.kind, 'locked');
  assert.equal(readFileSync(join(folder, 'LCK..ttyS0'), 'latin1'), `${String(process.pid).padStart(10)}\n`);
  assert.deepEqual(await lockHolder(folder, '/dev/ttyS0'), { pid: process.pid, alive: true });
  assert.deepEqual(await takeLock(folder, '/dev/ttyS0'), { kind: 'held', pid: process.pid });
  if (taken.kind === 'locked') await taken.lock.release();
  assert.deepEqual(readdirSync(folder), []);
});

test('the last part of the device names the lock, whatever folder it is in', () => {
  assert.equal(lockPath('/var/lock', '/dev/pts/3'), '/var/lock/LCK..3');
});

test('a stale lock is taken over, in text or as a binary number', async () => {
  for (const content of [`${String(deadPid()).padStart(10)}\n`, `${deadPid()}\n`, (() => {
    const binary = Buffer.alloc(4);
    binary.writeInt32LE(deadPid());
    return binary;
  })()]) {
    const folder = fresh();
    writeFileSync(join(folder, 'LCK..ttyS1'), content);
    assert.equal((await takeLock(folder, 'ttyS1')).kind, 'locked');
    assert.deepEqual(readdirSync(folder), ['LCK..ttyS1']);
  }
});

test('a lock of somebody alive is left alone, and so is one that says nothing', async t => {
  const folder = fresh();
  const other = spawn('sleep', ['30']);
  t.after(() => other.kill());
  writeFileSync(join(folder, 'LCK..a'), `${String(other.pid).padStart(10)}\n`);
  assert.deepEqual(await takeLock(folder, 'a'), { kind: 'held', pid: other.pid });
  writeFileSync(join(folder, 'LCK..b'), '');
  assert.equal((await takeLock(folder, 'b')).kind, 'held');
  assert.deepEqual(readdirSync(folder).toSorted(), ['LCK..a', 'LCK..b']);
});

test('of many who want a stale lock one gets it, and the others hear who', async () => {
  const dead = deadPid();
  for (let round = 0; round < 40; round++) {
    const folder = fresh();
    writeFileSync(join(folder, 'LCK..c'), `${String(dead).padStart(10)}\n`);
    const results = await Promise.all(Array.from({ length: 8 }, () => takeLock(folder, 'c')));
    assert.deepEqual(results.map(({ kind }) => kind).toSorted(), [...Array<string>(7).fill('held'), 'locked'], `round ${round}`);
    assert.deepEqual(readdirSync(folder), ['LCK..c']);
  }
});

test('who died while he removed a stale lock keeps nobody out for long', async () => {
  const folder = fresh();
  writeFileSync(join(folder, 'LCK..d'), `${String(deadPid()).padStart(10)}\n`);
  const guard = join(folder, 'LCK..d.stale');
  writeFileSync(guard, '');
  assert.equal((await takeLock(folder, 'd')).kind, 'impossible', 'somebody is at it');
  const longAgo = Date.now() / 1000 - 60;
  utimesSync(guard, longAgo, longAgo);
  assert.equal((await takeLock(folder, 'd')).kind, 'locked');
  assert.deepEqual(readdirSync(folder), ['LCK..d']);
});

test('a folder that is not there is told, not thrown', async () => {
  assert.equal((await takeLock('/nonexistent/locks', 'ttyS0')).kind, 'impossible');
});
