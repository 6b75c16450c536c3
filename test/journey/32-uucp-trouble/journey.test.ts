/** What goes wrong between two real sites, and what becomes of the mail. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink, type Sink } from '../../props/sink.ts';
import { jobsOf, openSites, replaceCommand, runQueued, uucpAbsent, type Sites, type SitesOptions } from '../../props/uucp-sites.ts';
import { eventually } from '../../props/within.ts';

const skip = uucpAbsent();

async function openTrouble(t: TestContext, options: SitesOptions = {}): Promise<Sites & { readonly sink: Sink; send(token: string, to?: string): Promise<void> }> {
  const sink = await openSink();
  t.after(() => sink.close());
  const sites = await openSites(t, { ...options, nextHop: sink.port, filesA: { uucpneighbors: 'siteb\tG\n', ...options.filesA }, filesB: { uucpneighbors: 'sitea\tG\n', ...options.filesB } });
  await sites.a.box.start();
  await sites.b.box.start();
  return {
    ...sites, sink,
    async send(token, to = 'siteb!there.example!bob@sitea.example') {
      await post(sites.a.box, { token, from: 'ada@sender.example', to: [to], content: messageText({ token }) });
      await eventually(20_000, 'it to leave the queue', async () => (await sites.a.box.run(['mailq', '--summary'])).stdout.startsWith('0 messages'));
    },
  };
}

/** Less than a command of a test may take: a call that goes nowhere ends by itself, with its own word. */
const poll = ({ a }: Sites) => a.box.run(['uucp', 'poll', 'siteb', '--timeout', '20s']);

test('a wrong password: the call fails, says so, and the job stays', { timeout: 120_000, skip }, async t => {
  const sites = await openTrouble(t, { passwordOfB: 'another' });
  await sites.send('one');
  const failed = await poll(sites);
  assert.equal(failed.code, 75);
  assert.match(failed.stderr, /the call failed \(.*\)/);
  assert.match(jobsOf(sites.a), /rmail/);
  writeFileSync(join(sites.b.folder, 'passwd'), 'ua geheim\n');
  sites.b.settle();
  const again = await poll(sites);
  assert.equal(again.code, 0, again.stderr);
  await sites.sink.arrival('one');
  assert.equal(jobsOf(sites.a), '');
});

test('a command the other side does not allow: its UUCP says so by mail, and nothing is run', { timeout: 120_000, skip }, async t => {
  const sites = await openTrouble(t, { filesA: { uucpbatches: 'siteb rcmdsmtp gzip age=1s\n' } });
  await sites.send('one');
  await eventually(20_000, 'the batch to be a job', () => jobsOf(sites.a) !== '');
  assert.equal((await poll(sites)).code, 0);
  await eventually(20_000, 'the refusal', () => /Not permitted to execute rcmdsmtp/.test(sites.b.log()));
  assert.equal(sites.sink.count, 0);
});

test('67 is the end of a job there, 75 keeps it until it works', { timeout: 120_000, skip }, async t => {
  const sites = await openTrouble(t);
  replaceCommand(sites.b, 'rmail', 'exit 75');
  await sites.send('later');
  assert.equal((await poll(sites)).code, 0);
  await eventually(20_000, 'the first try', () => /Will retry later/.test(sites.b.log()));
  // As it stands when the configuration there is broken: our own rmail.
  assert.equal((await sites.a.box.run(['uucp', 'setup', 'siteb', '--via', 'pipe', '--command', 'x', '--write', sites.a.folder])).code, 0);
  rmSync(join(sites.b.folder, 'bin', 'rmail'));
  assert.equal((await sites.b.box.run(['uucp', 'setup', 'sitea', '--answer', '--login', 'ua', '--write', sites.b.folder])).code, 0);
  sites.b.settle();
  await runQueued(sites.b);
  await sites.sink.arrival('later');

  replaceCommand(sites.b, 'rmail', 'cat > /dev/null; echo "no such user" >&2; exit 67');
  await sites.send('never');
  assert.equal((await poll(sites)).code, 0);
  await eventually(20_000, 'the end of it', () => /Exit status 67/.test(sites.b.log()));
  await runQueued(sites.b);
  assert.ok(!sites.sink.tokens.has('never'));
});

