/**
 * An office's old machines: a scanner that knows TLS 1.0 alone, a UPS that knows none and no header either. Their mail leaves
 * by today's TLS with a login, under an address that the provider takes; whoever is no device does not get a word.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../../props/box.ts';
import { freePorts } from '../../props/ports.ts';
import { openScriptedPeer, type ScriptedPeer } from '../../props/scripted-peer.ts';
import { scratchFor } from '../../props/scratch.ts';
import { within } from '../../props/within.ts';

function opensslAbsent(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return false;
  } catch {
    return 'openssl, which makes the test certificate, is not installed';
  }
}

const DEVICES = `
# What the office has had since 2004.
scanner 127.0.0.1
    tls=1.0 sender=office-scanner@example.com from=yes rename=scan:jane@example.com
    recipients=@example.com limit=2/h size=1M
ups 127.0.0.2 tls=none sender=*@example.com bare-lf=yes charset=iso-8859-15
nas 127.0.0.3 helo=nas1 plain=no
`;

/** RSA, as old machines know no other. */
function certificateIn(folder: string): { readonly cert: string; readonly key: string } {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=posthorn.example'], { stdio: 'pipe' });
  return { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
}

interface Office {
  readonly box: Box;
  readonly smarthost: ScriptedPeer;
  readonly port: number;
  readonly sslPort: number;
}

async function office(t: TestContext): Promise<Office> {
  const folder = scratchFor(t, 'devices');
  const pem = certificateIn(folder);
  const smarthost = await openScriptedPeer({ tls: createSecureContext({ ...pem, minVersion: 'TLSv1.2' }), extensions: ['PIPELINING', '8BITMIME', 'STARTTLS', 'AUTH PLAIN'] });
  t.after(() => smarthost.close());
  const [port = 0, sslPort = 0] = await freePorts(2);
  const box = await boxFor(t, { folder, files: {
    devices: DEVICES,
    'esmtpd-devices': `ADDRESS=127.0.0.1\nPORT=${port}\nSSLPORT=${sslPort}\nTLS_CERTFILE=esmtpd.pem\n`,
    'esmtpd.pem': `${pem.cert}${pem.key}`,
    esmtproutes: `:[127.0.0.1],${smarthost.port}\n`,
    esmtpauthclient: `[127.0.0.1],${smarthost.port} office hush-hush\n`,
  } });
  await box.start();
  return { box, smarthost, port, sslPort };
}

/** Says line after line, each when the one before was answered; gives the answers' first lines. */
async function dialogue(socket: Socket, lines: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = [];
  let text = '';
  const said = [...lines];
  const end = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (let match = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(text); match !== null; match = /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(text)) {
        answers.push(match[0].trimEnd());
        text = text.slice(match[0].length);
        const next = said.shift();
        if (next === undefined) return resolve();
        socket.write(next);
      }
    });
    socket.once('close', () => resolve());
    socket.once('error', reject);
  });
  await within(20_000, `an answer to each of ${lines.join('|')}; so far ${answers.join('|')}`, end);
  socket.destroy();
  return answers;
}

