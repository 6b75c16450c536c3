/** Mail from programs on the box itself, with and without a running gateway. */
import assert from 'node:assert/strict';
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
  await box.start();
  const first = await sink.arrival('early');
  assert.equal(first.reversePath, 'cron@posthorn.example');
  assert.deepEqual(first.recipients.toSorted(), ['bob@there.example', 'carol@there.example']);
  const text = first.content.toString();
  assert.doesNotMatch(text, /carol@/);
  assert.ok(text.endsWith('Done.\r\n.\r\nReally.\r\n'));
  assert.match(text, /^From: .*cron@posthorn\.example/m);
  assert.match(text, /^Date: /m);

  const late = await box.run(['sendmail', '-f', 'cron@posthorn.example', 'dave@there.example'], letter('late'));
  assert.equal(late.code, 0, late.stderr);
  assert.deepEqual((await sink.arrival('late')).recipients, ['dave@there.example']);
  assert.equal((await box.run(['sendmail', '--no-such-option'])).code, 64);
  assert.equal(await box.stop(), 0);
});
