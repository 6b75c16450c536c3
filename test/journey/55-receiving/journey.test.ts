/** The ways in beyond plain ESMTP, through the whole gateway: LMTP on a Unix socket, certificates by reload, balancers. */
import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { createCertificate } from '../../props/certificate.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';
import { connect as connectTls } from 'node:tls';

/** Says all at once, and gives what was heard when the other side closes. */
async function say(where: { readonly path: string } | { readonly port: number }, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', ...where });
  let heard = '';
  socket.on('data', chunk => { heard += String(chunk); });
  await new Promise<void>((resolve, reject) => {
    socket.once('close', () => resolve()).once('error', reject).setTimeout(20_000, () => socket.destroy(new Error(`no end: ${heard}`)));
    socket.write(text);
  });
  return heard;
}

const message = (token: string) => `Subject: ${token}\r\nX-Token: ${token}\r\n\r\nhello\r\n.\r\n`;

test('LMTP on a Unix socket: each recipient hears his own answer, and a socket left by a crash is taken over', { timeout: 60_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  const path = join(box.folder, 'lmtp');
  box.configure({ userdb: 'ann\tmail=/nowhere\n', lmtpd: `LMTPSOCKET=${path}\nLMTPSOCKETMODE=0600\n` });
  await box.start();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const dialogue = (token: string) => `LHLO near.example\r\nMAIL FROM:<ada@sender.example>\r\nRCPT TO:<bob@there.example>\r\nRCPT TO:<nobody@posthorn.example>\r\nRCPT TO:<eve@there.example>\r\nDATA\r\n${message(token)}QUIT\r\n`;
  const heard = await say({ path }, dialogue('first'));
  assert.match(heard, /^220 posthorn\.example LMTP\r\n/);
  assert.match(heard, /\r\n550 5\.1\.1 [^\r]*\r\n250 2\.1\.5[^\r]*\r\n354 [^\r]*\r\n250 2\.0\.0 Ok\. (\S+)\r\n250 2\.0\.0 Ok\. \1\r\n221 /);
  assert.match((await sink.arrival('first')).content.toString(), /with LMTP\b/);
  await box.kill();
  assert.ok(existsSync(path), 'a crash leaves it');
  await box.start();
  assert.match(await say({ path }, dialogue('second')), /250 2\.0\.0 Ok\. (\S+)\r\n250 2\.0\.0 Ok\. \1\r\n221 /);
  const taken = await box.run(['check']);
  assert.deepEqual([taken.code, taken.stderr], [0, '']);
});

test('a certificate by name appears with a reload; one that is no good is said, and the old ones stay', { timeout: 60_000 }, async t => {
  const box = await boxFor(t);
  const both = (name: string) => {
    const { pem, key } = createCertificate(name);
    return `${pem}${key}`;
  };
  const { port } = box;
  box.configure({ 'tls.pem': both('mx.posthorn.example'), esmtpd: `PORT=127.0.0.1.${port}\nTLS_CERTFILE=tls.pem\nMAXPERIP=100\nMAXPERC=100\n` });
  await box.start();
  async function shown(servername: string): Promise<string> {
    const client = connect({ port, host: '127.0.0.1' });
    client.write('EHLO x\r\nSTARTTLS\r\n');
    for (let heard = ''; !heard.includes('220 2.0.0'); heard += await new Promise<string>(resolve => client.once('data', chunk => resolve(String(chunk)))));
    const secure = connectTls({ socket: client, servername, rejectUnauthorized: false });
    await new Promise<void>((resolve, reject) => secure.once('secureConnect', () => resolve()).once('error', reject));
    const { CN } = secure.getPeerCertificate().subject;
    secure.destroy();
    return String(CN);
  }
  assert.equal(await shown('mail.other.example'), 'mx.posthorn.example');
  writeFileSync(join(box.config, 'tls.pem.mail.other.example'), both('mail.other.example'), { mode: 0o600 });
  box.configure({ 'tls.pem': both('second.posthorn.example') });
  assert.deepEqual((await box.run(['restart'])).stderr, '');
  assert.equal(await shown('mail.other.example'), 'mail.other.example');
  assert.equal(await shown('mx.posthorn.example'), 'second.posthorn.example');
  box.configure({ 'tls.pem': createCertificate('third.posthorn.example').pem });
  const refused = await box.run(['restart']);
  assert.equal(refused.code, 78);
  assert.match(refused.stderr, /tls\.pem: certificate, key or ciphers cannot be used/);
  assert.equal(await shown('mx.posthorn.example'), 'second.posthorn.example');
});

