import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderOf } from './folder-props.ts';
import { createTlsRuleFinder, parseTlsPolicies } from '../../../src/grammar/config/ways-out/tls-policies.ts';

test('each policy, with what belongs behind it', () => {
  const parsed = parseTlsPolicies([
    '# who, how', 'Bank.Example verified', 'partner.example private ca.pem Mail.Partner.example', '.sub.example DANE-only', 'bücher.example required', '* auto', 'old.example none',
    'a.example opportunistic', 'b.example dane', 'c.example verified one.example two.example', '',
  ].join('\n'));
  assert.ok(parsed.kind === 'read');
  assert.deepEqual(parsed.value.map(({ domain, policy, names, file }) => [domain, policy, names, file]), [
    ['bank.example', 'verified', [], undefined], ['partner.example', 'private', ['mail.partner.example'], 'ca.pem'], ['.sub.example', 'dane-only', [], undefined],
    ['xn--bcher-kva.example', 'required', [], undefined], ['', 'auto', [], undefined], ['old.example', 'none', [], undefined],
    ['a.example', 'opportunistic', [], undefined], ['b.example', 'dane', [], undefined], ['c.example', 'verified', ['one.example', 'two.example'], undefined],
  ]);
});

test('what is wrong is said by line, with a right one', () => {
  for (const [line, what, right] of [
    ['example.com', /no policy for 'example.com'/, /^example.com verified/],
    ['example.com verifed', /'verifed' is no TLS policy/, /^example.com verified/],
    ['exa mple.com verified', /'mple.com' is no TLS policy/, /./],
    ['-bad-.example verified', /is not a domain/, /./],
    ['[192.0.2.1] required', /is not a domain/, /./],
    ['example.com private', /PEM file/, /private partner-ca.pem/],
    ['example.com required mail.example.com', /nothing belongs behind required/, /^example.com required$/],
    ['example.com verified bad..name', /is not the name of a host/, /./],
    ['one.example none', /a second line for 'one.example', the first is line 1/, /one line/],
  ] as const) {
    const parsed = parseTlsPolicies(`one.example dane\n\n${line}\n`);
    assert.ok(parsed.kind === 'wrong', line);
    assert.deepEqual(parsed.problems.map(one => one.line), [3], line);
    assert.match(parsed.problems[0]?.what ?? '', what);
    assert.match(parsed.problems[0]?.right ?? '', right);
  }
});

test('the first line that matches decides', () => {
  const parsed = parseTlsPolicies('deep.a.example none\n.a.example required\na.example verified\n* dane\nlate.example none\n');
  assert.ok(parsed.kind === 'read');
  const find = createTlsRuleFinder(parsed.value);
  for (const [domain, policy] of [
    ['deep.a.example', 'none'], ['x.a.example', 'required'], ['x.y.A.example', 'required'], ['a.example', 'verified'], ['other.example', 'dane'], ['late.example', 'dane'], ['example', 'dane'],
  ] as const) assert.equal(find(domain)?.policy, policy, domain);
  assert.equal(createTlsRuleFinder([])('any.example'), null);
});

test('DANE that could never be trusted is noticed', t => {
  const noticed = (dnsservers: string) => JSON.stringify(folderOf(t, { tlspolicy: 'bank.example dane-only\n', dnsservers }).read().notices).includes('DANE needs a name server');
  assert.equal(noticed('192.0.2.53\nhttps://dns.example/dns-query\n'), true);
  for (const trusted of ['127.0.0.1:5353\n', '[::1]:53\n', '192.0.2.53\n192.0.2.54 trust-ad\n', 'https://dns.example/dns-query trust-ad\n', 'resolv.conf\n']) assert.equal(noticed(trusted), false, trusted);
});
