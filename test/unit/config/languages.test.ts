import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { parseAccess } from '../../../src/grammar/config/ways-in/access.ts';
import { parseBofh } from '../../../src/grammar/config/ways-in/bofh.ts';
import { createDomainList, foldDomain, parseDomainList } from '../../../src/grammar/config/domain-list.ts';
import { formatAssignment, parseEnvironment } from '../../../src/grammar/config/environment.ts';
import { createHostedDomains, parseHostedDomains } from '../../../src/grammar/config/hosted-domains.ts';
import { parseProxies } from '../../../src/grammar/config/proxies.ts';
import { parseRelayLogins } from '../../../src/grammar/config/ways-out/relay-logins.ts';
import { parseRoutes } from '../../../src/grammar/config/ways-out/routes.ts';
import { foldLogin, parseUserdb } from '../../../src/grammar/config/ways-in/userdb.ts';
import { linesOf, valueOf } from './parsed-props.ts';
import fc from '../../props/fast-check.ts';

const variables = (text: string): Readonly<Record<string, string>> => Object.fromEntries(valueOf(parseEnvironment(text)).map(({ name, value }) => [name, value]));

test('environment files mean what a shell would make of them', () => {
  const text = [
    '##NAME: PORT:1', 'prefix="/usr"', 'exec_prefix=${prefix}', "COURIERTLS='$prefix stays'", 'TLS="${exec_prefix}/bin/couriertls"', 'PORT=smtp   # the usual one', 'EMPTY=', "IT='it'\\''s'",
    String.raw`ESC="a \"b\" \$c \d"`, 'LONG="first', 'second"', 'export MORE=1;', String.raw`BLANK=a\ b`, 'HASH=a#b', 'NEXT=one\\', 'two',
  ].join('\n');
  const ours = variables(text);
  const names = Object.keys(ours);
  const shell = execFileSync('sh', ['-c', `${text}\nprintf '%s\\0' ${names.map((name) => `"$${name}"`).join(' ')}`], { encoding: 'utf8', env: {} });
  assert.deepEqual(Object.values(ours), shell.split('\0').slice(0, -1));
  assert.equal(ours['LONG'], 'first\nsecond');
});

test('environment files that would do something in a shell are refused, with the line', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['A=1\nB=`date`', 2], ['A=$(date)', 1], ['\n\nA=$UNSET', 3], ['A=1 reboot', 1], ['reboot', 1], ['A = 1', 1], ['A="open\nB=2', 1], ['A=1|2', 1], ['A=1\n. /etc/other', 2], ['if true; then', 1], ['A=(1 2)', 1], ['A=${B:-1}', 1],
  ];
  for (const [text, line] of rows) assert.equal(linesOf(parseEnvironment(text))[0], line, text);
});

test('an assignment that was written reads back', () => {
  fc.assert(fc.property(fc.string({ maxLength: 40 }).filter((value) => !/\r|\uFEFF/.test(value)), (value) => assert.equal(variables(formatAssignment('NAME', value))['NAME'], value)));
});

test('domain lists: the first line that matches decides', () => {
  const list = createDomainList(valueOf(parseDomainList('# ours\nexample.com\n!no.example.com\n.example.com\nbücher.example\n*\n*.example.org\n[192.0.2.1]\n', 'box.local.lan')));
  for (const yes of ['example.com', 'EXAMPLE.com', 'a.example.com', 'a.b.example.com', 'xn--bcher-kva.example', 'BÜCHER.example', 'box.local.lan', 'box.example.org', '[192.0.2.1]', 'example.com.']) assert.ok(list.has(yes), yes);
  for (const no of ['no.example.com', 'badexample.com', 'com', 'example.org', '', 'a.box.local.lan', '.example.com', 'anything.else']) assert.ok(!list.has(no), no);
  assert.ok(createDomainList(valueOf(parseDomainList('.a.b\n!x.a.b', 'h'))).has('x.a.b'), 'an exclusion after the wildcard comes too late');
  for (const bad of ['exa mple.com', 'user@example.com', 'ex_ample..com', '-a.com', '..com']) assert.deepEqual(linesOf(parseDomainList(`ok.example\n${bad}`, 'h')), [2], bad);
});

test('domains that URLs read differently stay what they are', () => {
  assert.equal(foldDomain('ex/ämple'), 'ex/ämple');
  assert.equal(foldDomain('ä@example.com'), 'ä@example.com');
  assert.equal(foldDomain('127.1'), '127.1');
});

