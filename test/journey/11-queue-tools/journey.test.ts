/** mailq, flush and cancelmsg, with a gateway that runs and with one that does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { readReport } from '../../props/read-report.ts';
import { openSink } from '../../props/sink.ts';

test('listed, cancelled with a reason, reported to the sender', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('bob@') ? '451 4.2.1 Asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'one' });
  await post(box, { token: 'two', from: 'zoe@sender.example' });
  await box.logged('both tried', () => box.log.filter((line) => line.event === 'delivery').length === 2);
  const listed = await box.run(['mailq', '-batch']);
  const ids = listed.stdout.split('\n').filter((line) => line.includes(';')).map((line) => line.split(';')[1] ?? '');
  assert.equal(ids.length, 2, listed.stdout);
  assert.match((await box.run(['mailq'])).stdout, /2 messages/);

  const unknown = await box.run(['cancelmsg', 'NO-SUCH-ID']);
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'Message not found: NO-SUCH-ID is no queue id, as mailq shows them.\n']);
  assert.equal((await box.run(['flush', 'NO-SUCH-ID'])).code, 1);

  assert.equal((await box.run(['cancelmsg', ids[0] ?? '', 'Sent', 'by', 'mistake'])).code, 0);
  await sink.until(20_000, 'the report', () => sink.arrivals.some((one) => one.reversePath === ''));
  const read = await readReport(sink.arrivals[0]!.content);
  assert.match(read.text, /Sent by mistake/);
  assert.equal(read.recipients[0]?.get('action'), 'failed');
  await box.logged('completion', (line) => line.event === 'completed' && line['id'] === ids[0]);
  assert.match((await box.run(['mailq', '-batch'])).stdout, /messages: 1\n/);
  assert.equal((await box.run(['mailq', ids[0]!.toLowerCase()])).stderr, `Message not found: ${ids[0]} is not queued any more; posthorn trace ${ids[0]} tells what became of it.\n`);
  assert.equal(await box.stop(), 0);

  // The same tools read the queue where no gateway runs.
  const alone = await box.run(['mailq', '-batch']);
  assert.equal(alone.code, 0, alone.stderr);
  assert.match(alone.stdout, new RegExp(`;${ids[1]};`));
});

test('what one sender flooded the queue with: seen, held and deleted by his name, and nobody else’s mail', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage }) => (stage === 'rcpt' ? '451 4.2.1 Asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  for (const token of ['one', 'two']) await post(box, { token, from: 'Mallory@hacked.example' });
  await post(box, { token: 'three', from: 'zoe@sender.example' });
  await box.logged('all tried', () => box.log.filter((line) => line.event === 'delivery').length === 3);

  const his = await box.run(['mailq', '--batch', '--from', 'mallory@HACKED.example']);
  const ids = his.stdout.split('\n').filter((line) => line !== '').map((line) => line.split(';')[1] ?? '');
  assert.deepEqual([his.code, ids.length], [0, 2], his.stdout);
  assert.deepEqual(Object.values(await box.run(['mailq', '--from', 'nobody@hacked.example'])), [1, '', 'Message not found: nothing that is queued comes from nobody@hacked.example.\n']);

  const soon = await box.run(['queue', 'delete', '--from', '@hacked.example']);
  assert.deepEqual([soon.code, soon.stdout], [1, '0 messages deleted.\n']);
  assert.match(soon.stderr, /^2 are not on hold: .* posthorn hold comes first\.\n$/);
  assert.equal((await box.run(['hold', '--from', '@hacked.example'])).stdout, '2 messages are on hold.\n');
  const flushed = await box.run(['flush', ids[0]!, ids[1]!.toLowerCase(), 'typed-wrong']);
  assert.deepEqual([flushed.code, flushed.stdout], [1, '']);
  assert.equal(flushed.stderr, `${ids[0]} is on hold: posthorn release lets it go.\n${ids[1]} is on hold: posthorn release lets it go.\nMessage not found: typed-wrong is no queue id, as mailq shows them.\n`);
  assert.deepEqual(Object.values(await box.run(['queue', 'delete', '--from', 'mallory@hacked.example'])), [0, '2 messages deleted.\n', '']);
  assert.match((await box.run(['mailq'])).stdout, /<zoe@sender\.example>\n.*\n\n1 message\.\n$/);
  assert.equal((await box.run(['cancelmsg', '--from', 'zoe@sender.example', 'Not', 'wanted'])).stdout, '1 message is cancelled.\n');
  assert.equal(await box.stop(), 0);
});
