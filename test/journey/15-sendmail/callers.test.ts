/** Programs that send mail by sendmail(1), and an account that may not speak to the gateway. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../../props/box.ts';
import { openSink, type Arrival, type Sink } from '../../props/sink.ts';
import { eventually } from '../../props/within.ts';

const repository = join(import.meta.dirname, '..', '..', '..');
const lacks = (program: string) => (existsSync(program) ? false : `${program.split('/').at(-1)} is not installed`);

/** A program as /usr/sbin/sendmail would be. */
function sendmailOf(box: Box): string {
  const path = join(box.folder, 'sendmail');
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${join(repository, 'src', 'main.ts')}' --config '${box.config}' sendmail "$@"\n`, { mode: 0o755 });
  return path;
}

async function boxAndSink(t: TestContext, files: Readonly<Record<string, string>> = {}): Promise<{ box: Box; sink: Sink }> {
  const sink = await openSink();
  t.after(() => sink.close());
  return { box: await boxFor(t, { nextHop: sink.port, files: { userdb: 'ann\tsystempw={PLAIN}secret\n', ...files } }), sink };
}

function run(program: string, args: readonly string[], input: string, environment: Readonly<Record<string, string>> = {}): void {
  const ran = spawnSync(program, args, { input, encoding: 'utf8', timeout: 30_000, env: { ...process.env, ...environment } });
  assert.equal(ran.status, 0, `${program}: ${ran.stdout}${ran.stderr}`);
}

async function bySubject(sink: Sink, subject: string): Promise<Arrival> {
  const find = () => sink.arrivals.find(one => one.content.toString().includes(`Subject: ${subject}\r\n`));
  await eventually(20_000, subject, () => find() !== undefined);
  return find() as Arrival;
}

test('mutt, bsd-mailx and PHP send by it', { skip: lacks('/usr/bin/mutt') || lacks('/usr/bin/bsd-mailx') || lacks('/usr/bin/php'), timeout: 120_000 }, async t => {
  const { box, sink } = await boxAndSink(t);
  const sendmail = sendmailOf(box);
  await box.start();
  run('/usr/bin/mutt', ['-n', '-F', '/dev/null', '-e', `set sendmail="${sendmail} -oem -oi"`, '-e', 'set from="ann@posthorn.example" use_from=yes use_envelope_from=yes', '-s', 'by mutt', '-b', 'hidden@there.example', 'bob@there.example'], 'From mutt.\n.\nStill.\n', { HOME: box.folder });
  const byMutt = await bySubject(sink, 'by mutt');
  assert.equal(byMutt.reversePath, 'ann@posthorn.example');
  assert.deepEqual(byMutt.recipients.toSorted(), ['bob@there.example', 'hidden@there.example']);
  assert.doesNotMatch(byMutt.content.toString(), /hidden@/);
  assert.ok(byMutt.content.toString().endsWith('From mutt.\r\n.\r\nStill.\r\n'));

  writeFileSync(join(box.folder, 'mailrc'), `set sendmail=${sendmail}\n`);
  run('/usr/bin/bsd-mailx', ['-s', 'by mailx', 'bob@there.example'], 'From mailx.\n', { MAILRC: join(box.folder, 'mailrc'), HOME: box.folder });
  assert.match((await bySubject(sink, 'by mailx')).content.toString(), /From mailx\.\r\n/);

  const php = "mail('bob@there.example', 'by php', \"From PHP.\\n\", ['From' => 'shop@posthorn.example', 'Cc' => 'carol@there.example'], '-fbounce@posthorn.example') or exit(1);";
  run('/usr/bin/php', ['-d', `sendmail_path=${sendmail} -t -i`, '-r', php], '');
  const byPhp = await bySubject(sink, 'by php');
  assert.deepEqual([byPhp.reversePath, byPhp.recipients.toSorted()], ['bounce@posthorn.example', ['bob@there.example', 'carol@there.example']]);
  assert.equal(await box.stop(), 0);
});