test('behind a balancer the access file sees the client, and nobody gets in without a header', { timeout: 60_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  box.configure({
    esmtpd: `PORT=127.0.0.1.${box.port}\nPROXYFROM=127.0.0.1\nTARPIT=0\nBOFHCHECKDNS=0\nMAXPERIP=100\nMAXPERC=100\n`,
    'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT\n192.0.2.10\tallow,RELAYCLIENT\n192.0.2.66\tdeny\n',
  });
  await box.start();
  const mail = (token: string) => `EHLO x\r\nMAIL FROM:<ada@sender.example>\r\nRCPT TO:<bob@there.example>\r\nDATA\r\n${message(token)}QUIT\r\n`;
  const through = (address: string, token: string) => say({ port: box.port }, `PROXY TCP4 ${address} 192.0.2.25 40000 25\r\n${mail(token)}`);
  assert.match(await through('192.0.2.10', 'trusted'), /250 2\.0\.0 Ok\. /);
  assert.match((await sink.arrival('trusted')).content.toString(), /\[192\.0\.2\.10\]/);
  assert.match(await through('192.0.2.11', 'stranger'), /550 5\.7\.1 Relaying denied/);
  assert.doesNotMatch(await through('192.0.2.66', 'denied'), /250/);
  assert.equal(await say({ port: box.port }, mail('bare')), '', 'the address of the socket itself may relay, but it has to say who it is');
  assert.equal(sink.arrivals.length, 1);
  await assert.rejects(dialSmtp({ port: box.port, localAddress: '127.0.0.2', timeoutMs: 5000 }), 'not a balancer of ours');
});

test('EXPN, VRFY and VERP as a list manager uses them', { timeout: 60_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  box.configure({ aliases: 'staff: ann@there.example, bob@there.example\nprinter: "|/bin/true"\n', userdb: 'ann\tmail=/nowhere\n' });
  await box.start();
  const client = await dialSmtp({ port: box.port });
  assert.ok((await client.hello()).includes('XVERP=Courier'));
  assert.deepEqual((await client.say('EXPN staff')).lines, ['2.1.5 <ann@there.example>', '2.1.5 <bob@there.example>']);
  assert.deepEqual((await client.say('EXPN printer@posthorn.example')).lines, ['2.1.5 <printer@posthorn.example>'], 'what it runs is not told');
  assert.equal((await client.say('VRFY staff')).text, '250 2.1.5 <staff@posthorn.example>');
  assert.equal((await client.say('VRFY nobody')).code, 550);
  assert.equal((await client.say('VRFY ann@there.example')).code, 550, 'not of this host');
  assert.equal((await client.send({ from: 'list@posthorn.example', mailParameters: ' VERP', to: ['ann@there.example', 'bob-x@there.example'], content: 'X-Token: verp\r\n\r\nx\r\n' })).code, 250);
  await sink.until(20_000, 'both copies', () => sink.arrivals.length === 2);
  assert.deepEqual(sink.arrivals.map(one => one.reversePath).toSorted(), ['list-ann=there.example@posthorn.example', 'list-bob+2Dx=there.example@posthorn.example']);
  box.configure({ esmtpd: `PORT=127.0.0.1.${box.port}\nBOFHCHECKDNS=0\nBOFHNOEXPN=1\nBOFHNOVRFY=1\nMAXPERIP=100\nMAXPERC=100\n` });
  assert.equal((await box.run(['restart'])).code, 0);
  const later = await dialSmtp({ port: box.port });
  await later.hello();
  assert.deepEqual([(await later.say('EXPN staff')).code, (await later.say('VRFY nobody')).code], [252, 252]);
});
