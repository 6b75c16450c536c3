/** One gateway as the other's smarthost: each mechanism that both know, SCRAM bound to the TLS connection before all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { createCertificate } from '../../props/certificate.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

const certificate = createCertificate('hub.example');

test('from the strongest to the plainest, over TLS', { timeout: 120_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const hub = await boxFor(t, { nextHop: sink.port, submission: true });
  hub.configure({
    userdb: 'branch@posthorn.example\tuid=1000|gid=1000|home=/nonexistent|esmtppw={PLAIN}pencil\n',
    'hub.pem': certificate.pem + certificate.key,
    'esmtpd-msa': `ADDRESS=127.0.0.1\nPORT=${hub.submissionPort}\nAUTH_REQUIRED=1\nTARPIT=0\nBOFHCHECKDNS=0\nTLS_CERTFILE=hub.pem\nESMTPAUTH="SCRAM-SHA-256"\nESMTPAUTH_TLS="SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 CRAM-SHA256 CRAM-MD5 PLAIN LOGIN"\n`,
  });
  await hub.start();
  const relay = `[127.0.0.1],${hub.submissionPort}`;
  const branch = await boxFor(t, { files: { esmtproutes: `:${relay} /SECURITY=REQUIRED\n`, esmtpauthclient: `${relay} branch@posthorn.example pencil\n` } });
  for (const mechanism of ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'CRAM-SHA256', 'CRAM-MD5', 'PLAIN', 'LOGIN']) {
    // The first line needs no choice of ours.
    branch.configure({ smarthosts: mechanism === 'SCRAM-SHA-256-PLUS' ? null : `${relay} mechanisms=${mechanism}\n` });
    await branch.start();
    await post(branch, { token: mechanism });
    const { content } = await sink.arrival(mechanism);
    assert.match(content.toString(), /with ESMTPSA\b/);
    assert.equal(await branch.stop(), 0);

    assert.match(content.toString(), new RegExp(`AUTH: ${mechanism} branch`));
  }
  branch.configure({ smarthosts: null, esmtpauthclient: `${relay} branch@posthorn.example pen\n` });
  await branch.start();
  await post(branch, { token: 'wrong' });
  const alarm = await branch.logged('the alarm', line => line.event === 'alarm' && line['alarm'] === 'login');
  assert.match(String(alarm['text']), /Our login by SCRAM-SHA-256-PLUS was refused: 535 5\.7\.8/);
  assert.match((await branch.run(['status', '--json'])).stdout + (await branch.run(['mailq', '--why'])).stdout, /login by SCRAM-SHA-256-PLUS was refused/);
  assert.equal(await branch.stop(), 0);
  assert.equal(await hub.stop(), 0);
});
