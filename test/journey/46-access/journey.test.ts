/** A box that asks a name server before it takes mail: SPF, DNS lists, the sender's domain, DMARC, greylisting, bans. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../../props/box.ts';
import { makeSigner, signed } from '../../props/dkim.ts';
import { openDnsServer, soa, type DnsReply } from '../../props/dns-server.ts';
import { messageText } from '../../props/messages.ts';
import { openSink } from '../../props/sink.ts';
import { dialSmtp } from '../../props/smtp-client.ts';

const stranger = '127.0.0.9';
const there = makeSigner('there.example', 'k1');
const zone: Readonly<Record<string, string>> = {
  'TXT there.example': 'v=spf1 ip4:127.0.0.8 -all', 'TXT _dmarc.there.example': 'v=DMARC1; p=reject', 'TXT k1._domainkey.there.example': there.record,
  'A there.example': '127.0.0.8', 'A open.example': '127.0.0.8', 'A 9.0.0.127.bad.example': '127.0.0.2', 'TXT 9.0.0.127.bad.example': 'Listed, see bad.example',
};

function answer(name: string, type: string): DnsReply {
  const value = zone[`${type} ${name.toLowerCase()}`];
  const authorities = [soa('example', 60)];
  if (value === undefined) return Object.keys(zone).some(row => row.endsWith(` ${name.toLowerCase()}`)) ? { authorities } : { authorities, rcode: 3 };
  return { answers: [type === 'A' ? { type: 'A', name, ttl: 60, data: value } : { type: 'TXT', name, ttl: 60, data: value.match(/.{1,200}/g) ?? [] }] };
}

async function boxWith(t: TestContext, files: Record<string, string>) {
  const dns = await openDnsServer(({ name, type }) => answer(name, type));
  t.after(() => dns.close());
  const sink = await openSink();
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, submission: true, files: { dnsservers: `127.0.0.1:${dns.port}\n`, ...files } });
  await box.start();
  return { box, dns, sink };
}

async function say(box: Box, from: string, own: { client?: string; content?: string; to?: string } = {}): Promise<string> {
  const client = await dialSmtp({ port: box.port, localAddress: own.client ?? stranger });
  try {
    await client.hello('client.there.example');
    const { code, lines } = await client.send({ from, to: [own.to ?? 'bob@here.example'], content: own.content ?? messageText({ token: from.replace(/\W/g, ''), from }) });
    return `${code} ${lines.join(' ')}`;
  } finally {
    await client.quit();
  }
}

test('SPF, the sender\'s domain, and a DNS list decide before there is a message; what was found travels with it', { timeout: 60_000 }, async t => {
  const { box, dns, sink } = await boxWith(t, { bofh: 'opt BOFHSPFMAILFROM=pass,none\nopt BOFHCHECKDNS=1\n' });
  box.configure({ 'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT\n127.0.0\tallow,BOFHCHECKDNS=1\n127.0.0.10\tallow,BLACKLISTS=-block=bad.example,BOFHCHECKDNS=0\n' });
  assert.equal((await box.run(['restart'])).code, 0);
  assert.match(await say(box, 'ann@there.example'), /^550 5\.7\.23 SPF fail MAILFROM/);
  assert.match(await say(box, 'ann@nowhere.example'), /^550 5\.1\.8 /);
  assert.match(await say(box, 'ann@there.example', { client: '127.0.0.8', content: `Received-SPF: pass (by a liar)\r\n${messageText({ token: 'good' })}` }), /^250 /);
  await box.logged('it went on', line => line.event === 'delivery');
  const [mail] = sink.arrivals;
  const text = Buffer.from(mail?.content ?? '').toString();
  assert.match(text, /^Received-SPF: pass \(.*\)\r\n {2}identity=mailfrom;\r\n[^]*\r\nReceived: from[^]*\r\nOld-Received-SPF: pass \(by a liar\)\r\n/);
  assert.match(await say(box, 'ann@open.example', { client: '127.0.0.10' }), /^250 /, 'another address is in no list');
  assert.ok(dns.asked.some(({ name }) => name === '10.0.0.127.bad.example'));
});

test('a listed client is refused at RCPT, in the list\'s own words; a login clears it', { timeout: 60_000 }, async t => {
  const { box } = await boxWith(t, { bofh: 'opt BLACKLISTS=-block=bad.example,BLOCK,*\nopt BOFHCHECKDNS=0\n' });
  assert.match(await say(box, 'ann@open.example'), /^550 5\.7\.1 Listed, see bad\.example/);
  assert.match(await say(box, 'ann@open.example', { client: '127.0.0.8' }), /^250 /);
});

test('DMARC is verified on what came, and obeyed', { timeout: 60_000 }, async t => {
  const { box, sink } = await boxWith(t, { bofh: 'opt DMARC=honour\nopt BOFHCHECKDNS=0\n' });
  const good = signed(messageText({ token: 'signed', from: 'ann@there.example' }), there);
  assert.match(await say(box, 'ann@there.example', { content: `Return-Path: <liar@there.example>\r\nAuthentication-Results: posthorn.example; dkim=pass\r\n${good}` }), /^250 /);
  assert.match(await say(box, 'ann@there.example', { content: good.replace('Good', 'Bad') }), /^550 5\.7\.1 .*DMARC/);
  await box.logged('it went on', line => line.event === 'delivery');
  const text = Buffer.from(sink.arrivals[0]?.content ?? '').toString();
  assert.match(text, /\r\nAuthentication-Results: posthorn\.example;\r\n {2}spf=fail smtp\.mailfrom=there\.example;\r\n {2}dkim=pass [^]*dmarc=pass \(p=reject\) header\.from=there\.example\r\n/);
  assert.match(text, /\r\nOld-Authentication-Results: posthorn\.example; dkim=pass\r\n/);
  assert.equal(text.slice(text.indexOf('DKIM-Signature:')), good, 'and goes on as it came');
});

test('a stranger comes twice where GREYLIST is set, also after a restart of the box', { timeout: 60_000 }, async t => {
  const { box } = await boxWith(t, { bofh: 'opt GREYLIST=1\nopt BOFHCHECKDNS=0\n', greylist: 'wait 0s\n' });
  assert.match(await say(box, 'ann@open.example'), /^451 4\.7\.1 /);
  assert.equal(await box.stop(), 0);
  await box.start();
  assert.match(await say(box, 'ann@open.example'), /^250 /);
  assert.match(await say(box, 'ann@open.example', { to: 'eve@here.example' }), /^451 /);
});

test('a login that is guessed at is closed for everybody but its owner\'s network; the ban is listed and cleared', { timeout: 60_000 }, async t => {
  const { box } = await boxWith(t, { bans: 'loginfailures 2 1h\nbanfor 1h\n', userdb: 'ann@posthorn.example\tesmtppw={PLAIN}right\n' });
  const login = async (password: string): Promise<number> => {
    const client = await dialSmtp({ port: box.submissionPort, localAddress: stranger });
    try {
      await client.hello();
      return (await client.say(`AUTH PLAIN ${Buffer.from(`\0ann@posthorn.example\0${password}`).toString('base64')}`)).code;
    } finally {
      client.vanish();
    }
  };
  assert.equal(await login('right'), 235);
  for (let n = 0; n < 2; n++) assert.equal(await login('wrong'), 535);
  await box.logged('the ban', line => line.event === 'banned');
  assert.equal(await login('right'), 421, 'the right password is not even looked at');
  assert.equal(await box.stop(), 0);
  await box.start();
  assert.equal(await login('right'), 421, 'a restart does not lift it');
  const listed = await box.run(['bans']);
  assert.match(listed.stdout, /ann@posthorn\.example {2}2 failed logins/);
  assert.equal((await box.run(['bans', 'clear', 'nobody'])).code, 1);
  assert.equal((await box.run(['bans', 'clear', 'ANN@posthorn.example'])).stdout, '1 cleared.\n');
  assert.equal(await login('right'), 235);
  assert.equal((await box.run(['bans', 'list'])).stdout, 'Nobody is banned.\n');
});
