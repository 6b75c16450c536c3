import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import fc from '../../props/fast-check.ts';
import { FIELDS, mailboxesOn, message, stillClock, systemError, watchedFiles } from '../../props/mailbox-desk.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const never = new AbortController().signal;
const FROM = 'From bob@there.example Tue Nov 14 22:13:20 2023\n';

test('messages follow one another, each with its From line and an empty line behind', async () => {
  const path = join(scratchFolder('mailbox'), 'mbox');
  await mailboxesOn().deliver(path, message('Subject: a\r\n\r\nOne\r\n'), never);
  await mailboxesOn().deliver(path, message('Subject: b\r\n\r\nTwo', { reversePath: '' }), never);
  assert.equal(readFileSync(path, 'latin1'), `${FROM}${FIELDS}Subject: a\n\nOne\n\n${FROM.replace('bob@there.example', 'MAILER-DAEMON')}${FIELDS}Subject: b\n\nTwo\n\n`);
  assert.ok(!existsSync(`${path}.lock`));
});

test('lines that look like a separator are quoted however the content is cut, and can be told apart again', async () => {
  const path = join(scratchFolder('mailbox'), 'mbox');
  const word = fc.constantFrom('From ', 'From', '>From ', '>>From x', 'F', 'ro', 'm ', '\n', '\n\n', '>', 'a', '\r\n');
  await fc.assert(fc.asyncProperty(fc.array(word, { maxLength: 12 }), async pieces => {
    writeFileSync(path, '');
    await mailboxesOn().deliver(path, message(pieces, { fields: new Uint8Array(0) }), never);
    const written = readFileSync(path, 'latin1');
    assert.ok(written.startsWith(FROM) && written.endsWith('\n\n'));
    const body = written.slice(FROM.length);
    assert.doesNotMatch(body, /^From /m);
    const plain = pieces.join('').replaceAll('\r\n', '\n');
    assert.equal(body.replaceAll(/^>(>*From )/gm, '$1'), `${plain}${plain === '' || plain.endsWith('\n') ? '' : '\n'}\n`);
  }), { numRuns: 200 });
});

test('a sender cannot end the From line', async () => {
  const path = join(scratchFolder('mailbox'), 'mbox');
  await mailboxesOn().deliver(path, message('x\n', { reversePath: '"a\nFrom evil"@x\r y' }), never);
  assert.equal(readFileSync(path, 'latin1').match(/^From /gm)?.length, 1);
});

test('any error takes the file back to its old length', async () => {
  const path = join(scratchFolder('mailbox'), 'mbox');
  await mailboxesOn().deliver(path, message('first\n'), never);
  const before = readFileSync(path);
  let writes = 0;
  for (const [step, code, why] of [['write', 'ENOSPC', 'disk-full'], ['sync', 'EIO', 'trouble'], ['write', 'EDQUOT', 'quota']] as const) {
    writes = 0;
    const files = watchedFiles((one, at) => {
      // The From line is written; what comes behind it is not.
      if (at === path && one === step && (step === 'sync' || ++writes === 2)) throw systemError(code);
    });
    const answer = await mailboxesOn(files).deliver(path, message('second\n'), never);
    assert.ok(answer.kind === 'refused' && answer.why === why, JSON.stringify(answer));
    assert.deepEqual(readFileSync(path), before);
    assert.ok(!existsSync(`${path}.lock`));
  }
});

test('what another writer left half is not run into', async () => {
  const path = join(scratchFolder('mailbox'), 'mbox');
  writeFileSync(path, 'From x Tue Nov 14 22:13:20 2023\n\ntorn');
  await mailboxesOn().deliver(path, message('x\n'), never);
  assert.match(readFileSync(path, 'latin1'), /torn\nFrom bob/);
});

test('links, second names, pipes and files that everyone may write to are refused, and kept', async () => {
  const root = scratchFolder('mailbox');
  const precious = join(root, 'precious');
  writeFileSync(precious, 'kept');
  symlinkSync(precious, join(root, 'link'));
  linkSync(precious, join(root, 'second'));
  assert.equal(spawnSync('mkfifo', [join(root, 'pipe')]).status, 0);
  writeFileSync(join(root, 'open'), '');
  chmodSync(join(root, 'open'), 0o666);
  for (const name of ['link', 'second', 'pipe', 'open']) {
    const answer = await mailboxesOn().deliver(join(root, name), message('x\n'), never);
    assert.ok(answer.kind === 'refused' && (answer.why === 'unsafe' || name === 'pipe'), `${name}: ${JSON.stringify(answer)}`);
  }
  assert.equal(readFileSync(precious, 'latin1'), 'kept');
  assert.deepEqual(await mailboxesOn().deliver('/dev/null', message('x\n'), never), { kind: 'stored', octets: 0 });
});

test('a lock is waited for, up to a limit; a dead holder’s is put aside', async () => {
  const path = join(scratchFolder('mailbox'), 'mbox');
  let now = Date.now();
  let slept = 0;
  const clock = { now: () => now as Instant, sleepUntil: (when: Instant) => {
    now = when;
    slept++;
    return Promise.resolve();
  } };
  writeFileSync(`${path}.lock`, `${process.pid}\n${hostname()}\n`);
  const locked = await mailboxesOn(undefined, clock).deliver(path, message('x\n'), never);
  assert.ok(locked.kind === 'refused' && locked.why === 'locked');
  assert.ok(slept > 10 && !existsSync(path));
  assert.ok(existsSync(`${path}.lock`));
  const gone = spawnSync('true').pid;
  writeFileSync(`${path}.lock`, `${gone}\n${hostname()}\n`);
  assert.equal((await mailboxesOn(undefined, clock).deliver(path, message('x\n'), never)).kind, 'stored');
  // Another host's: only its age tells.
  writeFileSync(`${path}.lock`, '1\nelsewhere.example\n');
  utimesSync(`${path}.lock`, now / 1000 - 301, now / 1000 - 301);
  assert.equal((await mailboxesOn(undefined, clock).deliver(path, message('y\n'), never)).kind, 'stored');
  assert.ok(!existsSync(`${path}.lock`));
});

test('deliveries at once follow one another without waiting for a lock’s retry', async () => {
  const path = join(scratchFolder('mailbox'), 'mbox');
  const mailboxes = mailboxesOn(undefined, { ...stillClock, sleepUntil: () => Promise.reject(new Error('waited')) });
  await Promise.all(Array.from({ length: 20 }, (_, n) => mailboxes.deliver(path, message(`${n}\n`), never)));
  assert.equal(readFileSync(path, 'latin1').match(/^From /gm)?.length, 20);
});

test('an absent folder is said to be absent, and not made', async () => {
  const root = scratchFolder('mailbox');
  const answer = await mailboxesOn().deliver(join(root, 'no/mbox'), message('x\n'), never);
  assert.ok(answer.kind === 'refused' && answer.why === 'absent');
  mkdirSync(join(root, 'file'));
});
