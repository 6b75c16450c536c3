/** The main job: mail comes in, is safe, and goes out as it came, to the octet, under our trace fields. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('a letter and a large one travel through and leave an empty queue', { timeout: 60_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  for (const [token, octets] of [['letter', 2000], ['large', 900_000]] as const) {
    const content = messageText({ token, octets }).replace('abcdef', '..dots\r\n.and more');
    const answer = await post(box, { token, content });
    assert.equal(answer.code, 250, answer.text);
    const arrival = await sink.arrival(token);
    assert.equal(arrival.reversePath, 'ada@sender.example');
    assert.deepEqual(arrival.recipients, ['bob@there.example']);
    const text = arrival.content.toString('latin1');
    assert.ok(text.endsWith(content), 'nothing below our trace fields was touched');
    assert.match(text, /^Received: from client\.example \([^)]*\[127\.0\.0\.1\]\)[^]*?by posthorn\.example with ESMTP/);
  }
  await box.logged('newmsg', (line) => line.event === 'newmsg');
  await box.logged('a delivery', (line) => line.event === 'delivery' && line['status'] === 'success' && line['addr'] === 'bob@there.example');
  await box.logged('two completions', () => box.log.filter((line) => line.event === 'completed').length === 2);
  const queue = await box.run(['mailq', '-batch']);
  assert.deepEqual([queue.code, queue.stdout], [0, 'messages: 0\n']);
  assert.equal(await box.stop(), 0);
});
