/**
 * Real servers that take our mail: Postfix as it comes, Postfix that has unlearnt what the last twenty years brought, and
 * Courier with its own extensions. Behind each stands a sink that shows what they made of it.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { courier } from '../../bench/peers/courier.ts';
import type { Peer, Place } from '../../bench/peers/peer.ts';
import { postfix } from '../../bench/peers/postfix.ts';
import { boxFor, type Box } from '../props/box.ts';
import { readCorpus } from '../props/corpus.ts';
import { post, type Letter } from '../props/post.ts';
import { readReport } from '../props/read-report.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink, type Arrival, type Sink } from '../props/sink.ts';

const PATIENCE_MS = 60_000;

/** box → peer → sink; reports come back to a sink of their own. */
async function lineUp(t: TestContext, peer: Peer, more: Pick<Place, 'more'> = {}): Promise<{ box: Box; far: Sink; home: Sink; send(letter: Letter): Promise<void> }> {
  const folder = scratchFor(t, `receiver-${peer.name}`);
  chmodSync(folder, 0o755); // the peer's own user walks through it
  const far = await openSink();
  const home = await openSink();
  t.after(() => Promise.all([far.close(), home.close()]));
  const place = join(folder, 'peer');
  mkdirSync(place);
  const running = await peer.start({ folder: place, nextHop: far.port, mode: 'relay', ...more });
  t.after(() => running.stop());
  const box = await boxFor(t, { folder: join(folder, 'box'), files: { esmtproutes: `sender.example:[127.0.0.1],${home.port}\n:[127.0.0.1],${running.port}\n`, courierd: 'ESMTP_USE_STARTTLS=0\n' } });
  await box.start();
  return {
    box, far, home,
    async send(letter) {
      const answer = await post({ port: box.port }, letter);
      assert.equal(answer.code, 250, answer.text);
    },
  };
}

async function arrival(sink: Sink, token: string): Promise<Arrival> {
  return sink.arrival(token, PATIENCE_MS);
}

const toldOf = async (home: Sink, what: string): Promise<Awaited<ReturnType<typeof readReport>>> => {
  await home.until(PATIENCE_MS, what, () => home.count > 0);
  return readReport(home.arrivals[0]!.content);
};

const eight = Buffer.from('Subject: eight\r\nX-Token: eight\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße.\r\n.\r\n..\r\n');

test('Postfix as it comes: the corpus to the octet, DSN handed over, its limit of recipients learnt at once', { skip: postfix.absent() ?? false, timeout: 180_000 }, async t => {
  const { box, far, home, send } = await lineUp(t, postfix, { more: 'smtpd_recipient_limit = 2\n' });
  for (const { name, content, has8bit } of readCorpus()) {
    await send({ token: name, content, to: [`${name}@there.example`], mailParameters: has8bit ? ' BODY=8BITMIME' : '' });
    await far.until(PATIENCE_MS, name, () => far.arrivals.some(({ recipients }) => recipients.includes(`${name}@there.example`)));
    const got = far.arrivals.find(({ recipients }) => recipients.includes(`${name}@there.example`));
    // Postfix takes Return-Path out of what it receives; all else is as it was.
    assert.ok(got?.content.toString('latin1').endsWith(content.toString('latin1').replace(/^Return-Path:.*\r\n/, '')), name);
  }
  const to = ['a@there.example', 'b@there.example', 'c@there.example', 'd@there.example', 'e@there.example'];
  await send({ token: 'many', to });
  await far.until(PATIENCE_MS, 'all five', () => to.every(one => far.deliveries.has(`many ${one}`)));
  const about = () => box.log.filter(line => line.event === 'delivery' && to.includes(String(line['addr'])));
  await box.logged('five answers', () => about().length === 5);
  const lines = about();
  assert.deepEqual(lines.map(line => [line['attempt'], line['status']]), to.map(() => [1, 'success']), 'nobody waited for another attempt');

  // The duty to report is Postfix's: it says that it relayed, we say nothing.
  await send({ token: 'asked', to: ['asked@there.example'], mailParameters: ' RET=HDRS ENVID=Q+2B1', rcptParameters: ' NOTIFY=SUCCESS ORCPT=rfc822;old@there.example' });
  await arrival(far, 'asked');
  await box.logged('the delivery', line => line.event === 'delivery' && line['addr'] === 'asked@there.example');
  assert.equal(box.log.some(line => line.event === 'report'), false);
  assert.equal(await box.stop(), 0);
  assert.equal(home.count, 0);
});

