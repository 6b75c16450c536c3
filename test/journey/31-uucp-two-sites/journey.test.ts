/** Mail in by ESMTP at one site, over a real UUCP call to the other, and the answer back by bang path. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { readCorpus } from '../../props/corpus.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
import { answerCalls, jobsOf, openSites, uucpAbsent, type SitesOptions } from '../../props/uucp-sites.ts';
import { eventually } from '../../props/within.ts';

const skip = uucpAbsent();
const letters = readCorpus();

async function thereAndBack(t: TestContext, protocol: string, options: SitesOptions): Promise<void> {
  const sink = await openSink();
  t.after(() => sink.close());
  const { a, b } = await openSites(t, {
    ...options, nextHop: sink.port,
    filesA: { uucpneighbors: 'siteb\tG\n', ...options.filesA }, filesB: { uucpneighbors: 'sitea\tG\n', ...options.filesB },
  });
  await a.box.start();
  await b.box.start();
  for (const { content, has8bit } of letters) {
    await post(a.box, { token: '', from: 'ada@sender.example', to: ['siteb!there.example!bob@sitea.example'], content, ...(has8bit ? { mailParameters: ' BODY=8BITMIME' } : {}) });
  }
  await eventually(30_000, 'every letter to leave the queue', async () => (await a.box.run(['mailq', '--summary'])).stdout.startsWith('0 messages'));
  const listed = await a.box.run(['mailq']);
  assert.match(listed.stdout, /Handed to UUCP, not on the wire yet[^]*siteb/, 'what uux has can be seen');
  const polled = await a.box.run(['uucp', 'poll', 'siteb']);
  assert.equal(polled.code, 0, polled.stdout + polled.stderr + a.log() + b.log());
  assert.match(a.log(), new RegExp(`Handshake successful \\(protocol '${protocol}'`));
  assert.match(polled.stdout, /jobs? before, 0 are left/);
  await sink.until(60_000, 'all letters', () => sink.arrivals.length === letters.length).catch((error: unknown) => assert.fail(`${String(error)}\n${b.log()}`));
  for (const { name, content } of letters) {
    const wanted = content.toString('latin1').endsWith('\r\n') ? content.toString('latin1') : `${content.toString('latin1')}\r\n`;
    assert.ok(sink.arrivals.some(one => one.content.toString('latin1').endsWith(wanted)), `${name} arrived otherwise than it was sent`);
  }
  const [first] = sink.arrivals;
  assert.deepEqual(first?.recipients, ['bob@there.example']);

  const answerTo = first?.reversePath ?? '';
  assert.ok(answerTo === 'sitea!sender.example!ada@siteb.example' || answerTo === 'ada@sender.example', answerTo);
  await post(b.box, { token: 'answer', from: 'bob@there.example', to: ['sitea!sender.example!ada@siteb.example'], content: messageText({ token: 'answer' }) });
  await eventually(30_000, 'the answer to leave the queue', async () => (await b.box.run(['mailq', '--summary'])).stdout.startsWith('0 messages'));
  await eventually(30_000, 'the answer to be a job', () => jobsOf(b) !== '');
  const again = await a.box.run(['uucp', 'poll', 'siteb']);
  assert.equal(again.code, 0, again.stderr);
  const answer = await sink.arrival('answer').catch((error: unknown) => assert.fail(`${String(error)}\n${a.log()}\n${b.log()}\n${jobsOf(b)}`));
  assert.deepEqual(answer.recipients, ['ada@sender.example']);
  assert.ok(answer.content.toString().endsWith(messageText({ token: 'answer' })));
  assert.match(again.stdout, /received [1-9]/);
  assert.equal(await a.box.stop(), 0);
  assert.equal(await b.box.stop(), 0);
}

test('over a pipe, protocol i: the whole corpus to the octet, and an answer by bang path', { timeout: 180_000, skip }, t => thereAndBack(t, 'i', {}));

test('over TCP, protocol t: the same', { timeout: 180_000, skip }, t =>
  thereAndBack(t, 't', { via: async ({ configFile }) => ['--via', 'tcp', '--address', `127.0.0.1:${await answerCalls(t, configFile)}`] }));

test('in one gzip batch there, and back as a single job: the same', { timeout: 180_000, skip }, t =>
  thereAndBack(t, 'i', { filesA: { uucpbatches: 'siteb rgsmtp age=poll\n' } }));

test('in one zstd batch there, and back in a plain one: the same', { timeout: 180_000, skip }, t =>
  thereAndBack(t, 'i', { filesA: { uucpbatches: 'siteb rbsmtp zstd age=poll\n' }, filesB: { uucpbatches: 'sitea rsmtp age=1s\n' } }));

test('a neighbour that is always there: without -r uux calls by itself, and a batch goes when it is due', { timeout: 120_000, skip }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const { a, b } = await openSites(t, { nextHop: sink.port, filesA: { uucpneighbors: 'siteb\tG\n', courierd: 'UUXFLAGS="-g C"\n' } });
  await a.box.start();
  await b.box.start();
  const send = (token: string) => post(a.box, { token, from: 'ada@sender.example', to: ['siteb!there.example!bob@sitea.example'], content: messageText({ token }) });
  await send('single');
  await sink.arrival('single').catch((error: unknown) => assert.fail(`${String(error)}\n${a.log()}\n${b.log()}`));
  a.box.configure({ uucpbatches: 'siteb rzsmtp age=1s\n' });
  assert.equal((await a.box.run(['restart'])).code, 0);
  await send('batched');
  await sink.arrival('batched').catch((error: unknown) => assert.fail(`${String(error)}\n${a.log()}\n${b.log()}`));
});
