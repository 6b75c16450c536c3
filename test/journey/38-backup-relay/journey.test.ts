/** backuprelay: what could not be delivered within warntime goes there at once, and its sender is not bothered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('past warntime it takes the other way, without a warning', { timeout: 60_000 }, async (t) => {
  const asleep = await openSink({ answer: ({ stage }) => (stage === 'rcpt' ? '451 4.2.1 Asleep' : undefined) });
  const backup = await openSink();
  t.after(() => Promise.all([asleep.close(), backup.close()]));
  const box = await boxFor(t, { nextHop: asleep.port, files: { retryalpha: '1s\n', warntime: '2s\n', backuprelay: `[127.0.0.1],${backup.port}\n` } });
  await box.start();
  await post(box, { token: 'late' });
  const arrival = await backup.arrival('late', 40_000);
  assert.equal(arrival.reversePath, 'ada@sender.example');
  await box.logged('completion', (line) => line.event === 'completed');
  const hosts = box.log.filter((line) => line.event === 'delivery').map((line) => [line['host'], line['status']]);
  assert.deepEqual(hosts.at(-1), [`[127.0.0.1],${backup.port}`, 'success']);
  assert.ok(hosts.length >= 3 && hosts.slice(0, -1).every(([host, status]) => host === `[127.0.0.1],${asleep.port}` && status === 'deferred'));
  assert.equal(box.log.some((line) => line.event === 'report'), false);
  assert.equal(backup.count, 1);
});
