/** A next hop says "never": the sender is told, once, in a form that programs and people read (RFC 3464). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { readReport } from '../../props/read-report.ts';
import { openSink } from '../../props/sink.ts';

test('one of three recipients is refused: the others get it, one report names the one', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('nobody@') ? '550 5.1.1 No such person' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  const content = messageText({ token: 'mixed', subject: 'Minutes of the meeting' });
  await post(box, { token: 'mixed', to: ['bob@there.example', 'nobody@there.example', 'carol@third.example'], content, mailParameters: ' ENVID=QQ314159' });
  await sink.until(20_000, 'the report', () => sink.arrivals.some((one) => one.reversePath === ''));
  const report = sink.arrivals.find((one) => one.reversePath === '');
  assert.ok(report !== undefined);
  assert.deepEqual(report.recipients, ['ada@sender.example']);
  const read = await readReport(report.content);
  assert.match(read.text, /nobody@there\.example/);
  assert.match(read.text, /No such person/);
  assert.equal(read.perMessage.get('reporting-mta'), 'dns; posthorn.example');
  assert.equal(read.perMessage.get('original-envelope-id'), 'QQ314159');
  assert.equal(read.recipients.length, 1);
  const [one] = read.recipients;
  assert.equal(one?.get('final-recipient')?.toLowerCase(), 'rfc822; nobody@there.example');
  assert.equal(one?.get('action'), 'failed');
  assert.match(one?.get('status') ?? '', /^5\.1\.1/);
  assert.match(one?.get('diagnostic-code') ?? '', /^smtp; 550 5\.1\.1 No such person/);
  assert.match(report.content.toString(), /Subject: Minutes of the meeting/, 'the message comes back with it');
  const got = sink.arrivals.filter((arrival) => arrival.token === 'mixed' && arrival.reversePath !== '').flatMap((arrival) => arrival.recipients);
  assert.deepEqual(got.toSorted(), ['bob@there.example', 'carol@third.example']);
  await box.logged('both messages complete', () => box.log.filter((line) => line.event === 'completed').length === 2);
  assert.equal(sink.arrivals.filter((arrival) => arrival.reversePath === '').length, 1);
  assert.equal(await box.stop(), 0);
});

test('NOTIFY=NEVER and a null sender get no report', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('nobody@') ? '550 5.1.1 No such person' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'quiet', to: ['nobody@there.example'], rcptParameters: ' NOTIFY=NEVER' });
  await box.logged('completion', (line) => line.event === 'completed');
  assert.equal(sink.count, 0);
  assert.equal(await box.stop(), 0);
});
