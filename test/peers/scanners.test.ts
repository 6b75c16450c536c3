/** Real scanners behind contentfilters: ClamAV's clamd with one signature of ours, spamd with local rules, opendkim as a milter. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../props/box.ts';
import { messageText } from '../props/messages.ts';
import { freePorts } from '../props/ports.ts';
import { openSink, type Sink } from '../props/sink.ts';
import { dialSmtp, type Reply } from '../props/smtp-client.ts';
import { eventually } from '../props/within.ts';

const lacks = (program: string) => (existsSync(program) ? false : `${program.split('/').at(-1)} is not installed`);

/** Short paths for sockets, which others may enter: scanners drop their privileges. */
function placeFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'scan-'));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function running(t: TestContext, program: string, args: readonly string[], where: NetConnectOpts, startMs = 60_000): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-2000); });
  const gone = new Promise(resolve => child.once('close', resolve));
  t.after(async () => {
    child.kill('SIGTERM');
    const forced = setTimeout(() => child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(forced);
  });
  await eventually(startMs, `${program} to listen`, () => {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${said}`);
    return new Promise<boolean>(resolve => {
      const socket = connect(where);
      socket.once('error', () => resolve(false)).once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });
  });
}

async function boxWith(t: TestContext, contentfilters: string): Promise<{ box: Box; sink: Sink }> {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { enablefiltering: 'esmtp local\n', contentfilters: `${contentfilters}\n` } });
  await box.start();
  return { box, sink };
}

async function send(box: Box, content: string): Promise<Reply> {
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  const reply = await client.send({ from: 'ada@sender.example', to: ['bob@there.example'], content });
  await client.quit();
  return reply;
}

const letter = (token: string, body = 'Good morning.\r\n', subject = 'A word') => messageText({ token, subject }).replace(/\r\n\r\n[^]*$/, `\r\n\r\n${body}`);

test('clamd: what its signatures know is refused, set aside or marked; a clamd that is away follows its policy', { skip: lacks('/usr/sbin/clamd'), timeout: 120_000 }, async t => {
  const folder = placeFor(t);
  mkdirSync(join(folder, 'db'));
  // A signature of our own, by octets: nothing need be fetched.
  writeFileSync(join(folder, 'db', 'ours.ndb'), `Ours.Test.Signature:0:*:${Buffer.from('a-most-dangerous-string').toString('hex')}\n`);
  const socket = join(folder, 'clamd.ctl');
  writeFileSync(join(folder, 'clamd.conf'), [`DatabaseDirectory ${folder}/db`, `LocalSocket ${socket}`, 'Foreground yes', `PidFile ${folder}/pid`, 'StreamMaxLength 1M', 'LogSyslog no', 'Debug no', ''].join('\n'));
  await running(t, '/usr/sbin/clamd', ['-c', join(folder, 'clamd.conf')], { path: socket });
  const { box, sink } = await boxWith(t, `virus clamd ${socket}`);
  assert.equal((await send(box, letter('clean').replace('X-Token', 'X-Virus-Status: Clean, believe me\r\nX-Token'))).code, 250);
  assert.deepEqual((await sink.arrival('clean')).content.toString().match(/^X-Virus-Status: .*$/gm), ['X-Virus-Status: Clean'], 'only what we say ourselves');
  const bad = letter('bad', 'Here is a-most-dangerous-string.\r\n');
  assert.match((await send(box, bad)).text, /^554 5\.7\.1 Message refused: it has Ours\.Test\.Signature/);

  box.configure({ contentfilters: `virus clamd ${socket} found=quarantine\n` });
  assert.equal((await box.run(['restart'])).code, 0);
  assert.equal((await send(box, bad)).code, 250);
  assert.match((await box.run(['mailq'])).stdout, /\(in quarantine: virus: Ours\.Test\.Signature/);
  box.configure({ contentfilters: `virus clamd ${socket} found=flag\n` });
  await box.run(['restart']);
  assert.equal((await send(box, letter('marked', 'a-most-dangerous-string\r\n'))).code, 250);
  assert.match((await sink.arrival('marked')).content.toString(), /^X-Virus-Status: Infected \(Ours\.Test\.Signature/m);

  box.configure({ contentfilters: `virus clamd ${socket}\n` });
  await box.run(['restart']);
  assert.match((await send(box, letter('long', 'x'.repeat(900).concat('\r\n').repeat(2000)))).text, /^432 4\.3\.0 /, 'more than clamd reads, and we did not say largest=');
  box.configure({ contentfilters: `virus clamd ${socket} largest=1M\nother clamd ${folder}/nobody absent=pass\n` });
  await box.run(['restart']);
  assert.equal((await send(box, letter('unseen', 'x'.repeat(900).concat('\r\n').repeat(2000)))).code, 250);
  await sink.arrival('unseen');
  assert.equal(await box.stop(), 0);
});

const GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';

test('spamd: its score decides as configured; mail says what was found, and strangers cannot say it', { skip: lacks('/usr/sbin/spamd'), timeout: 180_000 }, async t => {
  const folder = placeFor(t);
  const [port = 0] = await freePorts(1);
  for (const name of ['rules', 'site', 'home']) mkdirSync(join(folder, name));
  // Local rules of our own: no network, nothing fetched.
  writeFileSync(join(folder, 'rules', 'ours.pre'), 'loadplugin Mail::SpamAssassin::Plugin::Check\n');
  writeFileSync(join(folder, 'rules', 'ours.cf'), [
    'util_rb_tld example com org',
    'required_score 5', 'use_bayes 0', 'skip_rbl_checks 1', 'dns_available no',
    'body OURS_LOTTERY /lottery/i', 'score OURS_LOTTERY 6', 'body OURS_HELLO /hello/i', 'score OURS_HELLO 1', 'body OURS_GTUBE /GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL/', 'score OURS_GTUBE 1000', '',
  ].join('\n'));
  await running(t, '/usr/sbin/spamd', ['-L', '-x', '-i', '127.0.0.1', '-p', String(port), '-m', '1', '-C', join(folder, 'rules'), `--siteconfigpath=${join(folder, 'site')}`, '-H', join(folder, 'home'), '-s', 'stderr', '-r', join(folder, 'pid')], { host: '127.0.0.1', port });
  const { box, sink } = await boxWith(t, `sa spamd 127.0.0.1:${port} reject=100 subject=5 tag=[MAYBE]`);
  assert.equal((await send(box, letter('fine', 'Hello there.\r\n').replace('X-Token', 'X-Spam-Flag: NO\r\nX-Spam-Status: No, says who\r\nX-Token'))).code, 250);
  const fine = (await sink.arrival('fine')).content.toString();
  assert.match(fine, /^X-Spam-Status: No, score=1 required=5\r\n\ttests=OURS_HELLO\r\n/m);
  assert.equal(fine.match(/^X-Spam-/gm)?.length, 1, 'what the sender wrote of itself is gone');
  assert.equal((await send(box, letter('maybe', 'You won the lottery.\r\n', 'Good news'))).code, 250);
  const maybe = (await sink.arrival('maybe')).content.toString();
  assert.match(maybe, /^X-Spam-Status: Yes, score=6 required=5\r\n/m);
  assert.match(maybe, /^X-Spam-Flag: YES\r\n/m);
  assert.match(maybe, /^Subject: \[MAYBE\] Good news\r\n/m);
  assert.match((await send(box, letter('spam', `${GTUBE}\r\n`))).text, /^554 5\.7\.1 Message refused as spam/);
  assert.equal(sink.count, 2);
  assert.equal(await box.stop(), 0);
});

test('rspamd: its action is obeyed, or its score as configured', { skip: lacks('/usr/bin/rspamd'), timeout: 240_000 }, async t => {
  const folder = placeFor(t);
  chmodSync(folder, 0o777);
  const [port = 0] = await freePorts(1);
  // No module, no rule, no name server: the test letters that every rspamd knows by heart.
  writeFileSync(join(folder, 'rspamd.conf'), [
    'logging { type = "console"; level = "error"; color = false; }',
    `options { pidfile = "${folder}/pid"; filters = ""; enable_test_patterns = true; control_socket = "${folder}/control mode=0600"; hs_cache_dir = "${folder}"; tempdir = "${folder}"; history_rows = 1; dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; } }`,
    `worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; }`,
    'actions { reject = 15; add_header = 6; rewrite_subject = 8; greylist = null; subject = "[RSPAM] %s"; }', '',
  ].join('\n'));
  const user = process.getuid?.() === 0 ? ['-u', '_rspamd', '-g', '_rspamd'] : [];
  await running(t, '/usr/bin/rspamd', ['-f', ...user, '-c', join(folder, 'rspamd.conf')], { host: '127.0.0.1', port }, 180_000); // it compiles its patterns first
  const { box, sink } = await boxWith(t, `spam rspamd 127.0.0.1:${port} timeout=10s`);
  assert.equal((await send(box, letter('ham'))).code, 250);
  assert.match((await sink.arrival('ham')).content.toString(), /^X-Spam-Status: No, score=/m);
  assert.match((await send(box, letter('reject', `${GTUBE}\r\n`))).text, /^554 5\.7\.1 /);
  assert.equal((await send(box, letter('flag', `Y${GTUBE.slice(1)}\r\n`))).code, 250);
  assert.match((await sink.arrival('flag')).content.toString(), /^X-Spam-Flag: YES\r\n/m);
  assert.equal((await send(box, letter('subject', `Z${GTUBE.slice(1)}\r\n`, 'Old'))).code, 250);
  assert.match((await sink.arrival('subject')).content.toString(), /^Subject: (?!Old)/m);
  assert.equal((await send(box, letter('large', 'A line of text.\r\n'.repeat(100_000)))).code, 250);
  await sink.arrival('large');
  box.configure({ contentfilters: `spam rspamd 127.0.0.1:${port} quarantine=10\n` });
  await box.run(['restart']);
  assert.equal((await send(box, letter('aside', `${GTUBE}\r\n`))).code, 250);
  assert.match((await box.run(['mailq'])).stdout, /\(in quarantine: spam: score /);
  assert.equal(await box.stop(), 0);
});

test('opendkim as a milter: signs what we send, and its signature stands', { skip: lacks('/usr/sbin/opendkim') || lacks('/usr/bin/opendkim-genkey') && lacks('/usr/sbin/opendkim-genkey'), timeout: 120_000 }, async t => {
  const folder = placeFor(t);
  execFileSync('openssl', ['genrsa', '-out', join(folder, 'key.pem'), '2048'], { stdio: 'ignore' });
  const publicKey = execFileSync('openssl', ['rsa', '-in', join(folder, 'key.pem'), '-pubout', '-outform', 'DER'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString('base64');
  chmodSync(join(folder, 'key.pem'), 0o600);
  // The public key comes from a file instead of DNS: no name server is asked.
  writeFileSync(join(folder, 'keys'), `here._domainkey.sender.example v=DKIM1; k=rsa; p=${publicKey}\n`);
  const [signing = 0, verifying = 0] = await freePorts(2);
  const common = ['Syslog no', 'Canonicalization relaxed/simple', 'Background no', 'RequireSafeKeys no', `TestPublicKeys ${folder}/keys`];
  writeFileSync(join(folder, 'sign.conf'), [...common, 'Mode s', 'Domain sender.example', 'Selector here', `KeyFile ${folder}/key.pem`, `Socket inet:${signing}@127.0.0.1`, ''].join('\n'));
  writeFileSync(join(folder, 'verify.conf'), [...common, 'Mode v', 'AuthservID posthorn.example', 'AlwaysAddARHeader yes', `Socket inet:${verifying}@127.0.0.1`, ''].join('\n'));
  await running(t, '/usr/sbin/opendkim', ['-f', '-x', join(folder, 'sign.conf')], { host: '127.0.0.1', port: signing });
  await running(t, '/usr/sbin/opendkim', ['-f', '-x', join(folder, 'verify.conf')], { host: '127.0.0.1', port: verifying });

  const { box, sink } = await boxWith(t, `dkim milter inet:${signing}@127.0.0.1`);
  const sent = letter('signed', 'A line of text.\r\n'.repeat(20_000));
  assert.equal((await send(box, sent)).code, 250);
  const signed = (await sink.arrival('signed')).content.toString();
  assert.match(signed.slice(0, 500), /^Received: [^]*?\r\nDKIM-Signature: v=1; a=rsa-sha256;[^]*? d=sender\.example;\s+s=here;/);
  assert.ok(signed.endsWith(sent), 'the message itself keeps every octet');
  // A program of this box: Date and Message-ID are ours, and the signature covers them.
  const local = await box.run(['sendmail', '-f', 'ada@sender.example', 'bob@there.example'], 'From: ada@sender.example\nTo: bob@there.example\nX-Token: local\nSubject: x\n\nBody\n');
  assert.equal(local.code, 0, local.stderr);
  const ours = (await sink.arrival('local')).content.toString();
  assert.match(ours.slice(0, 1500), /^DKIM-Signature: [^]*?h=[^;]*Date/m);

  // The same box as a stranger would be: it verifies what it signed.
  box.configure({ contentfilters: `dkim milter inet:${verifying}@127.0.0.1\n` });
  await box.run(['restart']);
  for (const text of [signed, ours]) assert.equal((await send(box, text.slice(text.indexOf('DKIM-Signature:')))).code, 250);
  assert.equal((await send(box, signed.slice(signed.indexOf('DKIM-Signature:')).replace('A line of', 'A lime of').replace('X-Token: signed', 'X-Token: forged'))).code, 250);
  const verdict = (token: string, nth: number) => /dkim=(\w+)/.exec(sink.arrivals.filter(one => one.token === token)[nth]?.content.toString().replaceAll(/\r\n[ \t]+/g, ' ') ?? '')?.[1];
  await sink.arrival('forged');
  await eventually(10_000, 'all to arrive', () => sink.count === 5);
  assert.deepEqual([verdict('signed', 1), verdict('local', 1), verdict('forged', 0)], ['pass', 'pass', 'fail']);
  assert.equal(await box.stop(), 0);
});
