/** A next hop says "later": the message waits, mailq shows it, flush tries it now. A stop and a start change nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('deferred, listed, kept over a restart, flushed, delivered once', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage }) => (stage === 'rcpt' ? '451 4.2.1 Mailbox asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'patient' });
  const line = await box.logged('the deferral', (one) => one.event === 'delivery' && one['status'] === 'deferred');
  assert.match(String(line['text']), /Mailbox asleep/);
  const waiting = await box.run(['mailq', '-batch']);
  assert.match(waiting.stdout, /;ada@sender\.example;;bob@there\.example;\n[^]*messages: 1\n/);
  assert.equal(await box.stop(), 0);
  await box.start();
  assert.match((await box.run(['mailq', '-batch'])).stdout, /messages: 1\n/);
  sink.obey(undefined);
  assert.equal((await box.run(['flush'])).code, 0);
  await sink.arrival('patient');
  await box.logged('completion', (one) => one.event === 'completed');
  assert.equal(sink.count, 1);
  assert.equal(await box.stop(), 0);
});