test('hosted domains: themselves, aliases, and wildcards up to five labels', () => {
  const hosted = createHostedDomains(valueOf(parseHostedDomains('example.com\nexample.net\texample.com\n.example.org\n*.lists.example\n*\n', 'box.example.net')));
  assert.equal(hosted.find('Example.COM')?.domain, 'example.com');
  assert.equal(hosted.find('example.net')?.aliasOf, 'example.com');
  assert.equal(hosted.find('a.b.example.org')?.domain, '.example.org');
  assert.deepEqual([hosted.find('box.lists.example')?.domain, hosted.find('box.example.net')?.domain], ['box.lists.example', 'box.example.net'], 'the machine\'s own name');
  for (const no of ['example.org', 'a.example.com', 'a.b.c.d.e.f.example.org']) assert.equal(hosted.find(no), undefined, no);
  assert.deepEqual(linesOf(parseHostedDomains('a.example b.example c.example', 'box.example.net')), [1]);
});

test('access entries: deny, allow, quotes around commas', () => {
  const entries = valueOf(parseAccess('# x\n192.168\tallow,RELAYCLIENT,SIZELIMIT=0\n*\tallow,BLOCK="Go away, please",BLOCK2=\n10.6.6.6 deny\n'));
  assert.deepEqual(entries.map(({ line, decision }) => [line, decision.kind]), [[2, 'allow'], [3, 'allow'], [4, 'deny']]);
  const [first, second] = entries.map(({ decision }) => (decision.kind === 'allow' ? [...decision.variables] : []));
  assert.deepEqual(first, [['RELAYCLIENT', ''], ['SIZELIMIT', '0']]);
  assert.deepEqual(second, [['BLOCK', 'Go away, please'], ['BLOCK2', '']]);
});

test('access entries that are nearly right are wrong, and say what was meant', () => {
  for (const bad of ['10', '10\tallowed', '10\tdeny,X', '10\tallow RELAYCLIENT', '999\tallow', '10\tallow,BLOCK="x', '10\tallow,relayclient', '10\tallow,']) assert.deepEqual(linesOf(parseAccess(bad)), [1], bad);
  const parsed = parseAccess('10\tallow,RELAYCLENT');
  assert.equal(parsed.kind === 'wrong' ? parsed.problems[0]?.right : '', 'RELAYCLIENT');
});

test('routes: every flag, the key for a login, and the proxy', () => {
  const text = [
    'example.com:relay.example.net,587 /SECURITY=REQUIRED,PROXY=onion', '.example.com:[192.0.2.1]', 'v6.example:[2001:DB8::1],2525 /ipv6only', 'dns.example: /SECURITY=STARTTLS PROXY=none',
    'tls.example:Relay.Example,465 /security=smtps /IPV4ONLY', ':smarthost.example # all the rest',
  ].join('\n');
  assert.deepEqual(valueOf(parseRoutes(text)), [
    { line: 1, domain: 'example.com', relay: { host: 'relay.example.net', literal: false, port: 587, text: 'relay.example.net,587' }, security: 'required', proxy: 'onion' },
    { line: 2, domain: '.example.com', relay: { host: '192.0.2.1', literal: true, text: '[192.0.2.1]' } },
    { line: 3, domain: 'v6.example', relay: { host: '2001:db8::1', literal: true, port: 2525, text: '[2001:db8::1],2525' }, family: 6 },
    { line: 4, domain: 'dns.example', security: 'starttls', proxy: null },
    { line: 5, domain: 'tls.example', relay: { host: 'relay.example', literal: false, port: 465, text: 'relay.example,465' }, security: 'smtps', family: 4 },
    { line: 6, domain: '', relay: { host: 'smarthost.example', literal: false, text: 'smarthost.example' } },
  ]);
  for (const bad of ['example.com relay', 'a.example:192.0.2.1', 'a.example:[relay.example]', 'a.example:relay,0', 'a.example:relay,99999', 'a.example:re lay', 'a b:relay', 'a.example:r.example /SECURITY=SMTPS', 'a.example:r.example /SECURTY=REQUIRED', 'a.example:r.example /PROXY=']) {
    assert.deepEqual(linesOf(parseRoutes(bad)), [1], bad);
  }
});

test('relay logins keep the password to the end of the line, and never show it', () => {
  assert.deepEqual(valueOf(parseRelayLogins('Relay.Example,587 me@example.com pass word#1')), [{ line: 1, relay: 'relay.example,587', login: 'me@example.com', password: 'pass word#1' }]);
  const parsed = parseRelayLogins('relay.example verysecret\nr.example a b\nR.example c hush');
  assert.deepEqual(linesOf(parsed), [1, 3]);
  assert.doesNotMatch(JSON.stringify(parsed), /verysecret|hush/);
});

