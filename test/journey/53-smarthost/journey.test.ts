/**
 * An old scanner and a provider that wants OAuth2: `posthorn oauth login`, senders the provider takes, its limit, a login that
 * is withdrawn and given again. No mail is lost or returned on the way.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink, type Sink } from '../../props/sink.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';
import { openTokenServer, type TokenServer } from '../../props/token-server.ts';

/** A submission server that knows XOAUTH2 and takes the provider's latest token only. */
async function openProvider(t: TestContext, tokens: TokenServer): Promise<{ readonly sink: Sink; readonly logins: string[] }> {
  const logins: string[] = [];
  let refusing = false;
  const sink = await openSink({
    extensions: ['PIPELINING', '8BITMIME', 'AUTH XOAUTH2'],
    answer({ line }) {
      if (refusing) {
        refusing = false;
        return '535 5.7.3 Authentication unsuccessful';
      }
      const [, initial] = /^AUTH XOAUTH2 (.+)$/.exec(line) ?? [];
      if (initial === undefined) return undefined;
      const said = Buffer.from(initial, 'base64').toString();
      logins.push(said);
      if (said === `user=scan@example.com\u0001auth=Bearer ${tokens.access}\u0001\u0001`) return '235 2.7.0 Welcome';
      refusing = true;
      return `334 ${btoa('{"status":"401"}')}`;
    },
  });
  t.after(() => sink.close());
  return { sink, logins };
}

async function loginBy(box: Box, args: readonly string[], input?: (shown: string) => string | undefined): Promise<{ readonly code: number | null; readonly shown: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts'), '--config', box.config, 'oauth', 'login', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    const answer = input?.(shown);
    if (answer !== undefined) child.stdin.end(`${answer}\n`);
  });
  return new Promise(resolve => child.once('close', code => resolve({ code, shown })));
}

const scanned = (token: string) => ({ token, from: 'scan@lan.local', content: messageText({ token, from: 'scan@lan.local' }), to: ['bob@there.example'] });

test('five minutes with a provider', { timeout: 120_000 }, async t => {
  const tokens = await openTokenServer();
  t.after(() => tokens.close());
  const { sink, logins } = await openProvider(t, tokens);
  const box = await boxFor(t, {
    files: {
      esmtproutes: `:[127.0.0.1],${sink.port}\n`,
      smarthosts: `[127.0.0.1],${sink.port} oauth=office sender=scan@example.com recipients=4/1h\n`,
      oauth: `office custom login=scan@example.com client=the-client scope=smtp device=${tokens.url}/device authorize=${tokens.url}/authorize token=${tokens.url}/token\n`,
    },
  });
  await box.start();
  assert.equal((await post(box, scanned('early'))).code, 250);
  const alarm = await box.logged('the alarm', line => line.event === 'alarm' && line['alarm'] === 'oauth');
  assert.match(String(alarm['text']), /posthorn oauth login office/);
  const mailq = await box.run(['mailq', '--why']);
  assert.match(mailq.stdout, /nobody is logged in as office/);
  assert.equal((await box.run(['oauth', 'status'])).code, 1);

  tokens.approve();
  const login = await loginBy(box, ['office']);
  assert.equal(login.code, 0, login.shown);
  assert.match(login.shown, /type the code ABCD-EFGH[^]*logged in as scan@example\.com/);
  assert.equal(statSync(join(box.folder, 'state', 'oauth', 'office.json')).mode & 0o777, 0o600);
  assert.equal((await box.run(['oauth', 'status'])).code, 0);
  await box.run(['flush']);
  const { content, reversePath } = await sink.arrival('early');
  assert.equal(reversePath, 'scan@example.com');
  assert.match(content.toString(), /^From: <scan@example\.com>\r\nReply-To: <scan@lan\.local>\r\n/m);
  assert.equal(logins.length, 1);

  // The provider takes back what it gave; the token it gave last is refused too.
  tokens.revoke();
  tokens.obey(({ form }) => (form.get('grant_type') === 'refresh_token' ? { status: 400, body: { error: 'invalid_grant', error_description: 'the user left' } } : undefined));
  assert.equal((await box.run(['oauth', 'logout', 'office'])).code, 0);
  assert.equal(await box.stop(), 0);
  await box.start();
  assert.equal((await post(box, scanned('later'))).code, 250);
  await box.logged('the alarm', line => line.event === 'alarm' && line['state'] === 'raised', { from: box.log.findLastIndex(line => line.event === 'ready') });

  tokens.obey(() => undefined);
  const again = await loginBy(box, ['office', '--browser'], shown => {
    const [url] = /http\S+\/authorize\S+/.exec(shown) ?? [];
    return url === undefined || !shown.includes('paste') ? undefined : tokens.browse(url);
  });
  assert.equal(again.code, 0, again.shown);
  await box.run(['flush']);
  await sink.arrival('later');

  // Four recipients an hour: two went. One of three goes over; it waits, untried, and says why. The counters outlive the process.
  assert.equal((await post(box, { ...scanned('three'), to: ['a@there.example', 'b@there.example', 'c@there.example'] })).code, 250);
  await box.logged('a deferral', line => line.event === 'delivery' && line['addr'] === 'c@there.example');
  assert.equal(await box.stop(), 0);
  await box.start();
  await box.run(['flush']);
  const waiting = await box.run(['mailq', '--why']);
  assert.match(waiting.stdout, /takes 4 recipients in 1 hours, and they are used up/);
  assert.match(waiting.stdout, /not tried yet/);
  assert.equal(sink.count, 2);
  assert.equal(await box.stop(), 0);
  assert.ok(!JSON.stringify(box.log).includes('access-'), 'no token in the log');
});

test('behind a firewall: the token comes by the proxy that the mail takes', { timeout: 60_000 }, async t => {
  const tokens = await openTokenServer();
  const proxy = await openSocksProxy({});
  t.after(() => Promise.all([tokens.close(), proxy.close()]));
  const { sink } = await openProvider(t, tokens);
  const box = await boxFor(t, {
    files: {
      socksproxy: `tunnel socks5h://127.0.0.1:${proxy.port}\n`,
      esmtproutes: `:[127.0.0.1],${sink.port} /PROXY=tunnel\n`,
      smarthosts: `[127.0.0.1],${sink.port} oauth=office\n`,
      oauth: `office custom login=scan@example.com client=the-client secret=hush grant=client scope=smtp token=${tokens.url}/token\n`,
    },
  });
  await box.start();
  await post(box, scanned('tunnelled'));
  await sink.arrival('tunnelled');
  assert.deepEqual(new Set(proxy.requests.map(({ port }) => port)), new Set([Number(new URL(tokens.url).port), sink.port]));
  assert.equal(await box.stop(), 0);
});
