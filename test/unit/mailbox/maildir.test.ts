import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from '../../props/fast-check.ts';
import { FIELDS, mailboxesOn, mailsIn, message, systemError, watchedFiles, type Step } from '../../props/mailbox-desk.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const never = new AbortController().signal;

test('a stored message lies in new/ with LF line ends, and its name says its size', async () => {
  const folder = join(scratchFolder('mailbox'), 'deep/down/Maildir');
  const stored = await mailboxesOn().deliver(`${folder}/`, message(['Subject: x\r\n', '\r', '\nbody\rbare\r\n.\r', '\nend\r']), never);
  const text = `${FIELDS}Subject: x\n\nbody\rbare\n.\nend\r`;
  assert.deepEqual(stored, { kind: 'stored', octets: text.length });
  assert.deepEqual(mailsIn(folder), [text]);
  const [name = ''] = readdirSync(join(folder, 'new'));
  assert.match(name, /^1700000000\.M123000P\d+V[0-9A-F]{16}I[0-9A-F]{16}_0\.gate\.example,S=\d+$/);
  assert.ok(name.endsWith(`,S=${text.length}`));
  assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
});

test('flags, keywords and a mode go with a message that has some', async () => {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  const mailboxes = mailboxesOn();
  await mailboxes.deliver(`${folder}/`, message('x\n', { flags: 'SFS', keywords: ['work', 'a b', 'later'], mode: 0o640 }), never);
  const [name = ''] = readdirSync(join(folder, 'cur'));
  assert.match(name, /,S=\d+:2,FS$/);
  assert.equal(statSync(join(folder, 'cur', name)).mode & 0o777, 0o640 & ~process.umask());
  assert.deepEqual(readdirSync(join(folder, 'new')), []);
  // As Courier-IMAP keeps them: under the name without flags, a line each.
  assert.deepEqual(readdirSync(join(folder, 'courierimapkeywords')), [name.replace(/:2,.*/, '')]);
  assert.equal(readFileSync(join(folder, 'courierimapkeywords', name.replace(/:2,.*/, '')), 'utf8'), 'ab\nlater\nwork\n');
  await mailboxes.deliver(`${folder}/`, message('y\n', { flags: '', keywords: [] }), never);
  assert.equal(readdirSync(join(folder, 'new')).length, 1);
});

test('however the content is cut, the same octets lie there', async () => {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  const mailboxes = mailboxesOn();
  await fc.assert(fc.asyncProperty(fc.array(fc.stringMatching(/^[ab\r\n.]{0,6}$/), { maxLength: 8 }), async pieces => {
    await mailboxes.deliver(`${folder}/`, message(pieces, { fields: new Uint8Array(0) }), never);
    const wanted = pieces.join('').replaceAll('\r\n', '\n');
    assert.ok(mailsIn(folder).includes(wanted), JSON.stringify(pieces));
  }), { numRuns: 60 });
});

test('large content goes through a small memory, and arrives whole', async () => {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  const piece = Buffer.from('0123456789abcdef\r\n'.repeat(4000));
  const content = () => (async function* () {
    for (let n = 0; n < 40; n++) yield await Promise.resolve(piece);
  })();
  const stored = await mailboxesOn().deliver(`${folder}/`, message('', { content, fields: new Uint8Array(0) }), never);
  assert.deepEqual(stored, { kind: 'stored', octets: 40 * 4000 * 17 });
  assert.equal(mailsIn(folder)[0]?.length, 40 * 4000 * 17);
});

test('a Maildir is known by its look as well as by its slash; a folder within must be there', async () => {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  for (const part of ['', '/new', '/tmp', '/cur', '/.Work', '/.Work/new', '/.Work/tmp', '/.Work/cur']) mkdirSync(`${folder}${part}`);
  assert.equal((await mailboxesOn().deliver(folder, message('x\n'), never)).kind, 'stored');
  assert.equal((await mailboxesOn().deliver(folder, message('work\n', { folder: '.Work' }), never)).kind, 'stored');
  assert.equal(mailsIn(join(folder, '.Work')).length, 1);
  const absent = await mailboxesOn().deliver(`${folder}/`, message('x\n', { folder: '.Play' }), never);
  assert.ok(absent.kind === 'refused' && absent.why === 'absent');
  assert.ok(!existsSync(join(folder, '.Play')));
});

test('no name leads out of the Maildir, and nothing is written where everyone may write', async () => {
  const root = scratchFolder('mailbox');
  const folder = join(root, 'Maildir');
  await mailboxesOn().deliver(`${folder}/`, message('x\n'), never);
  for (const name of ['..', '.', '../x', './x', 'x', '.a/../../b', '.a/b', '', '.a..b', '.\0']) {
    const answer = await mailboxesOn().deliver(`${folder}/`, message('y\n', { folder: name }), never);
    assert.ok(answer.kind === 'refused' && answer.why === 'unsafe', JSON.stringify(name));
  }
  const relative = await mailboxesOn().deliver('Maildir/', message('y\n'), never);
  assert.ok(relative.kind === 'refused' && relative.why === 'unsafe');
  chmodSync(folder, 0o777);
  const open = await mailboxesOn().deliver(`${folder}/`, message('y\n'), never);
  assert.ok(open.kind === 'refused' && open.why === 'unsafe');
  assert.equal(mailsIn(folder).length, 1);
});

