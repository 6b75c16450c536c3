/** A card that lies: a flipped bit in content and in an envelope is found, set aside and told; never delivered. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { flipInIndex } from '../../props/bit-flips.ts';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('one sound, two damaged: one goes out, two are in quarantine, the postmaster reads of both', { timeout: 90_000 }, async (t) => {
  let asleep = true;
  const sink = await openSink({ answer: ({ stage }) => (asleep && stage === 'rcpt' ? '451 4.2.1 Asleep' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { locals: 'elsewhere.example\n' } });
  await box.start();
  await post(box, { token: 'sound' });
  await post(box, { token: 'flipped-content', content: `${messageText({ token: 'flipped-content' })}${'A line that is long enough to be found again.\r\n'.repeat(500)}THE-MARK\r\n` });
  await post(box, { token: 'flipped-envelope', from: 'the-marked-sender@sender.example' });
  await box.logged('all tried', () => box.log.filter((line) => line.event === 'delivery').length === 3);
  assert.equal(await box.stop(), 0);

  const queue = join(box.folder, 'state', 'queue');
  assert.ok(flipInIndex(queue, 'THE-MARK', 2) > 0);
  assert.ok(flipInIndex(queue, 'the-marked-sender@', 1) > 0);
  asleep = false;
  const mark = box.log.length;
  await box.start();
  await box.run(['flush']);
  await sink.arrival('sound');
  await box.logged('both set aside', () => box.log.slice(mark).filter((line) => line['what'] === 'quarantined').length === 2);
  await sink.until(40_000, 'the letter to the postmaster', () => sink.arrivals.some(({ content }) => content.toString().includes('Damaged messages set aside')));
  const letter = sink.arrivals.find(({ content }) => content.toString().includes('Damaged messages set aside'))!;
  assert.equal(letter.reversePath, '');
  assert.match(letter.content.toString(), /these 2 messages/);
  assert.match((await box.run(['mailq', '--summary'])).stdout, /^2 messages, 0 being delivered, 2 in quarantine/);
  assert.equal((await box.run(['queue', 'verify'])).code, 1);
  assert.equal(sink.arrivals.length, 2, 'the sound one and the letter');

  // Repaired while the gateway runs: the envelope is mended and goes out, the content is too large for that.
  const repaired = await box.run(['queue', 'repair']);
  assert.match(repaired.stdout, /record: .* - mended/);
  assert.match(repaired.stdout, /content: .* - set aside in quarantine; what is left of it: .*\.eml/);
  await sink.arrival('flipped-envelope');
  assert.equal(sink.arrivals.at(-1)?.reversePath, 'the-marked-sender@sender.example');
  assert.match((await box.run(['mailq', '--summary'])).stdout, /1 in quarantine/);
});
