/** Built-in filters and modules in a whole gateway: switched on and off by filterctl, each way in filtered or not as configured. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { openSink, type Sink } from '../../props/sink.ts';
import { dialSmtp, type Reply } from '../../props/smtp-client.ts';

async function boxAndSink(t: TestContext, files: Readonly<Record<string, string>>, submission = false): Promise<{ box: Box; sink: Sink }> {
  const sink = await openSink();
  t.after(() => sink.close());
  return { box: await boxFor(t, { nextHop: sink.port, files, submission }), sink };
}

async function send(box: Box, own: { token: string; subject?: string; from?: string; to?: readonly string[]; body?: string; mailParameters?: string }): Promise<Reply> {
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  const content = messageText({ token: own.token, ...(own.subject === undefined ? {} : { subject: own.subject }) });
  const reply = await client.send({
    from: own.from ?? 'ada@sender.example', to: own.to ?? ['bob@there.example'], content: own.body === undefined ? content : content.replace(/\r\n\r\n[^]*$/, `\r\n\r\n${own.body}`),
    ...(own.mailParameters === undefined ? {} : { mailParameters: own.mailParameters }),
  });
  await client.quit();
  return reply;
}

test('dupfilter calls back what still waits, verifyfilter asks the sender\'s own server', { timeout: 60_000 }, async t => {
  const { box, sink } = await boxAndSink(t, { enablefiltering: 'esmtp\n', submitdelay: '1h\n', 'filters/dupfilter-duplevel': '3\n' });
  await box.start();
  assert.equal((await box.run(['filterctl', 'start', 'dupfilter'])).code, 0);
  assert.match((await box.run(['filterctl', 'status'])).stdout, /^dupfilter {2}built in/m);
  const body = 'Buy one of these now.\r\n'.repeat(30);
  for (const token of ['1', '2']) assert.equal((await send(box, { token, body })).code, 250);
  assert.match((await send(box, { token: '3', body })).text, /^500 5\.7\.1 Duplicate message rejected\./);
  assert.match((await box.run(['trace'])).stdout + (await box.run(['mailq', '--why'])).stdout, /cancelled as a duplicate/i);
  assert.equal((await box.run(['filterctl', 'stop', 'dupfilter'])).code, 0);
  assert.equal((await send(box, { token: '4', body })).code, 250, 'switched off');

  assert.equal((await box.run(['filterctl', 'start', 'verifyfilter'])).code, 0);
  sink.obey(asked => (asked.stage === 'rcpt' && asked.line.includes('bad@') ? '550 5.1.1 No such user' : asked.stage === 'rcpt' && asked.line.includes('busy@') ? '451 4.3.0 Later' : undefined));
  assert.equal((await send(box, { token: '5', from: 'good@sender.example' })).code, 250);
  const bad = await send(box, { token: '6', from: 'bad@sender.example' });
  assert.match(bad.text, /^530-5\.1\.8 [^]*>>> RCPT TO:<bad@sender\.example>[^]*No such user[^]*\n530 5\.1\.8 <bad@sender\.example> verification failed\.$/);
  assert.match((await send(box, { token: '7', from: 'busy@sender.example' })).text, /^430/);
  assert.equal((await send(box, { token: '8', from: 'nobody@posthorn.example' })).code !== 250, true, 'a sender of ours is asked about here');
  assert.equal(await box.stop(), 0);
});

const MODULE = `
export default message => {
  const subject = message.headers.find(({ name }) => name === 'subject')?.value;
  if (subject === 'no') return { action: 'reject', code: 571, text: '5.7.2 Not this one' };
  if (subject === 'one') return { recipients: { 'carol@there.example': { action: 'reject', text: 'Not for Carol' } } };
  return { addHeaders: [['X-Seen', message.source]] };
};`;

test('a module by name; each way in is filtered or not; EXDATA hears each recipient\'s answer', { timeout: 60_000 }, async t => {
  const { box, sink } = await boxAndSink(t, { enablefiltering: 'esmtp\n', 'filters/mine.mjs': MODULE });
  await box.start();
  assert.equal((await box.run(['filterctl', 'start', 'other'])).code, 66);
  assert.equal((await box.run(['filterctl', 'start', '../x'])).code, 64);
  assert.equal((await box.run(['filterctl', 'start', 'mine'])).code, 0);
  assert.match((await send(box, { token: 'no', subject: 'no' })).text, /^571 5\.7\.2 Not this one$/);
  assert.equal((await send(box, { token: 'yes' })).code, 250);
  assert.match((await sink.arrival('yes')).content.toString(), /^X-Seen: esmtp\r\n/m);

  const to = ['bob@there.example', 'carol@there.example', 'dave@there.example'];
  assert.equal((await send(box, { token: 'plain', subject: 'one', to })).code, 554, 'one answer for all');
  const each = await send(box, { token: 'each', subject: 'one', to, mailParameters: ' EXDATA' });
  assert.equal(each.code, 558);
  assert.deepEqual(each.lines.map(line => line.slice(0, 30).replace(/Ok\. .*/, 'Ok.')), ['250 2.0.0 Ok.', '554 5.7.1 Not for Carol', '250 2.0.0 Ok.']);
  assert.deepEqual((await sink.arrival('each')).recipients.toSorted(), ['bob@there.example', 'dave@there.example']);

  const local = async (token: string) => (await box.run(['sendmail', '-f', 'ann@there.example', 'bob@there.example'], `Subject: no\nX-Token: ${token}\n\nbody\n`)).code;
  assert.equal(await local('unfiltered'), 0, 'local is not named in enablefiltering');
  await sink.arrival('unfiltered');
  box.configure({ enablefiltering: 'esmtp local\n' });
  assert.equal((await box.run(['restart'])).code, 0);
  assert.equal(await local('filtered'), 67);
  writeFileSync(join(box.config, 'filters', 'mine.mjs'), 'export default () => ({ action: "defer", text: "Closed today" });');
  assert.equal((await box.run(['restart'])).code, 0);
  assert.match((await send(box, { token: 'x' })).text, /^451 4\.7\.1 Closed today$/, 'a changed module is taken by a restart');
  assert.equal(await box.stop(), 0);
  assert.equal(await local('later'), 0, 'left for a gateway, which will filter it');
  assert.equal(sink.tokens.has('later'), false);
});