test('a file laid in tmp/ under our next name is not written through', async () => {
  const root = scratchFolder('mailbox');
  const folder = join(root, 'Maildir');
  for (const part of ['', '/new', '/tmp', '/cur']) mkdirSync(`${folder}${part}`);
  writeFileSync(join(root, 'precious'), 'kept');
  symlinkSync(join(root, 'precious'), join(folder, 'tmp', `1700000000.M123000P${process.pid}_0.gate.example`));
  const answer = await mailboxesOn().deliver(`${folder}/`, message('x\n'), never);
  assert.equal(answer.kind, 'refused');
  assert.equal(readFileSync(join(root, 'precious'), 'latin1'), 'kept');
});

const FAULTS: readonly (readonly [Step, RegExp, string, string])[] = [
  ['open', /Maildir\/tmp\//, 'ENOSPC', 'disk-full'], ['write', /Maildir\/tmp\//, 'ENOSPC', 'disk-full'], ['write', /Maildir\/tmp\//, 'EDQUOT', 'quota'], ['sync', /Maildir\/tmp\//, 'EIO', 'trouble'],
  ['stat', /Maildir\/tmp\//, 'EIO', 'trouble'], ['close', /Maildir\/tmp\//, 'EDQUOT', 'quota'], ['rename', /Maildir\/tmp\//, 'EACCES', 'denied'], ['open', /\/new$/, 'EMFILE', 'trouble'], ['sync', /\/new$/, 'EIO', 'trouble'],
];
for (const [step, where, code, why] of FAULTS) {
  test(`${code} at ${step} of ${where.source}: ${why}, and nothing of the message is left`, async () => {
    const folder = join(scratchFolder('mailbox'), 'Maildir');
    await mailboxesOn().deliver(`${folder}/`, message('first\n'), never);
    const files = watchedFiles((one, path) => {
      if (one === step && where.test(path)) throw systemError(code);
    });
    const answer = await mailboxesOn(files).deliver(`${folder}/`, message('second\n'), never);
    assert.ok(answer.kind === 'refused' && answer.why === why, JSON.stringify(answer));
    assert.ok(!answer.text.includes(folder));
    assert.equal(mailsIn(folder).length, 1);
    assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
  });
}

test('stored means: file synced before it has its name, folder synced after', async () => {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  await mailboxesOn().deliver(`${folder}/`, message('first\n'), never);
  const steps: string[] = [];
  const files = watchedFiles((step, path) => steps.push(`${step} ${/Maildir\/tmp\//.test(path) ? 'file' : path.slice(folder.length)}`));
  await mailboxesOn(files).deliver(`${folder}/`, message('second\n'), never);
  const order = ['write file', 'sync file', 'rename file', 'sync /new'].map(step => steps.indexOf(step));
  assert.ok(order.every(at => at >= 0), steps.join(', '));
  assert.deepEqual(order, order.toSorted((a, b) => a - b));
});

test('a crash between tmp and new leaves nothing that a reader sees; the next attempt brings the message', async () => {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  await mailboxesOn().deliver(`${folder}/`, message('first\n'), never);
  const dead = Promise.withResolvers<never>();
  const reached = Promise.withResolvers<void>();
  const files = { ...watchedFiles(() => undefined), rename: () => {
    reached.resolve();
    return dead.promise;
  } };
  void mailboxesOn(files).deliver(`${folder}/`, message('second\n'), never);
  await reached.promise;
  assert.equal(mailsIn(folder).length, 1);
  assert.equal(readdirSync(join(folder, 'tmp')).length, 1);
  // Another process has another clock or number; here only the name differs.
  const later = mailboxesOn(undefined, { now: () => 1_700_000_001_000 as never, sleepUntil: () => Promise.resolve() });
  assert.equal((await later.deliver(`${folder}/`, message('second\n'), never)).kind, 'stored');
  assert.equal(mailsIn(folder).filter(text => text.endsWith('second\n')).length, 1);
});

test('what deliveries that died left in tmp/ goes after 36 hours, and nothing younger', async () => {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  for (const part of ['', '/new', '/tmp', '/cur', '/tmp/folder']) mkdirSync(`${folder}${part}`);
  const now = 1_700_000_000;
  for (const [name, hours] of [['old', 37], ['young', 35]] as const) {
    writeFileSync(join(folder, 'tmp', name), 'half');
    utimesSync(join(folder, 'tmp', name), now - hours * 3600, now - hours * 3600);
  }
  assert.equal((await mailboxesOn().deliver(`${folder}/`, message('x\n'), never)).kind, 'stored');
  assert.deepEqual(readdirSync(join(folder, 'tmp')).toSorted(), ['folder', 'young']);
});

test('a hundred at once have a hundred names, and an abort leaves nothing', async () => {
  const folder = join(scratchFolder('mailbox'), 'Maildir');
  const mailboxes = mailboxesOn();
  await Promise.all(Array.from({ length: 100 }, (_, n) => mailboxes.deliver(`${folder}/`, message(`${n}\n`), never)));
  assert.equal(mailsIn(folder).length, 100);
  const stopped = await mailboxes.deliver(`${folder}/`, message('x\n'), AbortSignal.abort());
  assert.equal(stopped.kind, 'refused');
  assert.equal(mailsIn(folder).length, 100);
  assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
});
