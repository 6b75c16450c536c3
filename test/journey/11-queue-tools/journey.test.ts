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
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'Message not found.\n']);
  assert.equal((await box.run(['flush', 'NO-SUCH-ID'])).code, 1);

  assert.equal((await box.run(['cancelmsg', ids[0] ?? '', 'Sent', 'by', 'mistake'])).code, 0);
  await sink.until(20_000, 'the report', () => sink.arrivals.some((one) => one.reversePath === ''));
  const read = await readReport(sink.arrivals[0]!.content);
  assert.match(read.text, /Sent by mistake/);
  assert.equal(read.recipients[0]?.get('action'), 'failed');
  await box.logged('completion', (line) => line.event === 'completed' && line['id'] === ids[0]);
  assert.match((await box.run(['mailq', '-batch'])).stdout, /messages: 1\n/);
  assert.equal(await box.stop(), 0);

  // The same tools read the queue where no gateway runs.
  const alone = await box.run(['mailq', '-batch']);
  assert.equal(alone.code, 0, alone.stderr);
  assert.match(alone.stdout, new RegExp(`;${ids[1]};`));
});