test('ratefilter: who logged in, and by recipients', { timeout: 60_000 }, async t => {
  const { box } = await boxAndSink(t, { enablefiltering: 'esmtp\n', 'filters/ratefilter-maxrcpts': '3\n', userdb: 'ann\tesmtppw={PLAIN}secret\n' }, true);
  mkdirSync(join(box.config, 'filters', 'active'), { recursive: true });
  assert.equal((await box.run(['filterctl', 'start', 'ratefilter'])).code, 0, 'also while nothing runs');
  await box.start();
  const client = await dialSmtp({ port: box.submissionPort });
  await client.hello();
  assert.equal((await client.say(`AUTH PLAIN ${Buffer.from('\0ann\0secret').toString('base64')}`)).code, 235);
  const content = messageText({ token: 'x' });
  assert.equal((await client.send({ from: 'ann@posthorn.example', to: ['a@there.example', 'b@there.example'], content })).code, 250);
  assert.equal((await client.send({ from: 'ann@posthorn.example', to: ['a@there.example', 'b@there.example'], content })).code, 500);
  await client.quit();
  for (const token of ['1', '2', '3', '4', '5']) assert.equal((await send(box, { token })).code, 250, 'strangers are never limited');
  assert.equal(await box.stop(), 0);
});

/** A copy of the intake's options once held what they said at the start. */
test('checks and limits follow a reload, with filters and without', { timeout: 60_000 }, async t => {
  for (const enablefiltering of ['', 'esmtp\n']) {
    const { box } = await boxAndSink(t, enablefiltering === '' ? {} : { enablefiltering });
    await box.start();
    assert.equal((await send(box, { token: '1', from: 'spammer@sender.example' })).code, 250);
    box.configure({ bofh: 'badfrom spammer@sender.example\n', sizelimit: '2000\n' });
    assert.equal((await box.run(['restart'])).code, 0);
    assert.match((await send(box, { token: '2', from: 'spammer@sender.example' })).text, /^550 5\.7\.1 /, 'bofh');
    // By the intake's own limit: a listener has its own.
    const large = await box.run(['sendmail', '-f', 'ann@there.example', 'bob@there.example'], `Subject: x\n\n${'y'.repeat(3000)}\n`);
    assert.equal(large.code, 67, `sizelimit: ${large.stderr}`);
    assert.equal(await box.stop(), 0);
  }
});