test('proxies: names, credentials in %XX, who looks names up, who is reached directly', () => {
  assert.deepEqual(valueOf(parseProxies('default socks5://us%3Aer:p%40ss@proxy.example\nonion socks5h://[::1]:9050\nnoproxy 127.0.0.0/8')), {
    proxies: [
      { line: 1, name: 'default', host: 'proxy.example', port: 1080, login: 'us:er', password: 'p@ss', resolve: 'local' },
      { line: 2, name: 'onion', host: '::1', port: 9050, resolve: 'proxy' },
    ],
    noProxy: [{ family: 4, octets: [127, 0, 0, 0], bits: 8 }],
  });
  for (const bad of ['default', 'default http://x:1', 'none socks5://x:1', 'd socks5://secretuser@x:1', 'd socks5://a:%zz@x:1', 'd socks5://:secret@x', 'd socks5://x:0', 'noproxy nowhere', `d socks5://${'u'.repeat(256)}:secret@x`, 'a b c']) {
    const parsed = parseProxies(bad);
    assert.deepEqual(linesOf(parsed), [1], bad);
    assert.doesNotMatch(JSON.stringify(parsed), /secret/);
  }
  assert.deepEqual(linesOf(parseProxies('d socks5://x:1\nd socks5://y:1')), [2]);
  const chained = valueOf(parseProxies('out socks5h://far.example:1 via middle\nmiddle socks5://mid.example:2 VIA near\nnear socks5://a:b@near.example:3\n')).proxies;
  assert.deepEqual(chained.map(({ host, via }) => [host, via?.host, via?.via?.host, via?.via?.login]), [
    ['far.example', 'mid.example', 'near.example', 'a'], ['mid.example', 'near.example', undefined, undefined], ['near.example', undefined, undefined, undefined],
  ]);
  assert.deepEqual(linesOf(parseProxies('a socks5://x:1 via b')), [1], 'nobody is called b');
  assert.deepEqual(linesOf(parseProxies('a socks5://x:1 via b\nb socks5://x:2 via a')), [1, 2], 'a circle');
  assert.deepEqual(linesOf(parseProxies('a socks5://x:1 through b\nb socks5://x:2 via')), [1, 2]);
  assert.deepEqual(linesOf(parseProxies(Array.from({ length: 10 }, (_, n) => `p${n} socks5://x:${n + 1}${n === 0 ? '' : ` via p${n - 1}`}`).join('\n'))), [9, 10], 'too many in a row');
});

test('bofh: every directive in any case, comments anywhere', () => {
  const bofh = valueOf(parseBofh('BadFrom spam@Example.com # never\nbadfrom @.bad.example\nbadmx 192.0.2.1\nfreemail big.example mx.big.example\nspamtrap trap@example.com\nmaxrcpts 50 HARD\nopt BOFHCHECKHELO=1\nopt MYFILTER=x y\n'));
  assert.deepEqual(bofh.badFrom, [{ localPart: 'spam', domain: 'example.com', match: 'exact' }, { domain: 'bad.example', match: 'subdomains' }]);
  assert.deepEqual(bofh.badMx, [{ family: 4, octets: [192, 0, 2, 1] }]);
  assert.deepEqual(bofh.freemail, [{ domain: 'big.example', relays: ['big.example', 'mx.big.example'] }]);
  assert.deepEqual(bofh.maxRecipients, { count: 50, hard: true });
  assert.deepEqual([...bofh.variables], [['BOFHCHECKHELO', '1'], ['MYFILTER', 'x y']]);
  for (const bad of ['badfrom', 'badfrom user', 'badmx host.example', 'freemail', 'maxrcpts 0', 'maxrcpts 5 soft', 'opt X', 'opt BOFHCHEKHELO=1', 'badform @x.example']) assert.deepEqual(linesOf(parseBofh(`\n${bad}`)), [2], bad);
});

test('userdb: fields by name, a wrong line harms no other and is not shown', () => {
  const { records, problems } = parseUserdb('Me@Example.COM\tesmtppw=$6$a$b=|home=/h|flag\nuid=\tme\nbroken secret!line\nme@example.com\tesmtppw=other\nlast\tsystempw={SHA}x\n');
  assert.deepEqual(records.map(({ name, fields }) => [name, [...fields]]), [
    ['me@example.com', [['esmtppw', '$6$a$b='], ['home', '/h'], ['flag', '']]], ['last', [['systempw', '{SHA}x']]],
  ]);
  assert.deepEqual(problems.map(({ line }) => line), [3, 4]);
  assert.doesNotMatch(JSON.stringify(problems), /secret/);
  assert.equal(foldLogin('Jörg@BÜCHER.example'), 'jörg@xn--bcher-kva.example');
});
