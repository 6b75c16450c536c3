/** NOTIFY=SUCCESS: the duty to report goes on to a next hop that knows DSN, and is ours when it does not (RFC 3461 §5.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { readReport } from '../../props/read-report.ts';
import { openSink } from '../../props/sink.ts';

const wishes = { mailParameters: ' RET=HDRS ENVID=abc+2Bdef', rcptParameters: ' NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;robert@old.example' };

test('a next hop without DSN: we report that it was relayed', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ extensions: ['PIPELINING', '8BITMIME'] });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'told', ...wishes });
  await sink.until(20_000, 'the report', () => sink.arrivals.some((one) => one.reversePath === ''));
  const read = await readReport(sink.arrivals.find((one) => one.reversePath === '')!.content);
  assert.equal(read.perMessage.get('original-envelope-id'), 'abc+def');
  assert.equal(read.recipients[0]?.get('action'), 'relayed');
  assert.match(read.recipients[0]?.get('status') ?? '', /^2\./);
  assert.match(read.recipients[0]?.get('original-recipient') ?? '', /^rfc822; ?robert@old\.example$/);
  assert.equal(await box.stop(), 0);
});

test('a next hop with DSN: the wishes go on, and we are silent', { timeout: 60_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'handed', ...wishes });
  const { commands } = await sink.arrival('handed');
  assert.match(commands[0] ?? '', / RET=HDRS\b/);
  assert.match(commands[0] ?? '', / ENVID=abc\+2Bdef\b/);
  assert.match(commands[1] ?? '', / NOTIFY=(?:SUCCESS,FAILURE|FAILURE,SUCCESS)\b/);
  assert.match(commands[1] ?? '', / ORCPT=rfc822;robert@old\.example\b/);
  await box.logged('completion', (line) => line.event === 'completed');
  assert.equal(await box.stop(), 0);
  assert.equal(sink.count, 1);
});
