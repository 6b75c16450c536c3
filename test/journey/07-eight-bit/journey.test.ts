/** 8-bit mail to a next hop that knows 7 bits only: quoted-printable on the way, the same text for the reader (RFC 6152 §3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simpleParser } from 'mailparser';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

const text = 'Schöne Grüße: ½ Pfund Äpfel = 3 €\r\nZeile mit Ende \r\n.Punkt\r\n';
const alternative = [
  'From: <ada@sender.example>', 'To: <bob@there.example>', 'Subject: Obst', 'X-Token: eight', 'MIME-Version: 1.0', 'Content-Type: multipart/alternative; boundary="cut"', 'Content-Transfer-Encoding: 8bit', '',
  'preamble', '--cut', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit', '', text,
  '--cut', 'Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: 8bit', '', `<p>${text}</p>`, '--cut--', '',
].join('\r\n');

test('every part decodes to what was sent, and not one octet has its eighth bit', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ extensions: ['PIPELINING', 'SIZE', 'DSN'] });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  const answer = await post(box, { token: 'eight', content: alternative, mailParameters: ' BODY=8BITMIME' });
  assert.equal(answer.code, 250, answer.text);
  const { content, commands } = await sink.arrival('eight');
  assert.ok(content.every((octet) => octet < 128));
  assert.doesNotMatch(commands[0] ?? '', /BODY=/);
  const plain = { skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true };
  const [sent, came] = await Promise.all([simpleParser(Buffer.from(alternative), plain), simpleParser(content, plain)]);
  assert.equal(came.text, sent.text);
  assert.equal(came.html, sent.html);
  assert.match(content.toString(), /Content-Transfer-Encoding: quoted-printable/i);
  assert.equal(await box.stop(), 0);
});

test('a next hop with 8BITMIME gets it untouched, and is told', { timeout: 60_000 }, async (t) => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  await box.start();
  await post(box, { token: 'eight', content: alternative, mailParameters: ' BODY=8BITMIME' });
  const { content, commands } = await sink.arrival('eight');
  assert.ok(content.toString().endsWith(alternative));
  assert.match(commands[0] ?? '', / BODY=8BITMIME\b/);
  assert.equal(await box.stop(), 0);
});