async function oldTls(port: number, localAddress: string): Promise<Socket> {
  const socket = connectTls({ socket: connect({ port, host: '127.0.0.1', localAddress }), rejectUnauthorized: false, minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' });
  await within(20_000, 'the TLS 1.0 handshake', once(socket, 'secureConnect'));
  assert.equal(socket.getProtocol(), 'TLSv1');
  return socket;
}

const codes = (answers: readonly string[]): string => answers.map(answer => answer.slice(0, 3)).join(' ');

test('mail of old devices goes out by TLS 1.2 or newer, with a login, under an address of ours', { skip: opensslAbsent(), timeout: 90_000 }, async (t) => {
  const { box, smarthost, port, sslPort } = await office(t);

  // The scanner: TLS 1.0 from the first octet, no brackets, a sender that no provider takes.
  const scanned = await dialogue(await oldTls(sslPort, '127.0.0.1'), [
    'HELO \r\n', 'MAIL FROM: scanner@local\r\n', 'RCPT TO:scan\r\n', 'DATA\r\n',
    'From: "Scanner, 2nd floor" <scanner@local>\r\nSubject: Scan from the 2nd floor\r\nDate: Thu, 1 Jan 1970 00:00:12 +0000\r\n\r\nSee attachment\r\n.\r\n', 'QUIT\r\n',
  ]);
  assert.equal(codes(scanned), '220 250 250 250 354 250 221');
  await smarthost.until('the scan', () => smarthost.messages.length === 1);
  const [scan] = smarthost.messages;
  assert.equal(scan?.secure, true, 'it left by TLS');
  assert.ok(smarthost.lines.some(line => line === `AUTH PLAIN ${Buffer.from('\0office\0hush-hush').toString('base64')}`), 'with our login');
  assert.match(scan?.mail ?? '', /^MAIL FROM:<office-scanner@example\.com>/);
  assert.match(scan?.rcpts[0] ?? '', /^RCPT TO:<jane@example\.com>/);
  assert.match(scan?.wire ?? '', /^From: "Scanner, 2nd floor" <office-scanner@example\.com>\r\n/m);
  assert.match(scan?.wire ?? '', /^Date: .* 20\d\d /m);
  assert.doesNotMatch(scan?.wire ?? '', /1970/);
  assert.match(scan?.wire ?? '', /TLSv1,/, 'the way in is on record');

  // The UPS: no TLS, LF alone, no header at all, Latin letters.
  const warned = await dialogue(connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }), [
    'EHLO ups_1 (basement)\n', 'MAIL FROM:<ups>\n', 'RCPT TO:<boss@example.net>\n', 'DATA\n', Buffer.from('Stromausfall: Büro, 5 €\n.\n'.replace('€', '\u00a4'), 'latin1').toString('latin1'), 'QUIT\n',
  ]);
  assert.equal(codes(warned), '220 250 250 250 354 250 221');
  assert.doesNotMatch(warned[1] ?? '', /STARTTLS/, 'tls=none: it is not shown what it stumbles over');
  await smarthost.until('the alarm', () => smarthost.messages.length === 2);
  const alarm = smarthost.messages[1];
  assert.match(alarm?.mail ?? '', /^MAIL FROM:<ups@example\.com>/);
  for (const field of [/^From: <ups@example\.com>\r$/m, /^Subject: Message from ups\r$/m, /^Date: /m, /^Message-ID: /im, /^MIME-Version: 1\.0\r$/m, /^Content-Type: text\/plain; charset=/m]) assert.match(alarm?.wire ?? '', field);

  const refused = await dialogue(await oldTls(sslPort, '127.0.0.1'), ['EHLO scanner\r\n', 'MAIL FROM:<scanner@local>\r\n', 'RCPT TO:<stranger@elsewhere.example>\r\n', 'RCPT TO:<jane@example.com>\r\n', 'DATA\r\n', 'Subject: two\r\n\r\n.\r\n', 'MAIL FROM:<scanner@local>\r\n', 'RCPT TO:<jane@example.com>\r\n', 'DATA\r\n', 'QUIT\r\n']);
  assert.equal(codes(refused), '220 250 250 550 250 354 250 250 250 450 221', 'elsewhere is not where it may write, and the third is over the limit');

  const nas = await dialogue(connect({ port, host: '127.0.0.1', localAddress: '127.0.0.3' }), ['EHLO nas1\r\n', 'MAIL FROM:<nas@example.com>\r\n', 'QUIT\r\n']);
  assert.match(nas[2] ?? '', /^530 5\.7\.0 /, 'plain=no');
  const other = await dialogue(connect({ port, host: '127.0.0.1', localAddress: '127.0.0.3' }), ['EHLO nas2\r\n', 'MAIL FROM:<nas@example.com>\r\n', 'QUIT\r\n']);
  assert.match(other[2] ?? '', /^554 5\.7\.1 /, 'nobody of that name');
  const tooOld = await dialogue(await oldTls(sslPort, '127.0.0.3'), ['EHLO nas1\r\n', 'MAIL FROM:<nas@example.com>\r\n', 'QUIT\r\n']);
  assert.match(tooOld[2] ?? '', /^530 5\.7\.10 /, 'it may speak TLS 1.2 and newer only');

  // No device: not even a banner.
  const stranger = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' });
  let heard = '';
  stranger.on('data', (chunk: Buffer) => void (heard += chunk.toString())).on('error', () => undefined);
  await within(20_000, 'the door to be shut', once(stranger, 'close'));
  assert.equal(heard, '');

  await box.logged('what became of the alarm', line => line.event === 'delivery' && line['status'] === 'success' && line['addr'] === 'boss@example.net');
  const listed = await box.run(['devices']);
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /^scanner {2}127\.0\.0\.1\/32 {2}2 messages \(2 of 2 this hour\)$/m);
  assert.match(listed.stdout, /as scanner, TLSv1$/m);
  assert.match(listed.stdout, /error .*: 550 5\.7\.1 This device may not write to that address: /m);
  assert.match(listed.stdout, /error .*: 450 4\.7\.1 Too many messages from this device/m);
  assert.match(listed.stdout, /last mail .*<ups@example\.com> to <boss@example\.net>, .*: relayed/m);
  assert.match(listed.stdout, /turned away: no address of a device\n {5}127\.0\.0\.9 {2}once/m);
  const page = await (await fetch(`http://127.0.0.1:${box.httpPort}/devices`)).text();
  assert.match(page, /office-scanner|scanner/);
  assert.match(page, /127\.0\.0\.9/);

  assert.equal(await box.stop(), 0);
  const kept = await box.run(['devices', 'scanner', '--json']);
  const { messages, hour, lastMail } = JSON.parse(kept.stdout) as { messages: number; hour: { messages: number }; lastMail: { to: string } };
  assert.deepEqual([messages, hour.messages, lastMail.to], [2, 2, 'jane@example.com'], 'a restart forgets nothing, limits least of all');
});

