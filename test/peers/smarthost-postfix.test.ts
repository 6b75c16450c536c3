/**
 * Postfix as a provider's submission server: TLS, a login that Dovecot checks, senders that are the account's own. What we
 * signed verifies behind it.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { postfix } from '../../bench/peers/postfix.ts';
import { boxFor } from '../props/box.ts';
import { createCertificate } from '../props/certificate.ts';
import { judge } from '../props/dkim-keys.ts';
import { dovecotAbsent, openDovecot } from '../props/dovecot.ts';
import { messageText } from '../props/messages.ts';
import { post } from '../props/post.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink } from '../props/sink.ts';

const PATIENCE_MS = 60_000;

test('a provider that others wrote', { skip: postfix.absent() ?? dovecotAbsent(), timeout: 180_000 }, async t => {
  const folder = scratchFor(t, 'provider');
  chmodSync(folder, 0o755);
  const { socket } = await openDovecot(t, 'scanner', 'päss wörd');
  const certificate = createCertificate('postfix.example');
  writeFileSync(join(folder, 'cert.pem'), certificate.pem);
  writeFileSync(join(folder, 'key.pem'), certificate.key, { mode: 0o600 });
  writeFileSync(join(folder, 'senders'), 'scan@example.com scanner\n');
  const far = await openSink();
  const home = await openSink();
  t.after(() => Promise.all([far.close(), home.close()]));
  const place = join(folder, 'peer');
  mkdirSync(place);
  const running = await postfix.start({
    folder: place, nextHop: far.port, mode: 'relay',
    more: `mynetworks = 192.0.2.1
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = ${folder}/cert.pem
smtpd_tls_key_file = ${folder}/key.pem
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${socket}
smtpd_sender_login_maps = texthash:${folder}/senders
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_relay_restrictions = permit_sasl_authenticated, reject
`,
  });
  t.after(() => running.stop());
  const relay = `[127.0.0.1],${running.port}`;
  const box = await boxFor(t, {
    folder: join(folder, 'box'),
    files: { esmtproutes: `lan.local:[127.0.0.1],${home.port}\n:${relay} /SECURITY=REQUIRED\n`, esmtpauthclient: `${relay} scanner päss wörd\n`, smarthosts: `${relay}\n` },
  });
  const { stdout } = await box.run(['dkim', 'generate', 'example.com', 's1', '--type', 'rsa']);
  const keys = [{ name: 's1._domainkey.example.com', record: [...(/IN TXT (?:\( )?((?:"[^"]*"\s*)+)/.exec(stdout)?.[1] ?? '').matchAll(/"([^"]*)"/g)].map(([, one]) => one).join('') }];
  box.configure({ dkim: 'example.com s1\n' });
  await box.start();
  const scanned = (token: string) => ({ token, from: 'scan@lan.local', to: ['bob@there.example'], content: messageText({ token, from: 'scan@lan.local', subject: 'Zwölf Seiten' }), mailParameters: ' BODY=8BITMIME' });

  // Its own words against foreign senders; what comes back goes home.
  await post(box, scanned('foreign'));
  await home.until(PATIENCE_MS, 'the report', () => home.count > 0);
  assert.match(home.arrivals[0]?.content.toString() ?? '', /553 5\.7\.1 .*not owned by user scanner/);

  box.configure({ smarthosts: `${relay} sender=scan@example.com\n` });
  assert.equal((await box.run(['restart'])).code, 0);
  await post(box, scanned('ours'));
  const { content, reversePath } = await far.arrival('ours', PATIENCE_MS);
  const text = content.toString();
  assert.equal(reversePath, 'scan@example.com');
  assert.match(text, /^Received: from posthorn\.example .*\r\n(?:\t.*\r\n)*\tby postfix\.example \(Postfix\) with ESMTPSA /m);
  assert.match(text, /^From: <scan@example\.com>\r\nReply-To: <scan@lan\.local>\r\n/m);
  assert.deepEqual(await judge(content, keys), ['example.com/s1 pass']);

  // By every mechanism that it has; a wrong password makes mail wait and somebody look.
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'CRAM-MD5', 'PLAIN', 'LOGIN']) {
    box.configure({ smarthosts: `${relay} sender=scan@example.com mechanisms=${mechanism}\n` });
    assert.equal((await box.run(['restart'])).code, 0);
    await post(box, scanned(mechanism));
    await far.arrival(mechanism, PATIENCE_MS);
  }
  box.configure({ esmtpauthclient: `${relay} scanner wrong\n` });
  assert.equal((await box.run(['restart'])).code, 0);
  await post(box, scanned('wrong'));
  const alarm = await box.logged('the alarm', line => line.event === 'alarm' && line['alarm'] === 'login', { ms: PATIENCE_MS });
  assert.match(String(alarm['text']), /refused: 535 5\.7\.8 /);
  assert.equal(await box.stop(), 0);
});
