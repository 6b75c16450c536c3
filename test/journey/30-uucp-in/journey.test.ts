/** Mail that a UUCP neighbour's job brings, message by message and in batches, and what uuxqt is told. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { openSink } from '../../props/sink.ts';
import { runJob } from '../../props/uucp-job.ts';

const lf = (text: string): string => text.replaceAll('\r\n', '\n');

test('rmail: sender from -f, from the From_ lines, or from the job; recipients become addresses', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { uucpme: 'here\n', uucpneighbors: 'siteb\n', uucprewriteheaders: '' } });
  await box.start();
  const letter = lf(messageText({ token: 'one' })).replace('From: <ada@sender.example>', 'From: siteb!ada (Ada)\nReply-To: <there.example!ada>');
  const line = 'From uucp Sat Nov 21 09:00:00 2026 remote from siteb\n>From ada Sat Nov 21 08:00:00 2026 remote from far.example\n';
  assert.deepEqual(await runJob(box.config, 'rmail', ['-f', 'siteb!far.example!ada', 'there.example!bob', 'here!carol@there.example'], line + letter), { code: 0, stderr: '' });
  const one = await sink.arrival('one');
  assert.equal(one.reversePath, 'siteb!far.example!ada@posthorn.example');
  assert.deepEqual(one.recipients.toSorted(), ['bob@there.example', 'carol@there.example']);
  const text = one.content.toString();
  assert.match(text, /^Received: from siteb\r\n {2}\(user siteb!uucp\)\r\n {2}by posthorn\.example with rmail\r\n/);
  assert.ok(text.includes('\r\nFrom: siteb!ada@posthorn.example (Ada)\r\nReply-To: <ada@there.example>\r\n'), text);
  assert.ok(!text.includes('remote from'));
  assert.ok(text.endsWith('Good morning.\r\n'));

  assert.equal((await runJob(box.config, 'rmail', ['bob@there.example'], line + lf(messageText({ token: 'two' })))).code, 0);
  assert.equal((await sink.arrival('two')).reversePath, 'siteb!far.example!ada@posthorn.example');
  assert.equal((await runJob(box.config, 'rmail', ['bob@there.example'], lf(messageText({ token: 'three' })))).code, 0);
  assert.equal((await sink.arrival('three')).reversePath, 'siteb!uucp@posthorn.example');
  assert.equal((await runJob(box.config, 'rmail', ['-f', '<>', 'bob@there.example'], lf(messageText({ token: 'four' })))).code, 0);
  assert.equal((await sink.arrival('four')).reversePath, '');
  assert.equal((await runJob(box.config, 'rmail', ['-verp', '-f', 'list@posthorn.example', 'bob@there.example', 'carol@there.example'], lf(messageText({ token: 'five' })))).code, 0);
  await sink.until(20_000, 'both copies', () => sink.arrivals.filter(one => one.token === 'five').length === 2);
  assert.deepEqual(sink.arrivals.filter(one => one.token === 'five').map(one => one.reversePath).toSorted(), ['list-bob=there.example@posthorn.example', 'list-carol=there.example@posthorn.example']);
  assert.equal(await box.stop(), 0);
});

test('what uuxqt is told: 77 to those it did not call, 64 to options of strangers, 75 for our own trouble', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { uucpneighbors: 'siteb\n', sizelimit: '2000\n' } });
  await box.start();
  const letter = lf(messageText({ token: 'x' }));
  assert.equal((await runJob(box.config, 'rmail', ['bob@there.example'], letter, {})).code, 77);
  assert.equal((await runJob(box.config, 'rmail', ['bob@there.example'], letter, { UU_MACHINE: '../x', UU_USER: 'uucp' })).code, 77);
  for (const evil of [['--config', '/tmp/evil', 'bob'], ['-C', '/tmp/evil', 'bob'], ['--help'], ['-bs'], []]) {
    assert.equal((await runJob(box.config, 'rmail', evil, letter)).code, 64, evil.join(' '));
  }
  assert.equal((await runJob(box.config, 'rmail', ['-f', 'not an address', 'bob@there.example'], letter)).code, 67);
  assert.equal((await runJob(box.config, 'rmail', ['bob@there.example'], lf(messageText({ token: 'x', octets: 5000 })))).code, 67);
  assert.equal(sink.count, 0);
  // Somebody else's state folder, as when the group was forgotten: the job must stay.
  box.configure({ statedir: '/dev/null/nowhere\n' });
  assert.equal((await runJob(box.config, 'rmail', ['bob@there.example'], letter)).code, 75);
  box.configure({ queuetime: 'nonsense\n' });
  assert.equal((await runJob(box.config, 'rmail', ['bob@there.example'], letter)).code, 75, 'a broken configuration bounces nobody\'s mail');
  assert.equal(await box.stop(), 0);
});

test('an unknown mailbox, an unknown path and a bad address are reported to the sender, the rest is delivered', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { uucpneighbors: 'siteb\n', userdb: 'carol@posthorn.example\tesmtppw={PLAIN}x\n' } });
  await box.start();
  assert.equal((await runJob(box.config, 'rmail', ['-f', 'there.example!ada', 'nobody', 'nowhere!bob', 'a!!b', '-oQ@', 'bob@there.example'], lf(messageText({ token: 'mixed' })))).code, 0);
  await sink.arrival('mixed');
  const reports = () => sink.arrivals.filter(one => one.reversePath === '');
  const named = () => reports().map(one => one.content.toString()).join('').match(/^Final-Recipient: .*$/gim) ?? [];
  await sink.until(20_000, 'all four reported', () => named().length === 4);
  const finals = named().map(one => one.toLowerCase());
  assert.ok(finals.some(one => one.includes('nobody@posthorn.example')) && finals.some(one => one.includes('nowhere!bob@posthorn.example')));
  assert.equal(await box.stop(), 0);
});

function batch(...messages: readonly { readonly token: string; readonly to?: string; readonly octets?: number }[]): string {
  const one = ({ token, to, octets }: (typeof messages)[number]) => `MAIL FROM:<ada@sender.example> RET=HDRS ENVID=Q${token}\nRCPT TO:${to ?? '<bob@there.example> NOTIFY=NEVER'}\nDATA\n${lf(messageText({ token, ...(octets === undefined ? {} : { octets }) })).replaceAll(/^\./gm, '..')}.\n`;
  return `HELO siteb\n${messages.map(one).join('')}QUIT\n`;
}

test('batches: plain, gzip and zstd, whatever the command is called; DSN wishes survive', { timeout: 90_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { uucpneighbors: 'siteb\n' } });
  await box.start();
  assert.deepEqual(await runJob(box.config, 'rsmtp', [], batch({ token: 'a1' }, { token: 'a2' })), { code: 0, stderr: '' });
  assert.deepEqual(await runJob(box.config, 'rgsmtp', [], gzipSync(batch({ token: 'b1' }, { token: 'b2', octets: 100_000 }))), { code: 0, stderr: '' });
  assert.deepEqual(await runJob(box.config, 'rbsmtp', [], zstdCompressSync(batch({ token: 'c1' }))), { code: 0, stderr: '' });
  for (const token of ['a1', 'a2', 'b1', 'b2', 'c1']) {
    const arrival = await sink.arrival(token);
    assert.match(arrival.commands.join('\n'), new RegExp(`RET=HDRS[^]*ENVID=Q${token}|ENVID=Q${token}[^]*RET=HDRS`));
    assert.match(arrival.commands.join('\n'), /NOTIFY=NEVER/);
  }
  assert.equal(await box.stop(), 0);
});

test('a broken batch keeps what was complete; a refused message goes back; a full queue keeps the job without doubling', { timeout: 120_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { uucpneighbors: 'siteb\n', sizelimit: '20000\n' } });
  await box.start();
  const whole = batch({ token: 'd1' }, { token: 'd2' }, { token: 'd3' });
  const broken = await runJob(box.config, 'rgsmtp', [], gzipSync(whole).subarray(0, -30));
  assert.ok(broken.code === 0 || broken.code === 65, `${broken.code} ${broken.stderr}`);
  const cut = await runJob(box.config, 'rsmtp', [], whole.slice(0, whole.indexOf('X-Token: d3')));
  assert.equal(cut.code, 0, 'or uuxqt would send everything back');
  assert.match(cut.stderr, /2 messages taken/);
  await sink.arrival('d2');
  await sink.until(20_000, 'the third one\'s report', () => sink.arrivals.some(one => one.reversePath === '' && one.content.includes('middle of a message')));
  assert.ok(!sink.tokens.has('d3'));
  assert.equal((await runJob(box.config, 'rsmtp', [], 'This is no batch at all.\n')).code, 65);

  const large = await runJob(box.config, 'rsmtp', [], batch({ token: 'e1' }, { token: 'e2', octets: 50_000 }, { token: 'e3' }));
  assert.equal(large.code, 0, large.stderr);
  await sink.arrival('e3');
  await sink.until(20_000, 'the large one\'s report', () => sink.arrivals.some(one => one.reversePath === '' && one.content.includes('552 Message too large')));

  // No room for the queue: nothing is taken, the job stays; with room again each message comes once.
  box.configure({ freespace: '8000G\n' });
  await box.stop();
  await box.start();
  const three = batch({ token: 'f1' }, { token: 'f2' });
  assert.equal((await runJob(box.config, 'rsmtp', [], three)).code, 75);
  chmodSync(box.folder, 0o755);
  box.configure({ freespace: '1M\n' });
  await box.stop();
  await box.start();
  assert.equal((await runJob(box.config, 'rsmtp', [], three)).code, 0);
  await sink.arrival('f2');
  assert.deepEqual([sink.tokens.get('f1'), sink.tokens.get('f2')], [1, 1]);
  assert.equal(await box.stop(), 0);
});
