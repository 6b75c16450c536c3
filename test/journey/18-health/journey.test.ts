/** What an operator's monitoring sees: a health answer, numbers by next hop, and the length of the queue. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { request } from 'undici';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('health and metrics tell what happened', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('slow@') ? '451 4.2.1 Later' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'quick' });
  await post(box, { token: 'slow', to: ['slow@there.example'] });
  await box.logged('the deferral', (line) => line.event === 'delivery' && line['status'] === 'deferred');
  await box.logged('the delivery', (line) => line.event === 'completed');
  const at = (path: string): Promise<{ readonly code: number; readonly text: string }> =>
    request(`http://127.0.0.1:${box.httpPort}${path}`).then(async ({ statusCode, body }) => ({ code: statusCode, text: await body.text() }));
  assert.equal((await at('/health')).code, 200);
  const { text } = await at('/metrics');
  assert.match(text, /^# TYPE posthorn_\w+ counter$/m);
  assert.match(text, /posthorn_delivery_outcomes_total\{[^}]*outcome="relayed"[^}]*\} 1$/m);
  assert.match(text, /posthorn_delivery_outcomes_total\{[^}]*outcome="deferred"[^}]*\} 1$/m);
  assert.match(text, /posthorn_queue_messages(?:\{[^}]*\})? 1$/m);
  assert.equal((await at('/nowhere')).code, 404);
  assert.match((await box.run(['status'])).stdout, /^well: posthorn /);
  const asked = await box.run(['status', '--json']);
  assert.deepEqual([asked.code, JSON.parse(asked.stdout).queue.messages], [0, 1]);
  assert.match((await box.run(['status', '--metrics'])).stdout, /^posthorn_queue_messages 1$/m);
  assert.equal(await box.stop(), 0);
  const silent = await box.run(['status']);
  assert.deepEqual([silent.code, /No gateway answers at 127\.0\.0\.1:\d+: connection refused/.test(silent.stderr)], [69, true]);
});
