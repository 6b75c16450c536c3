/** What .courier files say, done: the language, exit codes, extensions, other systems' files. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { accountsOf, localDesk } from '../../props/local-desk.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const desk = (...more: Parameters<typeof localDesk> extends [string, ...infer R] ? R : never) => localDesk(scratchFolder('courier'), ...more);
const count = (folder: string) => (existsSync(join(folder, 'new')) ? readdirSync(join(folder, 'new')).length : 0);

test('without a .courier, or with an empty one, the default delivery holds; comments alone throw away', async () => {
  const box = desk();
  const maildir = join(box.folder, 'ann/Maildir');
  assert.equal((await box.send('ann@gate.example')).kind, 'delivered');
  assert.equal(count(maildir), 1);
  box.write('ann/.courier', '\n \n');
  assert.equal((await box.send('ann@gate.example')).kind, 'delivered');
  assert.equal(count(maildir), 2);
  box.write('ann/.courier', '# nothing for me\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'delivered');
  assert.equal(count(maildir), 2);
});

test('lines are done from the top: Maildirs, mbox files, programs, forwards', async () => {
  const box = desk();
  box.write('ann/.courier', './one/\n./mbox\n| cat > seen; \\\necho said >> seen\n&far@there.example, "q,x"@there.example\n!third@there.example\nplain@there.example\n');
  const outcome = await box.send('ann@gate.example');
  assert.deepEqual([outcome.kind, outcome.status], ['delivered', '2.0.0']);
  assert.equal(count(join(box.folder, 'ann/one')), 1, 'a slash makes a Maildir of what is not there');
  assert.match(readFileSync(join(box.folder, 'ann/mbox'), 'latin1'), /^From bob@there\.example .*\nDelivered-To: ann@gate\.example\nReturn-Path: <bob@there\.example>\nSubject: x\n\nHello\.\n\n$/);
  assert.match(readFileSync(join(box.folder, 'ann/seen'), 'latin1'), /Hello\.\nsaid\n$/);
  assert.deepEqual(box.forwarded, [['far@there.example', '"q,x"@there.example', 'third@there.example', 'plain@there.example']]);
});

test('a command gets the message with LF, and none of the three lines', async () => {
  const box = desk();
  box.write('ann/.courier', '| cat > seen; \\\necho said >> seen\n');
  await box.send('ann@gate.example', { text: 'Subject: a\r\n\r\nb\r\n' });
  assert.equal(readFileSync(join(box.folder, 'ann/seen'), 'latin1'), 'Subject: a\n\nb\nsaid\n');
  box.write('ann/.courier', '| preline cat > seen\n');
  await box.send('ann@gate.example', { text: 'Subject: a\r\n\r\nb\r\n' });
  assert.equal(readFileSync(join(box.folder, 'ann/seen'), 'latin1'), 'From bob@there.example Tue Nov 14 22:13:20 2023\nReturn-Path: <bob@there.example>\nDelivered-To: ann@gate.example\nSubject: a\n\nb\n');
});

test('a command may seek in the message, and read it twice', async () => {
  const box = desk();
  box.write('ann/.courier', '| head -c 4 >/dev/null; cat /dev/stdin > all; cat < /dev/fd/0 >> all\n');
  assert.equal((await box.send('ann@gate.example', { text: 'Subject: a\r\n\r\nb\r\n' })).kind, 'delivered');
  assert.match(readFileSync(join(box.folder, 'ann/all'), 'latin1'), /Subject: a/);
});

const CODES: readonly (readonly [number, string])[] = [
  [0, 'delivered 2.0.0'], [99, 'delivered 2.0.0'], [64, 'failed 5.3.5'], [65, 'failed 5.6.0'], [67, 'failed 5.1.1'], [68, 'failed 5.1.2'], [69, 'failed 5.3.0'], [70, 'failed 5.3.0'],
  [76, 'failed 5.5.0'], [77, 'failed 5.7.1'], [78, 'failed 5.3.5'], [100, 'failed 5.0.0'], [112, 'failed 5.0.0'], [1, 'deferred 4.2.0'], [75, 'deferred 4.2.0'], [71, 'deferred 4.2.0'], [111, 'deferred 4.2.0'], [127, 'deferred 4.2.0'], [255, 'deferred 4.2.0'],
];
test('exit codes mean what dot-courier(5) says, and the last words are the sender’s to read', async () => {
  const box = desk();
  for (const [code, wanted] of CODES) {
    box.write('ann/.courier', `| echo first; echo "no room $EXT" >&2; exit ${code}\n| touch second\n`);
    const outcome = await box.send('ann@gate.example');
    assert.equal(`${outcome.kind} ${outcome.status}`, wanted, String(code));
    assert.equal(existsSync(join(box.folder, 'ann/second')), code === 0, String(code));
    if (outcome.kind !== 'delivered') assert.match(outcome.said?.text ?? '', /no room/);
    rmSync(join(box.folder, 'ann/second'), { force: true });
  }
});

test('what a program says is bounded; a signal or a missing program is the box’s trouble', async () => {
  const box = desk();
  box.write('ann/.courier', '| yes | head -c 3000000; echo the end; exit 64\n');
  const outcome = await box.send('ann@gate.example');
  assert.ok((outcome.said?.text.length ?? 0) <= 4096 && outcome.said?.text.endsWith('the end') === true);
  box.write('ann/.courier', '| kill -9 $$\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'deferred');
});

test('what runs too long is ended with all it started; what it left behind is not waited for', async () => {
  const box = desk({}, { limitMs: 300 });
  box.write('ann/.courier', '| sleep 60 & sleep 61\n');
  const outcome = await box.send('ann@gate.example');
  assert.deepEqual([outcome.kind, outcome.said?.text], ['deferred', 'The program took too long']);
  const patient = desk();
  patient.write('ann/.courier', '| sleep 5 & exit 0\n');
  assert.equal((await patient.send('ann@gate.example')).kind, 'delivered');
});

test('the environment is what dot-courier(5) promises, and nothing of the gateway’s', async () => {
  process.env['POSTHORN_SECRET'] = 'x';
  const box = desk({ accounts: accountsOf({ ann: { home: '/nowhere', quota: '1000S' } }) });
  const own = desk();
  own.write('ann/.courier-a-b-default', '| env > seen\n');
  assert.equal((await own.send('Ann-a-b-c.d-e@gate.example')).kind, 'delivered');
  const seen = new Map(readFileSync(join(own.folder, 'ann/seen'), 'utf8').trim().split('\n').map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const wanted: Readonly<Record<string, string>> = {
    HOME: join(own.folder, 'ann'), USER: 'ann', SENDER: 'bob@there.example', RECIPIENT: 'Ann-a-b-c.d-e@gate.example', HOST: 'gate.example', LOCAL: 'Ann-a-b-c.d-e',
    EXT: 'a-b-c.d-e', EXT2: 'b-c.d-e', EXT3: 'c.d-e', EXT4: 'e', DEFAULT: 'c.d-e', RPLINE: 'Return-Path: <bob@there.example>', DTLINE: 'Delivered-To: Ann-a-b-c.d-e@gate.example',
    UFLINE: 'From bob@there.example Tue Nov 14 22:13:20 2023', SHELL: '/bin/sh', MAILDROPDEFAULT: join(own.folder, 'ann/Maildir'),
  };
  for (const [name, value] of Object.entries(wanted)) assert.equal(seen.get(name), value, name);
  assert.ok(!seen.has('POSTHORN_SECRET'));
  delete process.env['POSTHORN_SECRET'];
  assert.equal((await box.send('ann@gate.example')).kind, 'deferred', 'a home that is not there may be a disk that is not mounted');
});

test('programs may give instructions, four deep and 8191 octets, unless that is switched off', async () => {
  const box = desk();
  box.write('ann/.courier', '|| echo ./found/; mkdir -p found/tmp found/new found/cur\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'delivered');
  assert.equal(count(join(box.folder, 'ann/found')), 1);
  box.write('ann/.courier', '|| echo "|touch stopped"; exit 99\n| touch notreached\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'delivered');
  assert.ok(existsSync(join(box.folder, 'ann/stopped')) && !existsSync(join(box.folder, 'ann/notreached')));
  box.write('ann/again', 'echo "|| sh again"\n');
  box.write('ann/.courier', '|| sh again\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'failed');
  box.write('ann/.courier', '|| yes far@there.example | head -c 9000\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'deferred');
  assert.deepEqual(box.forwarded, []);
  const off = desk({}, { dynamic: false });
  off.write('ann/.courier', '|| echo ./found/\n');
  assert.equal((await off.send('ann@gate.example')).status, '5.1.1');
});

test('forwards go out once each, even when a later line fails', async () => {
  const box = desk();
  box.write('ann/.courier', '&a@there.example\na@there.example, b@there.example\n| exit 75\nc@there.example\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'deferred');
  assert.deepEqual(box.forwarded, [['a@there.example', 'b@there.example']]);
  const refusing = desk({ forward: () => Promise.resolve({ kind: 'refused', reply: 550, status: '5.1.1', text: 'nobody' }) });
  refusing.write('ann/.courier', '&a@there.example\n');
  assert.deepEqual([(await refusing.send('ann@gate.example')).kind, (await refusing.send('ann@gate.example')).said?.text], ['failed', '550 5.1.1 nobody']);
});

test('an extension is somebody when a file says so: its own, the nearest -default, never the plain file', async () => {
  const box = desk();
  box.write('ann/.courier', './plain/\n');
  box.write('ann/.courier-foo', '| echo foo > seen\n');
  box.write('ann/.courier-bar-default', '| echo "bar $DEFAULT" > seen\n');
  const seen = async (to: string) => {
    rmSync(join(box.folder, 'ann/seen'), { force: true });
    const { kind } = await box.send(`${to}@gate.example`);
    return kind === 'delivered' ? readFileSync(join(box.folder, 'ann/seen'), 'utf8').trim() : kind;
  };
  assert.equal(await seen('ann-foo'), 'foo');
  assert.equal(await seen('ann+foo'), 'foo');
  assert.equal(await seen('ann-bar-x-y'), 'bar x-y');
  assert.equal(await seen('ann-bar'), 'failed');
  assert.equal(await seen('ann-other'), 'failed');
  box.write('ann/.courier-default', '| echo "any $DEFAULT" > seen\n');
  assert.equal(await seen('ann-other'), 'any other');
  box.write('ann/.courier-v1:2', '| echo colon > seen\n');
  assert.equal(await seen('ann-v1.2'), 'colon');
});

test('dotextension gives qmail’s files their turn; dotforward gives .forward its', async () => {
  const qmail = desk({}, { dotExtension: 'qmail' });
  qmail.write('ann/.qmail', './Q/\n&far@there.example\n');
  mkdirSync(join(qmail.folder, 'ann/Q/tmp'), { recursive: true });
  mkdirSync(join(qmail.folder, 'ann/Q/new'));
  mkdirSync(join(qmail.folder, 'ann/Q/cur'));
  assert.equal((await qmail.send('ann@gate.example')).kind, 'delivered');
  assert.equal(count(join(qmail.folder, 'ann/Q')), 1);
  assert.deepEqual(qmail.forwarded, [['far@there.example']]);

  const box = desk({}, { delivery: '|| dotforward\n./Maildir' });
  const maildir = join(box.folder, 'ann/Maildir');
  assert.equal((await box.send('ann@gate.example')).kind, 'delivered');
  assert.equal(count(maildir), 1);
  box.write('ann/.forward', '\\ann, far@there.example\n"|echo \\"hi, there\\" > heard"\n');
  assert.equal((await box.send('ann@gate.example')).kind, 'delivered');
  assert.equal(count(maildir), 2, 'naming oneself keeps a copy');
  assert.equal(readFileSync(join(box.folder, 'ann/heard'), 'utf8'), 'hi, there\n');
  assert.deepEqual(box.forwarded.pop(), ['far@there.example']);
  box.write('ann/.forward', 'far@there.example\nbeen@there.example\n');
  assert.equal((await box.send('ann@gate.example', { text: 'Delivered-To: been@there.example\r\n\r\nx\r\n' })).kind, 'delivered');
  assert.equal(count(maildir), 2);
  assert.deepEqual(box.forwarded.pop(), ['far@there.example']);
});

test('the file maildrop: exactly its path is called with words, by no shell', async () => {
  const folder = scratchFolder('maildrop');
  const agent = join(folder, 'agent');
  const box = localDesk(folder, {}, { maildrop: agent });
  box.write('agent', '#!/bin/sh\nfor word; do echo "<$word>"; done > words\ncat >> words\n', 0o755);
  box.write('ann/.courier', `| ${agent}\n`);
  assert.equal((await box.send('ann@gate.example', { from: '"a;touch x"@there.example', text: 'S: x\r\n\r\n' })).kind, 'delivered');
  assert.equal(readFileSync(join(folder, 'ann/words'), 'utf8'), '<-A>\n<Delivered-To: ann@gate.example>\n<-A>\n<Return-Path: <"a;touch x"@there.example>>\n<-f>\n<"a;touch x"@there.example>\nS: x\n\n');
});

test('what nobody has goes to aliasdir; a hosted domain has its catch-all before that', async () => {
  const folder = scratchFolder('alias');
  const box = localDesk(folder, {
    accounts: accountsOf({ ann: { home: join(folder, 'ann') }, 'alias@hosted.example': { home: join(folder, 'all') }, 'bob@hosted.example': { home: join(folder, 'bob') } }),
    isLocal: domain => domain === 'gate.example', aliasFolder: join(folder, 'aliasdir'),
  });
  box.write('aliasdir/.courier-abuse', `| echo "abuse $LOCAL" > ${join(folder, 'seen')}\n`);
  box.write('all/.courier-default', `| echo "all $DEFAULT" > ${join(folder, 'seen')}\n`);
  const seen = async (to: string) => {
    rmSync(join(folder, 'seen'), { force: true });
    const { kind } = await box.send(to);
    return kind === 'delivered' ? readFileSync(join(folder, 'seen'), 'utf8').trim() : kind;
  };
  assert.equal(await seen('abuse@gate.example'), 'abuse abuse');
  assert.equal(await seen('other@gate.example'), 'failed');
  assert.equal(await seen('whoever@hosted.example'), 'all whoever');
});

test('files and homes that others may write to defer; a broken link is nobody', async () => {
  const box = desk();
  box.write('ann/.courier', '| touch pwned\n');
  chmodSync(join(box.folder, 'ann/.courier'), 0o666);
  assert.deepEqual([(await box.send('ann@gate.example')).status], ['4.7.0']);
  chmodSync(join(box.folder, 'ann/.courier'), 0o600);
  chmodSync(join(box.folder, 'ann'), 0o777);
  assert.deepEqual([(await box.send('ann@gate.example')).status], ['4.7.0']);
  chmodSync(join(box.folder, 'ann'), 0o700);
  assert.ok(!existsSync(join(box.folder, 'ann/pwned')));
  symlinkSync('/nonexistent', join(box.folder, 'ann/.courier-x'));
  assert.equal((await box.send('ann-x@gate.example')).kind, 'failed');
});

test('a missing home is made from the skeleton, whole', async () => {
  const folder = scratchFolder('skeleton');
  const box = localDesk(folder, { accounts: accountsOf({ new: { home: join(folder, 'homes-new') } }) }, { skeleton: join(folder, 'skel') });
  box.write('skel/.courier', './Inbox/\n');
  for (const part of ['tmp', 'new', 'cur']) mkdirSync(join(folder, 'skel/Inbox', part), { recursive: true });
  assert.equal((await box.send('new@gate.example')).kind, 'delivered');
  assert.equal(count(join(folder, 'homes-new/Inbox')), 1);
});

test('an account may have its own default: a Maildir elsewhere, an mbox, a program', async () => {
  const folder = scratchFolder('own');
  const home = join(folder, 'home');
  const box = localDesk(folder, { accounts: accountsOf({ a: { home, mailbox: join(folder, 'elsewhere') }, b: { home, mailbox: './box' }, c: { home, mailbox: '| cat > heard' }, d: { mailbox: join(folder, 'virtual') } }) }, { delivery: '| exit 64' });
  box.write('home/box', '');
  for (const name of ['a', 'b', 'c', 'd']) assert.equal((await box.send(`${name}@gate.example`)).kind, 'delivered', name);
  assert.equal(count(join(folder, 'elsewhere')), 1);
  assert.match(readFileSync(join(home, 'box'), 'latin1'), /^From bob@there/);
  assert.match(readFileSync(join(home, 'heard'), 'latin1'), /^Subject: x/);
  assert.equal(count(join(folder, 'virtual')), 1);
});
