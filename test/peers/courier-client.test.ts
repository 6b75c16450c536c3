/** A real Courier hands its mail on to us: over STARTTLS, 8-bit, with VERP in its own form, with everything of DSN. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { courier, startCourier } from '../../bench/peers/courier.ts';
import { boxFor } from '../props/box.ts';
import { createCertificate } from '../props/certificate.ts';
import { messageText } from '../props/messages.ts';
import { post } from '../props/post.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink } from '../props/sink.ts';

function courierAbsent(): string | false {
  const why = courier.absent();
  return why === null ? false : `courier: ${why}`;
}

test('what Courier relays arrives as it was, encrypted, and with all that was asked for', { skip: courierAbsent(), timeout: 120_000 }, async (t) => {
  // Courier asks for SMTPUTF8 wherever it is offered, for all mail; what needs none of it goes on to hosts without.
  const sink = await openSink({ answer: ({ stage }) => (stage === 'ehlo' ? ['250-sink.example', '250-PIPELINING', '250-8BITMIME', '250-DSN', '250 SIZE 104857600'].join('\n') : undefined) });
  t.after(() => sink.close());
  const { pem, key } = createCertificate('posthorn.example');
  const box = await boxFor(t, { nextHop: sink.port, files: { 'tls.pem': `${pem}${key}` } });
  box.configure({ esmtpd: `ADDRESS=127.0.0.1\nPORT=${box.port}\nMAXPERIP=50\nMAXPERC=50\nBOFHCHECKDNS=0\nTLS_CERTFILE=tls.pem\nESMTP_TLS_REQUIRED=1\n` });
  await box.start();

  const folder = scratchFor(t, 'courier');
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'courier'));
  writeFileSync(join(folder, 'setup.sh'), 'sed -i "s/^ESMTP_USE_STARTTLS=.*/ESMTP_USE_STARTTLS=1/; s/^TLS_VERIFYPEER=.*/TLS_VERIFYPEER=NONE/" $etc/courierd\n');
  const peer = await startCourier({ folder: join(folder, 'courier'), nextHop: box.port, mode: 'relay' }, join(folder, 'setup.sh'));
  t.after(() => peer.stop());
  const send = (token: string, more: object = {}) => post({ port: peer.port }, { token, ...more });

  assert.equal((await send('plain')).code, 250);
  const plain = (await sink.arrival('plain')).content.toString();
  assert.match(plain, /^Received: from courier\.example[^]*?with (?:UTF8SMTP|ESMTP)S\r\n/, 'by STARTTLS, which this listener demands');
  assert.ok(plain.endsWith(messageText({ token: 'plain' }).slice(-20)));

  const dots = messageText({ token: 'dots', octets: 200_000 }).replace('\r\n\r\n', '\r\n\r\n.\r\n..\r\n.x\r\n');
  assert.equal((await send('dots', { content: dots })).code, 250);
  assert.ok((await sink.arrival('dots')).content.toString().endsWith(dots.slice(dots.indexOf('\r\n\r\n'))), 'dots and size');

  const bits = Buffer.from(`${messageText({ token: 'bits' }).replace('X-Token', 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nX-Token')}gr\u00fc\u00dfe\r\n`);
  assert.equal((await send('bits', { content: bits, mailParameters: ' BODY=8BITMIME' })).code, 250);
  assert.ok((await sink.arrival('bits')).content.includes(Buffer.from('gr\u00fc\u00dfe')));

  assert.equal((await send('verp', { from: 'list@sender.example', to: ['bob@there.example', 'eve+x@there.example'], mailParameters: ' VERP' })).code, 250);
  const verp = () => sink.arrivals.filter(({ token }) => token === 'verp');
  await sink.until(20_000, 'a copy for each recipient', () => verp().length === 2);
  assert.deepEqual(verp().map(({ reversePath }) => reversePath).toSorted(), ['list-bob=there.example@sender.example', 'list-eve+2Bx=there.example@sender.example']);

  assert.equal((await send('told', { mailParameters: ' ENVID=QQ+2B314159', rcptParameters: ' NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+2BTwo@there.example' })).code, 250);
  const told = (await sink.arrival('told')).commands.join('\n');
  for (const word of [/ENVID=QQ\+2B314159/, /NOTIFY=(?:SUCCESS,FAILURE|FAILURE,SUCCESS)/, /ORCPT=rfc822;Bob\+2BTwo@there\.example/]) assert.match(told, word);
  assert.equal(await box.stop(), 0);
});
