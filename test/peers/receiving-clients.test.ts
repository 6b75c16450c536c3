/** Clients that are not ours on what we speak beyond plain ESMTP: gsasl and curl log in, swaks speaks LMTP, XCLIENT and PROXY. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../props/box.ts';
import { createCertificate } from '../props/certificate.ts';
import { openSink } from '../props/sink.ts';

interface Ran {
  readonly code: number;
  readonly said: string;
}

function run(program: string, args: readonly string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(program, [...args], { timeout: 20_000 }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), said: `${stdout}${stderr}` }));
    child.stdin?.end('Subject: x\r\n\r\nx\r\n');
  });
}

function absent(program: string): string | false {
  try {
    execFileSync(program, ['--version'], { stdio: 'pipe' });
    return false;
  } catch {
    return `${program} is not installed`;
  }
}

/** ann's password is in clear, bob's is stored as SCRAM keys that gsasl made. */
async function boxWithAccounts(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Box> {
  const box = await boxFor(t);
  const { pem, key } = createCertificate('posthorn.example');
  const mechanisms = 'PLAIN LOGIN CRAM-MD5 CRAM-SHA1 SCRAM-SHA-1 SCRAM-SHA-256';
  box.configure({
    'tls.pem': `${pem}${key}`,
    userdb: `ann@posthorn.example\tesmtppw={PLAIN}pencil\n${absent('gsasl') === false ? `bob@posthorn.example\tesmtppw=${execFileSync('gsasl', ['--mkpasswd', '--mechanism=SCRAM-SHA-256', '--password=pencil', '--iteration-count=4096']).toString().trim()}\n` : ''}`,
    esmtpd: `PORT=127.0.0.1.${box.port}\nTARPIT=0\nBOFHCHECKDNS=0\nMAXPERIP=100\nMAXPERC=100\nTLS_CERTFILE=tls.pem\nESMTPAUTH="${mechanisms}"\nESMTPAUTH_TLS="${mechanisms} SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS"\nXCLIENTFROM=127.0.0.1\n`,
    ...more,
  });
  return box;
}

test('gsasl logs in by every mechanism, bound to the TLS channel too, and not with a wrong password', { skip: absent('gsasl'), timeout: 120_000 }, async t => {
  const box = await boxWithAccounts(t);
  await box.start();
  const login = (mechanism: string, name: string, password: string, tls: boolean) => run('gsasl', ['--client', '--smtp', `--connect=127.0.0.1:${box.port}`, `--mechanism=${mechanism}`, '--no-client-first', `--authentication-id=${name}@posthorn.example`, `--password=${password}`,
    '--authorization-id=', ...(tls ? ['--starttls', '--x509-ca-file='] : ['--no-starttls', '--no-cb'])]);
  for (const mechanism of ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256']) {
    const { said } = await login(mechanism, 'ann', 'pencil', false);
    assert.match(said, /235 2\.7\.0/, `${mechanism}: ${said}`);
  }
  for (const [mechanism, name] of [['SCRAM-SHA-256', 'bob'], ['PLAIN', 'bob']] as const) {
    const { said } = await login(mechanism, name, 'pencil', false);
    assert.match(said, /235 2\.7\.0/, `${mechanism} of ${name}: ${said}`);
  }
  for (const [mechanism, name] of [['SCRAM-SHA-256', 'ann'], ['SCRAM-SHA-256', 'bob'], ['SCRAM-SHA-256', 'nobody'], ['PLAIN', 'bob']] as const) {
    const { said } = await login(mechanism, name, 'pencils', false);
    assert.match(said, /535 5\.7\.8/, `${mechanism} of ${name}: ${said}`);
  }
  for (const mechanism of ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS']) {
    const { said } = await login(mechanism, 'ann', 'pencil', true);
    assert.match(said, /235 2\.7\.0/, `${mechanism}: ${said}`);
  }
});

test('curl sends with a token that the issuer knows, and not with another', { skip: absent('curl'), timeout: 60_000 }, async t => {
  const issuer = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => { body += String(chunk); }).on('end', () => response.end(JSON.stringify(body.includes('token=good') ? { active: true, username: 'ann@posthorn.example' } : { active: false })));
  });
  await new Promise<void>(resolve => issuer.listen(0, '127.0.0.1', resolve));
  t.after(() => issuer.close());
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxWithAccounts(t, { authtokens: `introspect http://127.0.0.1:${(issuer.address() as AddressInfo).port}/\n`, esmtproutes: `:[127.0.0.1],${sink.port}\n`, 'smtpaccess/default': '*\tallow\n' });
  box.configure({ esmtpd: `PORT=127.0.0.1.${box.port}\nTARPIT=0\nBOFHCHECKDNS=0\nMAXPERIP=100\nMAXPERC=100\nESMTPAUTH="XOAUTH2 OAUTHBEARER"\n` });
  await box.start();
  for (const mechanism of ['XOAUTH2', 'OAUTHBEARER']) {
    const send = (token: string) => run('curl', ['-sv', `smtp://127.0.0.1:${box.port}/near.example`, '--login-options', `AUTH=${mechanism}`, '--user', 'ann@posthorn.example', '--oauth2-bearer', token, '--mail-from', 'ann@posthorn.example', '--mail-rcpt', 'bob@there.example', '--upload-file', '-']);
    const good = await send('good');
    assert.match(good.said, /235 2\.7\.0[^]*250 2\.0\.0 Ok\./, `${mechanism}: ${good.said}`);
    const bad = await send('bad');
    assert.match(bad.said, /535 5\.7\.8/, `${mechanism}: ${bad.said}`);
    assert.notEqual(bad.code, 0);
  }
});

