/**
 * Mail that is forwarded twice, and changed on the way: each gateway seals what it found (RFC 8617), the second believes the
 * first, and whoever gets it in the end can see that the author's signature was good when it came.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { arc } from 'mailauth/lib/arc/index.js';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { boxFor, type Box } from '../../props/box.ts';
import { makeSigner, signed } from '../../props/dkim.ts';
import { openDnsServer } from '../../props/dns-server.ts';
import { messageText } from '../../props/messages.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

const author = makeSigner('there.example', 'k1');
const python = '/usr/bin/python3';

async function sealing(box: Box, domain: string): Promise<readonly [string, string]> {
  const { stdout } = await box.run(['dkim', 'generate', domain, 'seal', '--type', 'rsa']);
  const strings = /IN TXT ([^]*?)(?:\n\n|$)/.exec(stdout)?.[1] ?? '';
  box.configure({ arcseal: `${domain} seal\n` });
  return [`seal._domainkey.${domain}`, [...strings.matchAll(/"([^"]*)"/g)].map(([, one]) => one).join('')];
}

async function arcOf(content: Buffer, records: ReadonlyMap<string, string>): Promise<string> {
  const resolver = (name: string): Promise<string[][]> => Promise.resolve(records.has(name) ? [[records.get(name) ?? '']] : []);
  const found = await dkimVerify(content, { resolver });
  const result = found.arc === undefined ? false : await arc(found.arc as Parameters<typeof arc>[0], { resolver });
  return result === false ? 'none' : `${result.status.result} ${found.arc?.chain === undefined || found.arc.chain === false ? 0 : found.arc.chain.length}`;
}

test('two seals', { timeout: 120_000 }, async t => {
  const records = new Map([[`k1._domainkey.there.example`, author.record]]);
  const dns = await openDnsServer(({ name, type }) => {
    const record = records.get(name.toLowerCase());
    return type === 'TXT' && record !== undefined ? { answers: [{ type: 'TXT', name, ttl: 60, data: record.match(/.{1,200}/g) ?? [] }] } : { rcode: 3 };
  });
  const sink = await openSink();
  t.after(() => Promise.all([dns.close(), sink.close()]));
  const checks = { dnsservers: `127.0.0.1:${dns.port}\n`, bofh: 'opt DMARC=record\nopt BOFHCHECKDNS=0\n', 'smtpaccess/default': '127.0.0\tallow\n' };
  const second = await boxFor(t, { nextHop: sink.port, files: { ...checks, me: 'second.example\n' } });
  const first = await boxFor(t, {
    files: { ...checks, me: 'first.example\n', esmtproutes: `:[127.0.0.1],${second.port}\n`, smarthosts: `[127.0.0.1],${second.port} sender=list@first.example\n` },
  });
  records.set(...await sealing(first, 'first.example'));
  records.set(...await sealing(second, 'second.example'));
  await second.start();
  await first.start();
  const client = await dialSmtp({ port: first.port, localAddress: '127.0.0.9' });
  await client.hello();
  const letter = signed(messageText({ token: 'sealed', from: 'ann@there.example' }), author);
  assert.equal((await client.send({ from: 'ann@there.example', to: ['bob@here.example'], content: letter })).code, 250);
  // Whoever forges our word in the content is not sealed for it.
  const forged = `Authentication-Results: first.example; dkim=pass header.d=bank.example\r\n${messageText({ token: 'forged', from: 'ann@there.example' })}`;
  assert.equal((await client.send({ from: 'ann@there.example', to: ['bob@here.example'], content: forged })).code, 250);
  await client.quit();

  const { content } = await sink.arrival('sealed');
  const text = content.toString();
  assert.match(text, /^From: <list@first\.example>/m);
  assert.match(text, /^ARC-Authentication-Results: i=1; first\.example;\r\n {2}spf=[^]*?dkim=pass[^]*?header\.from=there\.example\r\n/m);
  assert.match(text, /^ARC-Authentication-Results: i=2; second\.example;\r\n[^]*?arc=pass/m);
  assert.match(text, /^ARC-Seal: i=2; a=rsa-sha256; cv=pass;/m);
  assert.equal(await arcOf(content, records), 'pass 2');
  assert.equal(await arcOf(Buffer.from(text.replace('A word in passing', 'A word in anger')), records), 'fail 2');
  const lie = (await sink.arrival('forged')).content.toString();
  assert.doesNotMatch(lie, /ARC-Authentication-Results: i=1;[^]*?header\.d=bank\.example[^]*?ARC/);

  if (spawnSync(python, ['-c', 'import dkim']).status === 0) {
    const script = 'import dkim, json, sys\nkeys = json.load(sys.stdin)\nprint(dkim.arc_verify(keys["message"].encode("latin1"), dnsfunc=lambda name, timeout=5: keys["records"][name.decode().rstrip(".")].encode())[0].decode())';
    const { stdout, stderr } = spawnSync(python, ['-c', script], { input: JSON.stringify({ message: content.toString('latin1'), records: Object.fromEntries(records) }), encoding: 'utf8' });
    assert.equal(stdout.trim(), 'pass', stderr);
  } else t.diagnostic('dkimpy (python3-dkim) is not installed');
  assert.equal(await first.stop(), 0);
  assert.equal(await second.stop(), 0);
});
