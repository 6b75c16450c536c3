/** From `posthorn dkim generate` to a signature that others believe, at peers with and without 8BITMIME; our reports are signed too. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { judge } from '../../props/dkim-keys.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

/** Lines of a zone file, as `dkim generate` and `dkim records` print them. */
function readZone(text: string): readonly { readonly name: string; readonly record: string }[] {
  return [...text.matchAll(/^(\S+)\. IN TXT (?:\( )?((?:"[^"]*"\s*)+)/gm)].map(([, name = '', strings = '']) => ({ name, record: [...strings.matchAll(/"([^"]*)"/g)].map(([, one]) => one).join('') }));
}

test('keys, DNS and signatures', { timeout: 120_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('nobody') ? '550 5.1.1 No such person' : undefined) });
  const seven = await openSink({ extensions: ['PIPELINING', 'SIZE'] });
  const published = new Map<string, string>();
  const dns = await openDnsServer(({ name, type }) => {
    const record = published.get(name);
    return record === undefined ? { rcode: 3 } : { answers: type === 'TXT' ? [{ type: 'TXT', name, ttl: 1, data: record.match(/.{1,255}/g) ?? [] }] : [] };
  });
  t.after(() => Promise.all([sink.close(), seven.close(), dns.close()]));
  const box = await boxFor(t, { files: { dnsservers: `127.0.0.1:${dns.port}\n`, esmtproutes: `seven.example:[127.0.0.1],${seven.port}\n:[127.0.0.1],${sink.port}\n` } });

  const made = await box.run(['dkim', 'generate', 'posthorn.example', 's1']);
  assert.equal(made.code, 0, made.stderr);
  const keys = readZone(made.stdout);
  assert.deepEqual(keys.map(({ name }) => name), ['s1._domainkey.posthorn.example', 's1-ed._domainkey.posthorn.example']);
  const files = readdirSync(join(box.config, 'dkimkeys'));
  assert.deepEqual(files.map(name => statSync(join(box.config, 'dkimkeys', name)).mode & 0o777), [0o600, 0o600]);
  const again = await box.run(['dkim', 'generate', 'posthorn.example', 's1']);
  assert.equal(again.code, 73);
  assert.match(again.stderr, /exists, and mail may be signed with it/);

  box.configure({ dkim: `${/^; (posthorn\.example .*)$/m.exec(made.stdout)?.[1] ?? ''}\n` });
  assert.deepEqual(readZone((await box.run(['dkim', 'records'])).stdout), keys);
  const early = await box.run(['dkim', 'check']);
  assert.deepEqual([early.code, early.stdout.match(/not published/g)?.length], [1, 2]);
  for (const { name, record } of keys) published.set(name, record);
  const good = await box.run(['dkim', 'check', 'posthorn.example']);
  assert.deepEqual([good.code, good.stdout.match(/: published$/gm)?.length], [0, 2], good.stdout);
  published.set(keys[0]?.name ?? '', keys[0]?.record.replace(/p=.{20}/, 'p=MIIBIjANBgkqhkiG9w0A') ?? '');
  assert.match((await box.run(['dkim', 'check'])).stdout, /another key is published/);

  await box.start();
  const content = messageText({ token: 'ours', from: 'ada@posthorn.example', subject: 'Grüße' }).replace('Good morning.', 'Schönen guten Morgen. \r\n.\r\n\r\n');
  const mail = { from: 'ada@posthorn.example', content, mailParameters: ' BODY=8BITMIME' };
  assert.equal((await post(box, { ...mail, token: 'ours', to: ['bob@there.example', 'bob@seven.example', 'nobody@there.example'] })).code, 250);
  const expected = ['posthorn.example/s1 pass', 'posthorn.example/s1-ed pass'];
  const [here, there] = await Promise.all([sink.arrival('ours'), seven.arrival('ours')]);
  assert.deepEqual(await judge(here.content, keys), expected);
  assert.deepEqual(await judge(there.content, keys), expected, 'where there is no 8BITMIME');

  await post(box, { token: 'foreign', content: messageText({ token: 'foreign' }) });
  assert.doesNotMatch((await sink.arrival('foreign')).content.toString(), /DKIM-Signature/, 'no key for sender.example');
  assert.equal(await box.stop(), 0);
});

test('our own reports are signed', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('nobody') ? '550 5.1.1 No such person' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port });
  const keys = readZone((await box.run(['dkim', 'generate', 'posthorn.example', 's2', '--type', 'ed25519'])).stdout);
  box.configure({ dkim: 'posthorn.example s2\n' });
  await box.start();
  await post(box, { token: 'doomed', to: ['nobody@there.example'] });
  await sink.until(20_000, 'the report', () => sink.arrivals.length > 0);
  const [report] = sink.arrivals;
  assert.equal(report?.reversePath, '');
  assert.deepEqual(await judge(report.content, keys), ['posthorn.example/s2 pass']);
  assert.equal(await box.stop(), 0);
});
