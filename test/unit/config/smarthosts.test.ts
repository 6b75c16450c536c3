/** smarthosts, sendermaps, oauth, dkim: what they say, and what is said of them when they are wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../../src/grammar/address.ts';
import { parseDkim } from '../../../src/grammar/config/ways-out/dkim.ts';
import { parseOauthAccounts } from '../../../src/grammar/config/ways-out/oauth-accounts.ts';
import { mapSender, parseSenderMaps } from '../../../src/grammar/config/ways-out/sender-maps.ts';
import { parseSmarthosts } from '../../../src/grammar/config/ways-out/smarthosts.ts';
import { saslMechanisms } from '../../../src/kit/sasl/client.ts';
import { folderOf } from './folder-props.ts';
import fc from '../../props/fast-check.ts';

const routes = { esmtproutes: ':smtp.example.com,587 /SECURITY=REQUIRED\n' };
const office = 'office microsoft login=scan@example.com client=abc tenant=example.onmicrosoft.com\n';

test('a whole set-up, as the rooms get it', (t) => {
  const { client } = folderOf(t, {
    ...routes, oauth: office, sendermaps: 'lan @lan.local @example.com\nlan * box@example.com\nother * x@example.net\n',
    smarthosts: 'SMTP.example.com,587 oauth=office senders=lan messages=30/1m,500/1h recipients=10000/24h backup=[192.0.2.7],2525 backup=relay2.example.net,465 replyto=no mechanisms=xoauth2\nexample.org clear=yes\n',
  }).read();
  const [host, direct] = client.smarthosts;
  assert.deepEqual({ ...host, map: host?.map.map(({ from, to }) => `${from} ${to}`) }, {
    line: 1, relay: 'smtp.example.com,587', oauth: 'office', senders: 'lan', inClear: false, fields: true, replyTo: false, mechanisms: ['XOAUTH2'],
    messages: [{ count: 30, perMs: 60_000 }, { count: 500, perMs: 3_600_000 }], recipients: [{ count: 10_000, perMs: 86_400_000 }],
    backups: [{ host: '192.0.2.7', literal: true, port: 2525, text: '[192.0.2.7],2525' }, { host: 'relay2.example.net', literal: false, port: 465, text: 'relay2.example.net,465' }],
    map: ['@lan.local @example.com', '* box@example.com'],
  });
  assert.deepEqual([direct?.relay, direct?.inClear], ['example.org', true]);
  assert.deepEqual(client.oauth, [{
    line: 1, name: 'office', provider: 'microsoft', login: 'scan@example.com', client: 'abc', grant: 'user', scope: 'https://outlook.office.com/SMTP.Send offline_access',
    deviceUrl: 'https://login.microsoftonline.com/example.onmicrosoft.com/oauth2/v2.0/devicecode', authorizeUrl: 'https://login.microsoftonline.com/example.onmicrosoft.com/oauth2/v2.0/authorize',
    tokenUrl: 'https://login.microsoftonline.com/example.onmicrosoft.com/oauth2/v2.0/token',
  }]);
});

test('senders: the first line that fits, domains as they are compared in mail', () => {
  const parsed = parseSenderMaps('m Ada@Example.com ada@provider.example\nm @lan.local @example.com\nm "a@b"@x.example q@example.com\nm * box@example.com');
  assert.equal(parsed.kind, 'read');
  const lines = parsed.kind === 'read' ? parsed.value : [];
  for (const [from, to] of [['ADA@example.COM', 'ada@provider.example'], ['scan@LAN.local', 'scan@example.com'], ['"a@b"@x.example', 'q@example.com'], ['who@ever.example', 'box@example.com'], ['root', 'box@example.com']] as const) {
    assert.equal(mapSender(lines, parseAddress(from)!), to, from);
  }
  assert.equal(mapSender(lines.slice(0, 2), parseAddress('x@y.example')!), null);
});

test('dkim: a domain is the same in any spelling, a dot in front is its subdomains', () => {
  const parsed = parseDkim('EXAMPLE.com s1 s2\n.example.com s1\nxn--mnchen-3ya.example a\nbücher.example b\n');
  assert.deepEqual(parsed.kind === 'read' && parsed.value.map(({ match, domain, selectors }) => [match, domain, selectors.join()]), [
    ['example.com', 'example.com', 's1,s2'], ['.example.com', 'example.com', 's1'], ['münchen.example', 'xn--mnchen-3ya.example', 'a'], ['bücher.example', 'xn--bcher-kva.example', 'b'],
  ]);
  for (const text of ['.', '[192.0.2.1] s', 'a..b s', 'bücher.example s\nxn--bcher-kva.example s']) assert.equal(parseDkim(text).kind, 'wrong', text);
});

test('what is wrong is said with its line and what would be right, and no secret is ever shown', (t) => {
  const rows: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [{ smarthosts: 'smtp.example.com,587\n' }, /^smarthosts:1: no route of esmtproutes leads to 'smtp\.example\.com,587'; right would be: a line :smtp/],
    [{ ...routes, smarthosts: 'smtp.exmple.com,587\n' }, /^smarthosts:1: no route .*; right would be: smtp\.example\.com,587$/],
    [{ ...routes, smarthosts: 'smtp.example.com,587 oauth=offce\n', oauth: office }, /^smarthosts:1: there is no account offce in oauth; right would be: office$/],
    [{ ...routes, smarthosts: 'smtp.example.com,587 oauth=office\n', oauth: office, esmtpauthclient: 'smtp.example.com,587 me pw\n' }, /^smarthosts:1: oauth=, and a password in esmtpauthclient/],
    [{ ...routes, smarthosts: '\nsmtp.example.com,587 senders=lan\n' }, /^smarthosts:2: there is no map lan in sendermaps/],
    [{ ...routes, smarthosts: 'smtp.example.com,587 sender=a@b.example senders=lan\n', sendermaps: 'lan * a@b.example' }, /^smarthosts:1: sender= and senders= at once/],
    [{ ...routes, smarthosts: 'smtp.example.com,587 messages=30\n' }, /^smarthosts:1: messages='30' is not a number and a time/],
    [{ ...routes, smarthosts: 'smtp.example.com,587 messages=30/9d\n' }, /^smarthosts:1: messages=/],
    [{ ...routes, smarthosts: 'smtp.example.com,587 mechanisms=PLAIN,KERBEROS\n' }, /^smarthosts:1: mechanisms='PLAIN,KERBEROS' has 'KERBEROS'/],
    [{ ...routes, smarthosts: 'smtp.example.com,587 backup=two words\n' }, /^smarthosts:1: 'words' is no option/],
    [{ ...routes, smarthosts: 'smtp.example.com,587 backup=smtp.example.com,587\n' }, /^smarthosts:1: a relay stands in for itself/],
    [{ ...routes, smarthosts: 'smtp.example.com,587\nSMTP.EXAMPLE.COM,587\n' }, /^smarthosts:2: a second line/],
    [{ smarthosts: 'example.org backup=relay.example.net\n' }, /^smarthosts:1: backup= for the domain 'example\.org', which no route leads elsewhere/],
    [{ sendermaps: 'lan scan@lan.local\n' }, /^sendermaps:1: this line is not NAME, FROM and TO/],
    [{ sendermaps: 'lan nobody x@example.com\n' }, /^sendermaps:1: 'nobody' is neither an address, nor @domain, nor \*/],
    [{ oauth: 'office microsft login=a@b.example client=x\n' }, /^oauth:1: 'microsft' is no provider/],
    [{ oauth: 'office microsoft client=x\n' }, /^oauth:1: no login=/],
    [{ oauth: 'office custom login=a@b.example client=x scope=s token=http://login.example.com/token device=https://login.example.com/d\n' }, /^oauth:1: token= is not an https URL/],
    [{ oauth: 'office custom login=a@b.example client=x scope=s token=https://login.example.com/token\n' }, /^oauth:1: neither device= nor authorize=/],
    [{ oauth: 'office microsoft login=a@b.example client=x grant=client\n' }, /^oauth:1: grant=client needs secret=/],
    [{ oauth: `${office.trim()} proxy=onion\n` }, /^oauth:1: there is no proxy 'onion' in socksproxy/],
    [{ dkim: 'example.com\n' }, /^dkim:1: 'example\.com' has no selector/],
    [{ dkim: 'example.com s1\n' }, /^dkim:1: there is no key dkimkeys\/s1\._domainkey\.example\.com\.pem; right would be: posthorn dkim generate example\.com s1$/],
    [{ dkim: 'example.com _bad\n' }, /^dkim:1: '_bad' is not a selector/],
  ];
  for (const [files, complaint] of rows) {
    const problems = folderOf(t, files).problems();
    assert.ok(problems.some(problem => complaint.test(problem)), `${JSON.stringify(files)}: ${problems.join('\n')}`);
  }
});

test('any text is read or complained of, and a complaint never shows a secret', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom('office', ' ', '\n', 'microsoft', 'custom', 'secret=hushhush', 'login=a@b.example', 'client=x', '=', '/', 'oauth=office', 'messages=1/1h', 'backup=', '[::1],25', '*', '@x.example', 'a@b.example', '.', '\t', '#', 'scope=a,b', 'é'), { maxLength: 20 }), words => {
    const text = words.join('');
    const accounts = parseOauthAccounts(text);
    for (const parsed of [parseSmarthosts(text, saslMechanisms), parseSenderMaps(text), accounts, parseDkim(text)]) {
      if (parsed.kind === 'wrong') for (const { line, what, right } of parsed.problems) assert.ok(line >= 1 && what !== '' && right !== '');
    }
    assert.ok(accounts.kind === 'read' || !JSON.stringify(accounts.problems).includes('hushhush'));
  }), { numRuns: 2000 });
});
