/**
 * Postfix on both sides: a Postfix hands us its mail, and a second one takes ours. What a corpus of letters looks like
 * after both is compared with what was sent; what the second refuses comes back through the first as a report.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { postfix } from '../../bench/peers/postfix.ts';
import { boxFor } from '../props/box.ts';
import { readCorpus } from '../props/corpus.ts';
import { post } from '../props/post.ts';
import { readReport } from '../props/read-report.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink } from '../props/sink.ts';

test('Postfix → Posthorn → Postfix: letters arrive as they left, failures are reported', { skip: postfix.absent() ?? false, timeout: 120_000 }, async (t) => {
  const folder = scratchFor(t, 'postfix');
  chmodSync(folder, 0o755); // Postfix's own user walks through it
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('nobody@') ? '550 5.1.1 No such person' : undefined) });
  t.after(() => sink.close());
  const home = (name: string): string => {
    const place = join(folder, name);
    mkdirSync(place);
    return place;
  };
  const second = await postfix.start({ folder: home('second'), nextHop: sink.port, mode: 'relay' });
  t.after(() => second.stop());
  const box = await boxFor(t, { folder: home('box'), files: { esmtproutes: `sender.example:[127.0.0.1],${sink.port}\n:[127.0.0.1],${second.port}\n` } });
  await box.start();
  const first = await postfix.start({ folder: home('first'), nextHop: box.port, mode: 'relay' });
  t.after(() => first.stop());

  const corpus = readCorpus();
  for (const { name, content, has8bit } of corpus) {
    const answer = await post({ port: first.port }, { token: name, content, to: [`${name}@there.example`], mailParameters: has8bit ? ' BODY=8BITMIME' : '' });
    assert.equal(answer.code, 250, answer.text);
  }
  await sink.until(60_000, 'the corpus', () => sink.count >= corpus.length);
  for (const { name, content } of corpus) {
    const arrival = sink.arrivals.find((one) => one.recipients.includes(`${name}@there.example`));
    // Postfix takes Return-Path out of what it receives; all else is as it was.
    const sent = content.toString('latin1').replace(/^Return-Path:.*\r\n/, '');
    assert.ok(arrival?.content.toString('latin1').endsWith(sent), name);
  }

  await post({ port: first.port }, { token: 'refused', to: ['nobody@there.example'], rcptParameters: ' NOTIFY=FAILURE ORCPT=rfc822;no.body@old.example' });
  await sink.until(60_000, 'a report', () => sink.arrivals.some((one) => one.reversePath === ''));
  const read = await readReport(sink.arrivals.find((one) => one.reversePath === '')!.content);
  assert.match(read.recipients[0]?.get('original-recipient') ?? '', /no\.body@old\.example/);
  assert.equal(await box.stop(), 0);
});
