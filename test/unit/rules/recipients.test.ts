/** Whose mail it is: every spelling of a recipient, through the checks and the rules of a whole configuration. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Origin } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import { refuse } from '../../../src/core/status.ts';
import { domainOf, parsePath } from '../../../src/grammar/address.ts';
import { virtualHostOf } from '../../../src/grammar/virtual-host.ts';
import { compileRules, type Rules } from '../../../src/gateway/rules.ts';
import { createCertificate } from '../../props/certificate.ts';
import { folderOf } from '../config/folder-props.ts';

const stranger: Origin = { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.9', localAddress: '192.0.2.1', at: 0 };

function rulesOf(t: TestContext, files: Readonly<Record<string, string>>): Rules {
  const { configuration } = { configuration: folderOf(t, { me: 'mail.here.example\n', defaultdomain: 'here.example\n', ...files }).read() };
  const mailboxes = { find: (recipient: string) => (/^(?:ann|postmaster|a%b|a b)@|^"a b"@|^"\.\.\/x"@/.test(recipient) ? { kind: 'found' as const, folder: '/x' } : { kind: 'none' as const }) };
  return compileRules(configuration, mailboxes as never, silent);
}

async function rcpt(rules: Rules, path: string, origin: Origin = stranger): Promise<string> {
  const parsed = parsePath(path, 0);
  if (parsed.kind === 'bad' || parsed.address === null) return `${refuse('badRecipientAddress').reply}`;
  const own = rules.of(origin);
  for (const check of own.checks) {
    if (check.stage !== 'rcpt') continue;
    const verdict = await check.judge({ origin, variables: own.variables(origin), reversePath: null, recipient: parsed.address, acceptedRecipients: 0 });
    if (verdict.kind === 'refused') return `${verdict.reply} ${verdict.status}`;
  }
  const resolved = await own.resolve(parsed.address, origin);
  if (typeof resolved === 'string') return `${resolved} ${own.ownTransport(domainOf(resolved)) ?? 'out'}`;
  return resolved.kind === 'refused' ? `${resolved.reply} ${resolved.status}` : resolved.members.join();
}

test('each spelling of a recipient means one thing, or is refused', async t => {
  const rules = rulesOf(t, {
    locals: 'here.example\nmail.here.example\n!secret.here.example\n.here.example\n',
    hosteddomains: 'hosted.example\nother.example\thosted.example\nb\u00fccher.example\n',
    esmtpacceptmailfor: 'here.example\n.here.example\nhosted.example\nother.example\nb\u00fccher.example\nrelayed.example\n',
    esmtppercentrelay: 'inner.example\n', 'esmtppercentrelay.dir/more': '.deep.example\n', aliases: 'all: ann, bob@there.example\n',
  });
  const rows: readonly (readonly [string, string])[] = [
    ['<ann@here.example>', 'ann@here.example local'],
    ['<ann@HERE.Example.>', 'ann@here.example local'],
    ['<ann@www.here.example>', 'ann@www.here.example local'],
    ['<ann@secret.here.example>', 'ann@secret.here.example out'],
    ['<carl@here.example>', '550 5.1.1'],
    ['<ann@hosted.example>', 'ann@hosted.example local'],
    ['<ann@other.example>', 'ann@hosted.example local'],
    ['<x@relayed.example>', 'x@relayed.example out'],
    ['<x@there.example>', '550 5.7.1'],
    ['<all@here.example>', 'ann@here.example,bob@there.example'],
    ['<Postmaster>', 'postmaster@here.example local'],
    ['<ann>', '501 5.1.3'],
    // Quoted local-parts: unneeded quotes are gone, needed ones stay, none leads elsewhere.
    ['<"ann"@here.example>', 'ann@here.example local'],
    ['<"a b"@here.example>', '"a b"@here.example local'],
    ['<"ann@here.example"@there.example>', '550 5.7.1'],
    ['<"x@there.example"@here.example>', '550 5.1.1'],
    ['<".xalias/0/x"@here.example>', '550 5.1.1'],
    ['<"a!b"@here.example>', '550 5.1.1'],
    // Literals: the address the client spoke to is us, by any spelling; others are not.
    ['<ann@[192.0.2.1]>', 'ann@here.example local'],
    ['<ann@[192.0.2.2]>', '550 5.7.1'],
    ['<ann@[IPv6:2001:db8::1]>', '550 5.7.1'],
    ['<ann@[192.0.2.256]>', '501'],
    // IDN: both forms are one mailbox.
    ['<ann@b\u00fccher.example>', 'ann@b\u00fccher.example local'],
    ['<ann@xn--bcher-kva.example>', 'ann@b\u00fccher.example local'],
    ['<ann@B\u00dcCHER.example>', 'ann@b\u00fccher.example local'],
    ['<ann@xn--b\u00fccher.example>', '501'],
    // Adjacent, leading and trailing marks.
    ['<ann..b@here.example>', '501'], ['<.ann@here.example>', '501'], ['<ann.@here.example>', '501'], ['<ann@.here.example>', '501'], ['<ann@here..example>', '501'],
    ['<ann@@here.example>', '501'], ['<@here.example>', '501'], ['<ann@>', '501'], ['<a:b@here.example>', '501'], ['<a b@here.example>', '501'], ['<a(b)@here.example>', '501'], ['<a;b@here.example>', '501'],
    // Source routes are taken off; what they lead to is asked about.
    ['<@there.example,@far.example:ann@here.example>', 'ann@here.example local'],
    ['<@here.example:x@there.example>', '550 5.7.1'],
    ['<@here.example:>', '501'], ['<@:ann@here.example>', '501'],
    // The percent form leads behind us, and nowhere else.
    ['<u%inner.example@here.example>', 'u@inner.example out'],
    ['<u%x.deep.example@mail.here.example>', 'u@x.deep.example out'],
    ['<u%v%inner.example@here.example>', 'u%v@inner.example out'],
    ['<u%there.example@here.example>', '550 5.1.1'],
    ['<u%inner.example@relayed.example>', 'u%inner.example@relayed.example out'],
    ['<u@inner.example>', '550 5.7.1'],
    ['<u%inner.example@there.example>', '550 5.7.1'],
    ['<"u%inner.example"@here.example>', 'u@inner.example out'],
    ['<"u v%inner.example"@here.example>', '550 5.1.1'],
    ['<a%b@here.example>', 'a%b@here.example local'],
    ['<u@here.example@there.example>', '501'],
  ];
  for (const [path, wanted] of rows) assert.equal(await rcpt(rules, path), wanted, path);
  const six = { ...stranger, localAddress: '2001:db8:0::1' };
  assert.equal(await rcpt(rules, '<ann@[IPv6:2001:DB8::1]>', six), 'ann@here.example local');
  const local: Origin = { source: 'local', protocol: 'local', login: 'ann', relayClient: '', at: 0 };
  assert.equal(await rcpt(rules, '<u%inner.example@here.example>', local), '550 5.1.1', 'the percent form is for those outside');
});

test('a virtual host is chosen by address, then by login, and answers from its own files', async t => {
  const rules = rulesOf(t, {
    locals: 'here.example\n', esmtpacceptmailfor: 'here.example\n', aliases: 'info: ann\n', bofh: 'opt MIME=7bit\n', esmtpd: 'PORT=25\n',
    'vhost.2001:DB8::5': '', 'vhost.second.example': '', 'vhost.192.0.2.7': '',
    'locals.second.example': 'second.example\n', 'esmtpacceptmailfor.second.example': 'second.example\n', 'defaultdomain.second.example': 'second.example\n', 'aliases.second.example/list': 'info: ann, boss@there.example\n',
    'locals.192.0.2.7': 'third.example\n', 'esmtpacceptmailfor.dir.192.0.2.7/own': 'third.example\n', 'bofh.192.0.2.7': 'opt MIME=8bit\nmaxrcpts 7\n', 'sizelimit.192.0.2.7': '12345\n', 'queuetime.192.0.2.7': '1d\n', 'queuelo.192.0.2.7': '50\n',
  });
  const origins: readonly (readonly [Partial<Origin>, string | null])[] = [
    [{}, null],
    [{ localAddress: '192.0.2.7' }, '192.0.2.7'],
    [{ localAddress: '::ffff:192.0.2.7' }, '192.0.2.7'],
    [{ localAddress: '2001:db8:0::5' }, '2001:db8::5'],
    [{ login: 'ann@second.example' }, 'second.example'],
    [{ login: 'ann@SECOND.example' }, 'second.example'],
    [{ login: 'ann@second.example', localAddress: '192.0.2.7' }, '192.0.2.7'],
    [{ login: 'second.example' }, null],
    [{ login: 'ann@x.second.example' }, null],
    [{ virtualHost: 'second.example', localAddress: '192.0.2.7' }, 'second.example'],
    [{ virtualHost: 'gone.example' }, null],
  ];
  for (const [own, wanted] of origins) assert.equal(virtualHostOf(rules.hosts, { ...stranger, ...own }), wanted, JSON.stringify(own));

  const second = { ...stranger, login: 'ann@second.example' };
  assert.equal(await rcpt(rules, '<info@second.example>', second), 'ann@second.example,boss@there.example');
  assert.equal(await rcpt(rules, '<info@here.example>'), 'ann@here.example');
  assert.equal(await rcpt(rules, '<info@second.example>'), '550 5.7.1');
  const third = { ...stranger, localAddress: '192.0.2.7' };
  assert.equal(await rcpt(rules, '<ann@third.example>', third), 'ann@third.example local');
  assert.equal(await rcpt(rules, '<ann@here.example>', third), 'ann@here.example out', 'esmtpacceptmailfor is as for all, locals are not');
  assert.equal(rules.of(third).configuration.bofh.maxRecipients.count, 7);
  assert.deepEqual([rules.of(third).calendar.queueTimeMs, rules.of(stranger).calendar.queueTimeMs], [86_400_000, 604_800_000]);
  assert.deepEqual([rules.variables(third).get('MIME'), rules.variables(third).get('SIZELIMIT'), rules.variables(stranger).get('MIME'), rules.variables(stranger).get('SIZELIMIT')], ['8bit', '12345', '7bit', undefined]);
  const admitted = rules.admission('esmtpd').admit({ remoteAddress: '192.0.2.9', localAddress: '192.0.2.7', localPort: 25 });
  assert.ok(admitted.kind === 'admitted' && admitted.variables.get('MIME') === '8bit');
  const { notices, settings } = rules.configuration;
  assert.ok(notices.some(({ file, what }) => file.endsWith('queuelo.192.0.2.7') && what.startsWith('not used')));
  assert.deepEqual(settings.filter(({ name }) => name === 'sizelimit (vhost 192.0.2.7)'), [{ name: 'sizelimit (vhost 192.0.2.7)', value: '12345', source: 'sizelimit.192.0.2.7' }]);
});

test('what is wrong in a virtual host\'s file is said with its name, what is wrong in a common one once', t => {
  const problems = folderOf(t, { me: 'here.example\n', 'vhost.second.example': '', 'sizelimit.second.example': 'x\n', queuetime: 'x\n', 'vhost.no host': '', 'vhost.192.0.2.7': '', 'vhost.::ffff:192.0.2.7': '', 'mee.second.example': '' }).problems();
  assert.equal(problems.filter(one => one.startsWith('sizelimit.second.example:1:')).length, 1, problems.join('\n'));
  assert.equal(problems.filter(one => one.startsWith('queuetime:')).length, 1);
  assert.equal(problems.filter(one => one.includes('neither an IP address nor a domain')).length, 1);
  assert.equal(problems.filter(one => one.includes('the same as vhost.')).length, 1);
  assert.equal(problems.filter(one => one.startsWith('mee.second.example: unknown file')).length, 1);
});

test('what the access file says of an address holds whichever of the listeners is open', t => {
  const access = { 'smtpaccess/default': '192.0.2.9\tallow,RELAYCLIENT,FAXRELAYCLIENT\n' };
  for (const listener of ['esmtpd', 'esmtpd-msa', 'esmtpd-ssl']) {
    // esmtpd-ssl and esmtpd-msa read esmtpd as well, which need not be open itself.
    const off = listener === 'esmtpd' ? {} : { esmtpd: 'ESMTPDSTART=NO\n' };
    const more = listener === 'esmtpd' ? '' : listener === 'esmtpd-ssl' ? 'TLS_CERTFILE=tls.pem\n' : 'ESMTPDSTART=YES\n';
    const { pem, key } = createCertificate('mail.here.example');
    const rules = rulesOf(t, { ...access, ...off, [listener]: more, 'tls.pem': `${pem}${key}` });
    for (const source of ['esmtp', 'submission'] as const) assert.ok(rules.variables({ ...stranger, source }).has('RELAYCLIENT'), `${listener} ${source}`);
  }
  assert.equal(rulesOf(t, access).variables(stranger).size, 0, 'nothing listens');
});
