/** Addresses beyond ASCII (RFC 6531): passed on where the next hop takes them, refused clearly where it does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

const letter = { token: 'utf8', to: ['jörg@bücher.example'], mailParameters: ' SMTPUTF8 BODY=8BITMIME', content: messageText({ token: 'utf8', subject: 'Grüße aus Köln' }) };

test('a next hop with SMTPUTF8 gets it as it is', { timeout: 60_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  const answer = await post(box, letter);
  assert.equal(answer.code, 250, answer.text);
  const arrival = await sink.arrival('utf8');
  assert.match(arrival.commands[0] ?? '', / SMTPUTF8\b/);
  assert.deepEqual(arrival.recipients, ['jörg@bücher.example']);
  assert.ok(arrival.content.includes('Subject: Grüße aus Köln'));
  assert.match(arrival.content.toString(), /with UTF8SMTP/);
  assert.equal(await box.stop(), 0);
});

test('a next hop without it: a failure the sender hears of, no damaged mail', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ extensions: ['PIPELINING', '8BITMIME', 'DSN'] });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, letter);
  const line = await box.logged('the failure', (one) => one.event === 'delivery' && one['status'] === 'failure');
  assert.match(String(line['code']), /^5\.6\.7$/);
  await box.logged('completion of the message', (one) => one.event === 'completed');
  assert.equal(sink.arrivals.filter((one) => one.reversePath !== '').length, 0);
  assert.equal(await box.stop(), 0);
});

test('without the SMTPUTF8 parameter such an address is refused at once', { timeout: 60_000 }, async (t) => {
  const box = await boxFor(t, { nextHop: 1 });
  await box.start();
  const answer = await post(box, { token: 'none', to: ['jörg@there.example'] });
  assert.match(answer.text, /^55[03] 5\.6\.7/);
  assert.equal(await box.stop(), 0);
});
