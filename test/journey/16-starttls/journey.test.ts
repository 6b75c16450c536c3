/** STARTTLS both ways: we offer it with a certificate, and use it where the next hop offers it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { scratchFor } from '../../props/scratch.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

function opensslAbsent(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return false;
  } catch {
    return 'openssl, which makes the test certificate, is not installed';
  }
}

test('a client upgrades; what it said in clear text is forgotten', { skip: opensslAbsent(), timeout: 60_000 }, async (t) => {
  const folder = scratchFor(t, 'starttls');
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=posthorn.example'], { stdio: 'pipe' });
  const both = `${readFileSync(certificate, 'utf8')}${readFileSync(key, 'utf8')}`;
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { folder, nextHop: sink.port });
  box.configure({ 'esmtpd.pem': both, esmtpd: `${readFileSync(join(box.config, 'esmtpd'), 'utf8')}TLS_CERTFILE=${join(box.config, 'esmtpd.pem')}\n` });
  await box.start();
  const client = await dialSmtp({ port: box.port });
  assert.ok((await client.hello()).includes('STARTTLS'));
  assert.equal((await client.startTls()).code, 220);
  // What was said before TLS is forgotten, the greeting too (RFC 3207 §4.2).
  assert.match((await client.say('MAIL FROM:<ada@sender.example>')).text, /^503 /);
  assert.ok(!(await client.hello()).includes('STARTTLS'));
  assert.equal((await client.send({ from: 'ada@sender.example', to: ['bob@there.example'], content: messageText({ token: 'secret' }) })).code, 250);
  await client.quit();
  const text = (await sink.arrival('secret')).content.toString();
  assert.match(text, /with ESMTPS\b/);
  assert.match(text, /TLS: ?TLSv1\.[23]/);

  // Commands sent in the same breath as STARTTLS came in clear text: they must not be obeyed inside TLS.
  const attacker = await dialSmtp({ port: box.port });
  await attacker.hello();
  attacker.write('STARTTLS\r\nMAIL FROM:<injected@sender.example>\r\n');
  const answer = await attacker.reply();
  assert.ok(answer.code === 220 || answer.code >= 500, answer.text);
  attacker.vanish();
  assert.equal(await box.stop(), 0);
});