test('an unknown mailbox at the far end comes back as a DSN, over the wire', { timeout: 120_000, skip }, async t => {
  const sites = await openTrouble(t, { filesB: { userdb: 'carol@siteb.example\tesmtppw={PLAIN}x\n' } });
  await sites.send('nobody', 'nobody@siteb.example');
  assert.equal((await poll(sites)).code, 0);
  await eventually(30_000, 'the report to wait at siteb', () => jobsOf(sites.b) !== '');
  assert.equal((await poll(sites)).code, 0);
  await sites.sink.until(20_000, 'the report', () => sites.sink.arrivals.some(one => one.reversePath === '' && one.content.includes('nobody@siteb.example')));
  const report = sites.sink.arrivals.find(one => one.reversePath === '');
  assert.deepEqual(report?.recipients, ['ada@sender.example']);
});

test('a uucico killed in the middle of a call loses nothing, and doubles only what it could not know was received', { timeout: 120_000, skip }, async t => {
  const sites = await openTrouble(t);
  const tokens = Array.from({ length: 20 }, (_, n) => `m${n}`);
  for (const token of tokens) await post(sites.a.box, { token, from: 'ada@sender.example', to: ['siteb!there.example!bob@sitea.example'], content: messageText({ token, octets: 60_000 }) });
  await eventually(30_000, 'all to leave the queue', async () => (await sites.a.box.run(['mailq', '--summary'])).stdout.startsWith('0 messages'));
  const uucico = spawn('/usr/sbin/uucico', ['-I', sites.a.configFile, '-D', '-q', '-r1', '-S', 'siteb'], { stdio: 'ignore' });
  await eventually(20_000, 'the call to move something', () => /Sending rmail/.test(sites.a.log()));
  const ended = new Promise(done => uucico.once('close', done));
  uucico.kill('SIGKILL');
  await ended;
  // Its lock names a process that is gone: uucico takes it away by itself. The other side may need longer to see that
  // nobody is there, and refuses a second call until then.
  let again = await poll(sites);
  for (let calls = 1; again.code !== 0 && calls < 3; calls++) again = await poll(sites);
  assert.equal(again.code, 0, again.stderr + sites.a.log());
  await sites.sink.until(60_000, 'every message', () => tokens.every(token => sites.sink.tokens.has(token))).catch((error: unknown) => assert.fail(`${String(error)} ${sites.b.log()}`));
  // What the other side had received whole and run before it called again, uucico sends once more: nobody had told it.
  const [, broken = ''] = sites.b.log().split('Incoming call');
  const twice = tokens.filter(token => sites.sink.tokens.get(token) !== 1);
  assert.ok(twice.length <= (broken.match(/Executing/g) ?? []).length, `${twice.join()} more than once\n${sites.b.log()}`);
  assert.ok(twice.every(token => sites.sink.tokens.get(token) === 2), twice.join());
});

test('a spool that takes nothing: deferred, never failed, and it goes when there is room', { timeout: 120_000, skip: skip || (process.getuid?.() === 0 ? false : 'only root can take uucp\'s spool away from it') }, async t => {
  const sites = await openTrouble(t);
  const spool = join(sites.a.folder, 'spool');
  // What a full disk is to uux: it cannot make a file. As uucp it may not write where root says so.
  for (const name of readdirSync(spool)) rmSync(join(spool, name), { recursive: true, force: true });
  chmodSync(spool, 0o555);
  await post(sites.a.box, { token: 'full', from: 'ada@sender.example', to: ['siteb!there.example!bob@sitea.example'], content: messageText({ token: 'full' }) });
  await sites.a.box.logged('a deferral', line => line.event === 'delivery' && line['status'] === 'deferred');
  chmodSync(spool, 0o755);
  await sites.a.box.run(['flush']);
  await eventually(30_000, 'the job', async () => {
    await sites.a.box.run(['flush']);
    return jobsOf(sites.a) !== '';
  });
  assert.equal((await poll(sites)).code, 0);
  await sites.sink.arrival('full');
});

test('recall: out of uux and back in our hands', { timeout: 120_000, skip: skip || (process.getuid?.() === 0 ? false : 'only root can read uucp\'s spool') }, async t => {
  const sites = await openTrouble(t);
  await sites.send('back');
  const job = jobsOf(sites.a).split(' ')[0] ?? '';
  const recalled = await sites.a.box.run(['uucp', 'recall', job]);
  assert.equal(recalled.code, 0, recalled.stderr);
  assert.match(recalled.stdout, /^From sender\.example!ada .* remote from sitea\n[^]*Good morning\.\n$/);
  assert.equal(jobsOf(sites.a), '');
  assert.equal((await poll(sites)).code, 0);
  assert.equal(sites.sink.count, 0);
});