test('a handshake that fails is told in words, whichever way it was begun', { skip: opensslAbsent(), timeout: 60_000 }, async (t) => {
  const folder = scratchFor(t, 'handshakes');
  const pem = certificateIn(folder);
  const [port = 0, sslPort = 0] = await freePorts(2);
  const box = await boxFor(t, { folder, files: { devices: 'modern 127.0.0.1\n', 'esmtpd-devices': `ADDRESS=127.0.0.1\nPORT=${port}\nSSLPORT=${sslPort}\nTLS_CERTFILE=esmtpd.pem\n`, 'esmtpd.pem': `${pem.cert}${pem.key}` } });
  await box.start();
  await assert.rejects(oldTls(sslPort, '127.0.0.1'));
  const begun = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1' });
  for (const line of ['EHLO printer\r\n', 'STARTTLS\r\n', 'not a handshake\r\n']) {
    await within(20_000, 'an answer', once(begun, 'data'));
    begun.write(line);
  }
  await within(20_000, 'the end', once(begun.on('error', () => undefined), 'close'));
  const why = (line: Readonly<Record<string, unknown>>): string => (typeof line['why'] === 'string' ? line['why'] : '');
  await box.logged('the old version', line => why(line).startsWith('TLS: unsupported protocol (the client speaks older TLS'));
  await box.logged('no TLS at all', line => why(line).startsWith('TLS: wrong version number (the client does not speak TLS)'));
  const { stdout } = await box.run(['devices']);
  assert.match(stdout, /last seen .* at 127\.0\.0\.1, connected only/);
  assert.match(stdout, /error .*: TLS: unsupported protocol \(/);
  assert.match(stdout, /error [^(]*: TLS: wrong version number \(/, 'once, not twice');
  assert.equal(await box.stop(), 0);
});

test('bound on every address, by two processes: a device that is named in the file is let in, after a reload too, and nobody else', { timeout: 60_000 }, async (t) => {
  const [port = 0] = await freePorts(1);
  const box = await boxFor(t, { files: { devices: 'camera 127.0.0.4\n', 'esmtpd-devices': `PORT=${port}\n`, receiveprocesses: '2\n' } });
  await box.start();
  const greeting = async (localAddress: string): Promise<string> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => undefined);
    const heard = await within(20_000, 'a banner or the end', Promise.race([once(socket, 'data'), once(socket, 'close')]));
    socket.destroy();
    return String(heard[0]);
  };
  assert.match(await greeting('127.0.0.4'), /^220 /);
  assert.doesNotMatch(await greeting('127.0.0.5'), /^220 /);
  box.configure({ devices: 'door 127.0.0.5\n' });
  assert.equal((await box.run(['restart'])).code, 0);
  // One process alone knows the devices: had the other the port too, some of these would go astray.
  for (let turn = 0; turn < 6; turn++) {
    assert.match(await greeting('127.0.0.5'), /^220 /);
    assert.doesNotMatch(await greeting('127.0.0.4'), /^220 /);
  }
  assert.match((await box.run(['devices'])).stdout, /127\.0\.0\.4 {2}6 times/);
  assert.equal(await box.stop(), 0);
});