test('swaks: LMTP on a Unix socket, XCLIENT, PROXY in both versions, CRAM-SHA1', { skip: absent('swaks'), timeout: 90_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxWithAccounts(t, { esmtproutes: `:[127.0.0.1],${sink.port}\n` });
  const socket = join(box.folder, 'lmtp');
  const { port: proxied } = { port: box.submissionPort };
  box.configure({
    lmtpd: `LMTPSOCKET=${socket}\n`,
    'esmtpd-msa': `PORT=127.0.0.1.${proxied}\nPROXYFROM=127.0.0.1\n`,
    'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT\n192.0.2.10\tallow,RELAYCLIENT\n*\tallow\n',
  });
  await box.start();
  const mail = (token: string) => ['--from', 'ada@sender.example', '--helo', 'swaks.example', '--header', `X-Token: ${token}`];
  const lmtp = await run('swaks', ['--socket', socket, '--protocol', 'LMTP', '--to', 'bob@there.example,eve@there.example', ...mail('lmtp')]);
  assert.match(lmtp.said, /(?:<- {2}250 2\.0\.0 Ok\. [^\n]*\n){2}/, lmtp.said);
  assert.match((await sink.arrival('lmtp')).content.toString(), /with LMTP\b/);

  const server = ['--server', `127.0.0.1:${box.port}`];
  const spoken = await run('swaks', [...server, '--to', 'bob@there.example', '--xclient-addr', '192.0.2.10', '--xclient-name', 'printer.example', ...mail('xclient')]);
  assert.match(spoken.said, /<- {2}250 2\.0\.0 /, spoken.said);
  assert.match((await sink.arrival('xclient')).content.toString(), /printer\.example \[192\.0\.2\.10\]/);
  assert.match((await run('swaks', [...server, '--to', 'bob@there.example', '--xclient-addr', '192.0.2.11', '--xclient-name', 'stranger.example', ...mail('stranger')])).said, /550 5\.7\.1 Relaying denied/);

  for (const version of ['1', '2']) {
    const { said } = await run('swaks', ['--server', `127.0.0.1:${proxied}`, '--to', 'bob@there.example', '--proxy-version', version, '--proxy-family', version === '1' ? 'TCP4' : 'AF_INET', ...(version === '2' ? ['--proxy-protocol', 'STREAM'] : []),
      '--proxy-source', '192.0.2.10', '--proxy-source-port', '40000', '--proxy-dest', '192.0.2.25', '--proxy-dest-port', '587', ...mail(`proxy${version}`)]);
    assert.match(said, /<- {2}250 2\.0\.0 /, said);
    assert.match((await sink.arrival(`proxy${version}`)).content.toString(), /\[192\.0\.2\.10\]/);
  }

  for (const mechanism of ['CRAM-MD5', 'CRAM-SHA1']) {
    const { said } = await run('swaks', [...server, '--to', 'bob@there.example', '--auth', mechanism, '--auth-user', 'ann@posthorn.example', '--auth-password', 'pencil', ...mail(mechanism)]);
    if (said.includes('Auth not attempted')) continue; // a Perl module that this swaks wants
    assert.match(said, /235 2\.7\.0/, `${mechanism}: ${said}`);
  }
});
