/** Local delivery is as durable as the queue: a disk that is really full, syncs as the system saw them, a death in between. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../props/box.ts';
import { mailboxesOn, mailsIn, message } from '../props/mailbox-desk.ts';
import { scratchFor } from '../props/scratch.ts';
import { mountSmallDisk } from '../props/small-disk.ts';
import { attachStrace, straceAbsent } from '../props/strace.ts';
import { readTrace, syncs, type Call } from './system-calls.ts';

const never = new AbortController().signal;

test('a disk that fills up in the middle of a message: refused for now, nothing left of it, and later it fits', t => {
  const disk = mountSmallDisk(1);
  if (disk === null) return t.skip('nobody lets us mount a small disk');
  return (async () => {
    const mailboxes = mailboxesOn();
    const [maildir, mbox] = [join(disk, 'Maildir'), join(disk, 'mbox')];
    assert.equal((await mailboxes.deliver(`${maildir}/`, message('first\n'), never)).kind, 'stored');
    assert.equal((await mailboxes.deliver(mbox, message('first\n'), never)).kind, 'stored');
    const before = readFileSync(mbox);
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(400_000));
    const large = `${'x'.repeat(70)}\n`.repeat(10_000);
    for (const path of [`${maildir}/`, mbox]) {
      const answer = await mailboxes.deliver(path, message(large), never);
      assert.ok(answer.kind === 'refused' && answer.why === 'disk-full', JSON.stringify(answer));
    }
    assert.equal(mailsIn(maildir).length, 1);
    assert.deepEqual(readdirSync(join(maildir, 'tmp')), []);
    assert.deepEqual(readFileSync(mbox), before);
    rmSync(join(disk, 'ballast'));
    assert.equal((await mailboxes.deliver(`${maildir}/`, message(large), never)).kind, 'stored');
    assert.equal(mailsIn(maildir).length, 2);
  })();
});

test('file and folder are synced before the outcome is said: Maildir, new Maildir and mbox', { skip: straceAbsent(), timeout: 120_000 }, async t => {
  const folder = scratchFor(t, 'local-trace');
  const home = join(folder, 'home');
  const box = await boxFor(t, { folder, files: { userdb: `ann\thome=${home}\n`, 'aliases/one': `filed: ${join(folder, 'filed')}\n` } });
  const maildir = join(home, 'Maildir');
  mkdirSync(home, { mode: 0o700 });
  await box.start();
  const file = join(folder, 'trace');
  const tracer = await attachStrace(t, box.pid, ['-y', '-s', '4096', '-e', 'trace=fsync,fdatasync,rename,write,writev', '-o', file]);
  for (const [to, token] of [['ann', 'one'], ['ann', 'two'], ['filed', 'three']] as const) {
    const from = box.log.length;
    assert.equal((await box.run(['sendmail', '-f', 's@there.example', `${to}@posthorn.example`], `Subject: x\n\n${token}-token\n`)).code, 0);
    await box.logged(token, line => line.event === 'delivery' && line['status'] === 'success', { from });
  }
  await tracer.detach();
  assert.equal(await box.stop(), 0);
  const calls = readTrace(readFileSync(file, 'latin1'));
  for (const token of ['one', 'two']) {
    const written = wrote(calls, `${token}-token`, path => path.startsWith(join(maildir, 'tmp')));
    const synced = after(calls, written, call => syncs.has(call.name) && call.path === written.path);
    const renamed = after(calls, synced, call => call.name === 'rename' && call.text.includes(written.path));
    const folderSynced = after(calls, renamed, call => syncs.has(call.name) && call.path === join(maildir, 'new'));
    after(calls, folderSynced, call => call.name.startsWith('write') && call.text.includes('\\"event\\":\\"delivery\\"'), token);
  }
  assert.ok(calls.some(call => call.name === 'fsync' && call.path === home), 'the name of a new Maildir is synced');
  const filed = wrote(calls, 'three-token', path => path === join(folder, 'filed'));
  const synced = after(calls, filed, call => call.name === 'fsync' && call.path === filed.path);
  after(calls, synced, call => call.name === 'fsync' && call.path === folder);
});

test('killed between tmp and new: nobody sees half a message, and the next start delivers it', { skip: straceAbsent(), timeout: 120_000 }, async t => {
  const folder = scratchFor(t, 'local-kill');
  const home = join(folder, 'home');
  const box = await boxFor(t, { folder, files: { userdb: `ann\thome=${home}\n` } });
  mkdirSync(home, { mode: 0o700 });
  await box.start();
  const send = (token: string) => box.run(['sendmail', '-f', 's@there.example', 'ann@posthorn.example'], `Subject: x\n\n${token}\n`);
  await send('first');
  await box.logged('the first', line => line.event === 'completed');
  await attachStrace(t, box.pid, ['-e', 'trace=fsync', '-e', 'inject=fsync:signal=SIGKILL:when=1', '-o', '/dev/null']);
  await send('second');
  await box.ended();
  const maildir = join(home, 'Maildir');
  assert.equal(readdirSync(join(maildir, 'new')).length, 1);
  assert.equal(readdirSync(join(maildir, 'tmp')).length, 1, 'it died with the message half delivered');
  const from = box.log.length;
  await box.start();
  await box.logged('the second', line => line.event === 'completed', { from, ms: 40_000 });
  assert.equal(mailsIn(maildir).filter(text => text.endsWith('second\n')).length, 1);
  assert.equal(await box.stop(), 0);
});

function wrote(calls: readonly Call[], token: string, where: (path: string) => boolean): Call {
  const found = calls.find(call => call.name.startsWith('write') && call.text.includes(token) && where(call.path));
  assert.ok(found !== undefined, `${token} was not written`);
  return found;
}

/** The first such call that began after that one returned, and did not fail. */
function after(calls: readonly Call[], earlier: Call, wanted: (call: Call) => boolean, what = earlier.text.slice(0, 80)): Call {
  const found = calls.find(call => call.began > earlier.returned && wanted(call) && !/ = -1 /.test(call.text));
  assert.ok(found !== undefined, `nothing came after ${what}`);
  return found;
}
