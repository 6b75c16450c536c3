/** SIGTERM: what is on the wire is finished, what waits is kept, and nothing is sent twice after the next start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { dotStuffed, messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

test('a delivery that waits for its last reply, and a message half received, both end well', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage }) => (stage === 'end' ? { reply: '250 2.0.0 Taken', afterMs: 700 } : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  let onTheWire = false;
  sink.obey(({ stage }) => {
    if (stage !== 'end') return undefined;
    onTheWire = true;
    return { reply: '250 2.0.0 Taken', afterMs: 700 };
  });
  await post(box, { token: 'outbound' });
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  for (const line of ['MAIL FROM:<ada@sender.example>', 'RCPT TO:<bob@there.example>', 'DATA']) await client.say(line);
  const octets = dotStuffed(Buffer.from(messageText({ token: 'inbound' })));
  client.write(octets.subarray(0, 100));
  await sink.until(20_000, 'the first message on the wire', () => onTheWire || sink.open > 0);
  const stopped = box.stop();
  client.write(octets.subarray(100));
  const answer = await client.reply().catch(() => undefined);
  assert.equal(await stopped, 0);
  assert.equal(sink.tokens.get('outbound'), 1);

  await box.start();
  sink.obey(undefined);
  await post(box, { token: 'next day' });
  await sink.arrival('next day');
  if (answer?.code === 250) await sink.arrival('inbound');
  else assert.equal(sink.tokens.get('inbound'), undefined, 'not acknowledged, so not sent');
  assert.equal(sink.tokens.get('outbound'), 1);
  assert.equal(await box.stop(), 0);
});

test('stop by command, while nothing happens', { timeout: 60_000 }, async (t) => {
  const box = await boxFor(t, { nextHop: 1 });
  await box.start();
  const idle = await dialSmtp({ port: box.port });
  assert.equal((await box.run(['stop'])).code, 0);
  assert.equal(await box.ended(), 0);
  await idle.closed;
  assert.equal((await box.run(['stop'])).code, 0, 'stopping what does not run is no error');
});