const old = 'smtpd_discard_ehlo_keywords = pipelining, 8bitmime, dsn, smtputf8, size, chunking, enhancedstatuscodes, vrfy, etrn\n';

test('Postfix without what the last twenty years brought: 7 bit, reports of our own, no internationalised mail', { skip: postfix.absent() ?? false, timeout: 120_000 }, async t => {
  const { box, far, home, send } = await lineUp(t, postfix, { more: old });
  await send({ token: 'eight', content: eight, to: ['eight@there.example'], mailParameters: ' BODY=8BITMIME' });
  const converted = (await arrival(far, 'eight')).content;
  assert.ok(converted.every(octet => octet < 128), 'not an octet above 127');
  assert.match(converted.toString(), /Content-Transfer-Encoding: quoted-printable\r\n[^]*\r\n\r\nGr=C3=BC=C3=9Fe\.\r\n=2E\r\n=2E\.\r\n$/);

  // Who wants no report gets a sender who can get none.
  await send({ token: 'never', to: ['never@there.example'], rcptParameters: ' NOTIFY=NEVER' });
  assert.equal((await arrival(far, 'never')).reversePath, '');
  await send({ token: 'asked', to: ['asked@there.example'], rcptParameters: ' NOTIFY=SUCCESS' });
  const told = await toldOf(home, 'a report that it was relayed');
  assert.match(told.recipients[0]?.get('action') ?? '', /relayed/);

  await send({ token: 'world', to: ['welt@there.example'], mailParameters: ' SMTPUTF8', content: Buffer.from('Subject: Grüße\r\nX-Token: world\r\n\r\nx\r\n') });
  await home.until(PATIENCE_MS, 'a failure', () => home.count > 1);
  const failed = await readReport(home.arrivals[1]!.content);
  assert.equal(failed.recipients[0]?.get('status'), '5.6.7');
  assert.equal(far.count, 3);
  assert.equal(await box.stop(), 0);
});

test('Courier: VERP goes to it as one copy, and what it makes of that is what we make of it for others', { skip: courier.absent() ?? false, timeout: 120_000 }, async t => {
  const { box, far, send } = await lineUp(t, courier);
  const to = ['mary-ann@there.example', 'bob+x@there.example'];
  await send({ token: 'list', from: 'my-list@sender.example', to, mailParameters: ' VERP' });
  await far.until(PATIENCE_MS, 'both', () => to.every(one => far.deliveries.has(`list ${one}`)));
  const asSeen = Object.fromEntries(far.arrivals.map(({ recipients, reversePath }) => [recipients[0], reversePath]));
  assert.deepEqual(asSeen, { 'mary-ann@there.example': 'my-list-mary+2Dann=there.example@sender.example', 'bob+x@there.example': 'my-list-bob+2Bx=there.example@sender.example' });
  await box.logged('two answers', () => box.log.filter(line => line.event === 'delivery').length === 2);
  const given = box.log.filter(line => line.event === 'delivery');
  assert.ok(given.every(line => line['status'] === 'success'));
  const [first, second] = given;
  assert.equal(first?.['text'], second?.['text'], 'one answer to one copy');

  await send({ token: 'eight', content: eight, to: ['eight@there.example'], mailParameters: ' BODY=8BITMIME' });
  assert.ok((await arrival(far, 'eight')).content.toString().includes('Grüße.'));
  await send({ token: 'asked', to: ['asked@there.example'], rcptParameters: ' NOTIFY=SUCCESS' });
  await arrival(far, 'asked');
  assert.equal(await box.stop(), 0);
  assert.equal(box.log.some(line => line.event === 'report'), false, 'the duty to report is Courier’s');
});
