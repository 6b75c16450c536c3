/** Where we come from and how we call ourselves: the box's own, and a virtual host's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('ipout and esmtphelo, and those of a virtual host for mail that came in by it', { timeout: 60_000 }, async (t) => {
  const greeted: string[] = [];
  const sink = await openSink({ answer: ({ stage, line }) => {
    if (stage === 'ehlo') greeted.push(line);
    return undefined;
  } });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: {
    ipout: '127.0.0.3\n', esmtphelo: 'box.example\n', 'vhost.127.0.0.1': '', 'ipout.127.0.0.1': '', 'esmtphelo.127.0.0.1': 'host.example\n',
  } });
  await box.start();
  await post(box, { token: 'by-host' });
  await sink.arrival('by-host', 20_000);
  const sent = await box.run(['sendmail', '-f', 'ada@sender.example', 'bob@there.example'], 'Subject: x\nX-Token: local\n\nx\n');
  assert.equal(sent.code, 0, sent.stderr);
  await sink.arrival('local', 20_000);
  assert.deepEqual(greeted, ['EHLO host.example', 'EHLO box.example']);
  assert.deepEqual(sink.addresses, ['127.0.0.1', '127.0.0.3']);
});
