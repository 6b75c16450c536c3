/** The same call through TLS, through a SOCKS proxy, and as ssh makes it. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createCertificate } from '../../props/certificate.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';
import { openSocksProxy } from '../../props/socks-proxy.ts';
import { answerCalls, jobsOf, openSites, uucpAbsent, type SitesOptions } from '../../props/uucp-sites.ts';
import { eventually } from '../../props/within.ts';

const skip = uucpAbsent();

async function oneMessage(t: TestContext, options: SitesOptions): Promise<{ readonly log: string }> {
  const sink = await openSink();
  t.after(() => sink.close());
  const { a, b } = await openSites(t, { ...options, nextHop: sink.port, filesA: { uucpneighbors: 'siteb\tG\n', ...options.filesA } });
  await a.box.start();
  await b.box.start();
  const content = messageText({ token: 'x', octets: 200_000 });
  await post(a.box, { token: 'x', from: 'ada@sender.example', to: ['siteb!there.example!bob@sitea.example'], content });
  await eventually(20_000, 'the job', () => jobsOf(a) !== '');
  const polled = await a.box.run(['uucp', 'poll', 'siteb', '--timeout', '60s']);
  assert.equal(polled.code, 0, polled.stderr + a.log() + b.log());
  assert.ok((await sink.arrival('x')).content.toString().endsWith(content));
  return { log: a.log() };
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-uucp-'));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('through TLS, the other side\'s certificate checked', { timeout: 120_000, skip }, async t => {
  const certificate = createCertificate('localhost');
  const ca = join(folderFor(t), 'ca.pem');
  writeFileSync(ca, certificate.pem);
  await oneMessage(t, { via: async ({ configFile }) => ['--via', 'tls', '--address', `localhost:${await answerCalls(t, configFile, certificate.context)}`, '--ca', ca] });
});

test('a certificate of somebody else ends the call before a word was said', { timeout: 120_000, skip }, async t => {
  const { a } = await openSites(t, { via: async ({ configFile }) => ['--via', 'tls', '--address', `localhost:${await answerCalls(t, configFile, createCertificate('localhost').context)}`] });
  const polled = await a.box.run(['uucp', 'poll', 'siteb', '--timeout', '60s']);
  assert.equal(polled.code, 75);
});

test('through the SOCKS proxy of socksproxy, with its login', { timeout: 120_000, skip }, async t => {
  const proxy = await openSocksProxy({ credentials: { login: 'me', password: 'secret' } });
  t.after(() => proxy.close());
  await oneMessage(t, {
    via: async ({ configFile }) => ['--via', 'socks', '--address', `127.0.0.1:${await answerCalls(t, configFile)}`, '--proxy', 'way'],
    // uucico is another user: it may read this one, since root's group may.
    filesA: { socksproxy: `way socks5://me:secret@127.0.0.1:${proxy.port}\n` },
  });
  assert.equal(proxy.requests.length, 1);
  assert.equal(proxy.requests[0]?.login, 'me');
});

test('as ssh makes it: a command instead of a login', { timeout: 120_000, skip }, async t => {
  const folder = folderFor(t);
  await oneMessage(t, {
    via: ({ configFile }) => {
      // The forced command of the key: uucico without a prompt, the login as it is told.
      writeFileSync(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/sbin/uucico -u ua -I ${configFile}\n`, { mode: 0o755 });
      chmodSync(join(folder, 'ssh'), 0o755);
      return ['--via', 'ssh', '--address', 'siteb.example', '--ssh', join(folder, 'ssh')];
    },
  });
});
