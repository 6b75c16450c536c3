/** Mail from programs on the box itself, with and without a running gateway. */
import assert from 'node:assert/strict';
import { mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { openSink } from '../../props/sink.ts';

test('sendmail: recipients from the header, Bcc taken out, kept while no gateway runs', { timeout: 60_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  const letter = (token: string): string => `To: bob@there.example\nBcc: carol@there.example\nSubject: From cron\nX-Token: ${token}\n\nDone.\n.\nReally.\n`;
  const early = await box.run(['sendmail', '-t', '-f', 'cron@posthorn.example'], letter('early'));
  assert.equal(early.code, 0, early.stderr);
  const asleep = /^1 more message waits in .*\/state\/pickup, the oldest since .*: no gateway runs to take them in\.$/m;
  assert.match((await box.run(['mailq'])).stdout, asleep);
  assert.match((await box.run(['mailq', '--summary'])).stdout, asleep);
  const listed = await box.run(['mailq', '--batch']);
  assert.equal(listed.stdout, 'messages: 0\n');
  assert.match(listed.stderr, asleep);
  await box.start();
  const first = await sink.arrival('early');
  assert.equal(first.reversePath, 'cron@posthorn.example');
  assert.deepEqual(first.recipients.toSorted(), ['bob@there.example', 'carol@there.example']);
  const text = first.content.toString();
  assert.doesNotMatch(text, /carol@/);
  assert.ok(text.endsWith('Done.\r\n.\r\nReally.\r\n'));
  assert.match(text, /^From: .*cron@posthorn\.example/m);
  assert.match(text, /^Date: /m);
  assert.equal((await box.run(['mailq'])).stdout.includes('more message'), false);
  // What the running gateway does not take in is mentioned when it should long have been taken in.
  const stuck = join(box.folder, 'state', 'pickup', 'msg.folder');
  mkdirSync(stuck);
  assert.equal((await box.run(['mailq'])).stdout.includes('more message'), false);
  utimesSync(stuck, new Date(0), new Date(0));
  assert.match((await box.run(['mailq'])).stdout, /^1 more message waits .*: the running gateway does not take them in, and its log says why\.$/m);

  const late = await box.run(['sendmail', '-f', 'cron@posthorn.example', 'dave@there.example'], letter('late'));
  assert.equal(late.code, 0, late.stderr);
  assert.deepEqual((await sink.arrival('late')).recipients, ['dave@there.example']);
  assert.equal((await box.run(['sendmail', '--no-such-option'])).code, 64);
  assert.equal(await box.stop(), 0);
});
