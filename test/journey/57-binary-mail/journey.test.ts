/** Mail that is not made of lines: from one gateway to the next as it came, out of there and into mailboxes in base64. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

const octets = Buffer.concat([Buffer.from('\n.\r\n\r.\n\0'), Buffer.from(Array.from({ length: 100_000 }, (_, n) => (n * 7919) & 255))]);
const messageOf = (token: string): Buffer => Buffer.concat([
  Buffer.from(`From: <ada@sender.example>\r\nTo: <bob@there.example>\r\nX-Token: ${token}\r\nMime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n`
    + '--b\r\nContent-Type: text/plain\r\n\r\nhere it is\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n'),
  octets, Buffer.from('\r\n--b--\r\n'),
]);

/** The attachment, as a reader finds it. */
function attached(text: string): Buffer {
  const part = text.slice(text.indexOf('application/octet-stream'));
  assert.match(part, /^Content-Transfer-Encoding: base64\r?$/m);
  const body = part.slice(part.search(/\r?\n\r?\n/)).trimStart();
  return Buffer.from(body.slice(0, body.indexOf('--b--')), 'base64');
}

test('binary mail through two gateways, to a host without BINARYMIME and to a mailbox', { timeout: 60_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const second = await boxFor(t, { nextHop: sink.port, files: { me: 'second.example\n', defaultdomain: 'second.example\n', locals: 'second.example\n' } });
  mkdirSync(join(second.folder, 'carl'));
  second.configure({ userdb: `carl\thome=${join(second.folder, 'carl')}\n` });
  await second.start();
  const first = await boxFor(t, { nextHop: second.port });
  await first.start();

  const client = await dialSmtp({ port: first.port });
  assert.ok((await client.hello()).includes('BINARYMIME'));
  const message = messageOf('binary');
  await client.say('MAIL FROM:<ada@sender.example> BODY=BINARYMIME');
  for (const to of ['bob@there.example', 'carl@second.example']) assert.equal((await client.say(`RCPT TO:<${to}>`)).code, 250);
  assert.equal((await client.say('DATA')).code, 503);
  client.write(Buffer.concat([Buffer.from(`BDAT ${message.length} LAST\r\n`), message]));
  assert.equal((await client.reply()).code, 250);
  await client.quit();

  const { content } = await sink.arrival('binary');
  assert.ok(attached(content.toString('latin1')).equals(octets), 'in base64 where nobody takes it otherwise');
  assert.match(content.toString(), /\r\nhere it is\r\n/);
  await second.logged('carl has it', line => line.event === 'delivery' && line['addr'] === 'carl@second.example' && line['status'] === 'success');
  const [file = ''] = readdirSync(join(second.folder, 'carl', 'Maildir', 'new'));
  assert.ok(attached(readFileSync(join(second.folder, 'carl', 'Maildir', 'new', file), 'latin1')).equals(octets));
  const taken = second.log.find(line => line.event === 'newmsg');
  assert.ok(Number(taken?.['size']) - message.length < 2000, 'between the two nothing was encoded');
  assert.equal(await first.stop(), 0);
  assert.equal(await second.stop(), 0);
});