test('-bs speaks SMTP; exit codes are those of sysexits', { timeout: 60_000 }, async t => {
  const { box, sink } = await boxAndSink(t, { sizelimit: '20000\n' });
  await box.start();
  const dialogue = await box.run(['sendmail', '-bs'], [
    'EHLO here', 'MAIL FROM:<ann@posthorn.example> RET=HDRS', 'RCPT TO:<bob@there.example> NOTIFY=NEVER', 'RCPT TO:bad', 'DATA', 'Subject: by dialogue', '', '..dot', 'end', '.', 'NOOP', 'DATA', 'MAIL FROM:<a@x.example> SIZE=30000', 'FROBNICATE', 'QUIT', 'NOOP', '',
  ].join('\r\n'));
  assert.deepEqual(dialogue.stdout.trimEnd().split('\r\n').filter(line => !line.startsWith('250-')).map(line => line.slice(0, 9)), [
    '220 posth', '250 DSN', '250 2.1.0', '250 2.1.5', '501 5.1.3', '354 Ok. E', '250 2.0.0', '250 2.0.0', '503 5.5.1', '552 5.3.4', '500 5.5.1', '221 2.0.0',
  ]);
  const sent = await bySubject(sink, 'by dialogue');
  assert.ok(sent.content.toString().endsWith('\r\n\r\n.dot\r\nend\r\n'));
  assert.ok(sent.commands.some(line => line.includes('NOTIFY=NEVER')));
  const cut = await box.run(['sendmail', '-bs'], 'EHLO x\r\nMAIL FROM:<a@posthorn.example>\r\nRCPT TO:<bob@there.example>\r\nDATA\r\nSubject: half\r\n');
  assert.match(cut.stdout, /\r\n451 4\.3\.0 /, 'half a message is none');

  const letter = 'Subject: x\n\nbody\n';
  const rows: readonly (readonly [readonly string[], string, number, RegExp])[] = [
    [['-f', 'a@posthorn.example', 'nobody@posthorn.example'], letter, 67, /^550 5\.1\.1 /],
    [['bad address'], letter, 67, /^501 5\.1\.3 /],
    [['-f', '@', 'bob@there.example'], letter, 67, /^501 5\.1\.7 /],
    [['-t'], letter, 67, /No recipients/],
    [['bob@there.example'], `Subject: x\n\n${'y'.repeat(30_000)}\n`, 67, /^552 5\.3\.4 /],
    [['-Z'], letter, 64, /unknown option -Z/],
    [['-q30m'], '', 0, /^$/],
  ];
  for (const [args, input, code, said] of rows) {
    const ran = await box.run(['sendmail', ...args], input);
    assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`);
    assert.match(ran.stderr, said, args.join(' '));
  }
  assert.match((await box.run(['sendmail', '-bp'])).stdout, /messages\.|empty/);
  assert.equal((await box.run(['sendmail', '-q'])).code, 0);
  const verp = await box.run(['sendmail', '-verp', '-f', 'list@posthorn.example', 'bob@there.example', 'carol-x@there.example'], 'Subject: by verp\n\nx\n');
  assert.equal(verp.code, 0, verp.stderr);
  await eventually(20_000, 'both copies', () => sink.arrivals.filter(one => one.content.toString().includes('by verp')).length === 2);
  assert.deepEqual(sink.arrivals.filter(one => one.content.toString().includes('by verp')).map(one => one.reversePath).toSorted(), ['list-bob=there.example@posthorn.example', 'list-carol+2Dx=there.example@posthorn.example']);
  // A sink without TLS: what demands it of every hop never arrives.
  assert.equal((await box.run(['sendmail', '-S', 'STARTTLS', '-f', 'ann@there.example', 'bob@there.example'], 'Subject: by security\n\nx\n')).code, 0);
  await box.logged('the failure', line => line.event === 'delivery' && line['status'] === 'failure' && line['from'] === 'ann@there.example');
  assert.ok(!sink.arrivals.some(one => one.content.toString().includes('by security')));
  assert.equal(await box.stop(), 0);
});

test('left while nobody runs: what is refused in the end is reported to its sender, nothing vanishes', { timeout: 60_000 }, async t => {
  const { box, sink } = await boxAndSink(t);
  const left = await box.run(['sendmail', '-f', 'ann@there.example', 'bob@there.example', 'nobody@posthorn.example'], 'Subject: by two\n\nbody\n');
  assert.equal(left.code, 0, left.stderr);
  assert.equal(readdirSync(join(box.folder, 'state', 'pickup')).length, 1);
  await box.start();
  await eventually(20_000, 'the message and the report', () => sink.count === 2);
  assert.deepEqual(sink.arrivals.find(one => one.reversePath === 'ann@there.example')?.recipients, ['bob@there.example']);
  const report = sink.arrivals.find(one => one.reversePath === '');
  assert.deepEqual(report?.recipients, ['ann@there.example']);
  assert.match(report?.content.toString() ?? '', /Final-Recipient: rfc822; ?nobody@posthorn\.example[^]*Status: 5\.1\.1/);
  assert.deepEqual(readdirSync(join(box.folder, 'state', 'pickup')), []);
  assert.equal(await box.stop(), 0);
});

test('killed while it takes mail in, the gateway has all of it after the next start', { timeout: 120_000 }, async t => {
  const { box, sink } = await boxAndSink(t);
  const subjects = Array.from({ length: 6 }, (_, n) => `by kill ${n}`);
  for (const subject of subjects) assert.equal((await box.run(['sendmail', '-f', 'ann@there.example', 'bob@there.example'], `Subject: ${subject}\n\nbody\n`)).code, 0);
  await box.start();
  await box.kill();
  await box.start();
  for (const subject of subjects) await bySubject(sink, subject);
  await eventually(20_000, 'an empty folder', () => readdirSync(join(box.folder, 'state', 'pickup')).length === 0);
  assert.equal(await box.stop(), 0);
});

const unprivileged = process.getuid?.() === 0 ? false : 'only root can become somebody else';

test('an account that may not speak to the gateway nor read its secrets sends all the same, as itself', { skip: unprivileged, timeout: 60_000 }, async t => {
  // Everything on the way must let strangers through, which a developer's home does not: a place and a program of its own.
  const place = mkdtempSync(join(tmpdir(), 'open-'));
  chmodSync(place, 0o755);
  process.once('exit', () => rmSync(place, { recursive: true, force: true }));
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { folder: place, nextHop: sink.port, files: { userdb: 'ann\tsystempw={PLAIN}secret\n', esmtpauthclient: 'relay user secret\n' } });
  await box.start();
  const uid = 65_534;
  const as = (args: readonly string[], input: string) => new Promise<{ code: number | null; stderr: string }>(resolve => {
    const child = spawn(process.execPath, [join(repository, 'src', 'main.ts'), '--config', box.config, 'sendmail', ...args], { uid, gid: uid, stdio: ['pipe', 'ignore', 'pipe'], cwd: '/', env: { PATH: '/usr/bin:/bin' } });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
    child.stdin.end(input);
    child.once('close', code => resolve({ code, stderr }));
  });
  const sent = await as(['bob@there.example'], 'Subject: by nobody\n\nbody\n');
  assert.equal(sent.code, 0, sent.stderr);
  const arrived = await bySubject(sink, 'by nobody');
  assert.equal(arrived.reversePath, 'nobody@posthorn.example');
  assert.match(arrived.content.toString(), /^ {2}\(user nobody\)\r\n/m, 'the file\'s owner, whatever the file says');
  const pickup = join(place, 'state', 'pickup');
  const listing = spawnSync('ls', [pickup], { uid, gid: uid, encoding: 'utf8' });
  assert.notEqual(listing.status, 0, 'and cannot see what others leave');
  for (const secret of ['queue', 'control.sock', 'filtering']) assert.notEqual(spawnSync('cat', [join(place, 'state', secret)], { uid, gid: uid }).status, 0, secret);
  assert.notEqual(spawnSync('ls', [join(place, 'state')], { uid, gid: uid }).status, 0);
  assert.equal(await box.stop(), 0);

  box.configure({ pickup: 'owner\n' });
  await box.start();
  const closed = await as(['bob@there.example'], 'Subject: x\n\nbody\n');
  assert.equal(closed.code, 75);
  assert.match(closed.stderr, /closed to this account/);
  assert.equal(await box.stop(), 0);
});
