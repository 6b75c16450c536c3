import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readConfiguration } from '../../../src/configuration.ts';
import { createCertificate } from '../../props/certificate.ts';
import { folderOf } from './folder-props.ts';

test('an empty folder has the defaults of the reference tables', (t) => {
  const { names, domains, limits, queue, client, reports, http, dnsServers, stateFolder, listeners, bofh } = folderOf(t, {}).read();
  assert.deepEqual(names, { me: 'box.example.net', defaultDomain: 'box.example.net', messageIdHost: 'box.example.net', helo: { kind: 'name', name: 'box.example.net' } });
  assert.ok(domains.locals.has('box.example.net') && domains.acceptMailFor.has('box.example.net') && !domains.acceptMailFor.has('example.net'));
  assert.deepEqual(limits, { sizeOctets: 10_485_760, headerOctets: 100_000, freeSpaceOctets: 134_217_728 });
  assert.deepEqual(queue, {
    queueTimeMs: 7 * 86_400_000, faxQueueTimeMs: 8 * 3_600_000, warnTimeMs: 4 * 3_600_000, retry: { alphaMs: 300_000, beta: 3, gammaMs: 900_000, maxDelta: 3 },
    submitDelayMs: 0, low: 219, high: 1000, fillMs: 300_000, batchSize: 100,
  });
  assert.deepEqual(client.timeouts, { connectMs: 60_000, heloMs: 300_000, commandMs: 600_000, dataMs: 300_000, quitMs: 10_000, keepAliveMs: 60_000, keepAlivePingMs: 0 });
  assert.deepEqual([client.delayMs, client.maxDeliveries, client.maxPerDomain, client.maxRecipients, client.useStartTls, client.verifyPeer, client.preferIpv6], [300_000, 200, 20, 100, true, false, true]);
  assert.deepEqual([client.source4, client.source6], [null, null]);
  assert.deepEqual(reports, { limitOctets: 32_768, toAuthAddress: false, delaysByDefault: true, texts: {} });
  assert.deepEqual([http, dnsServers, stateFolder, listeners, bofh.maxRecipients], [{ host: '127.0.0.1', port: 2580 }, null, '/var/lib/posthorn', [], { count: 100, hard: false }]);
});

test('the machine\'s own name stands where a file has a star (courier-core 9)', (t) => {
  const { names, domains } = folderOf(t, { me: '*.example.org\n', defaultdomain: '*\n', locals: '*.lan.example\n*\n' }).read();
  assert.deepEqual([names.me, names.defaultDomain], ['box.example.org', 'box.example.net']);
  assert.deepEqual(['box.lan.example', 'box.example.net', 'lan.example'].map((domain) => domains.locals.has(domain)), [true, true, false]);
});

test('what the files say is what the rooms get, and check can say where from', (t) => {
  const folder = folderOf(t, {
    me: 'mail.example.com\n', defaultdomain: 'example.com', esmtphelo: '*', esmtpgreeting: 'one\ntwo\n', sizelimit: '0', queuetime: '2d', queuelo: '600', statedir: '../state',
    httpaddress: 'off', dnsservers: '192.0.2.53\n[2001:db8::53]:5353 trust-ad\nresolv.conf\nhttps://dns.example/dns-query at 192.0.2.54 via none\n', dsnfrom: '"Mail #1" <postmaster@example.com>', ipout: '192.0.2.9', ip6out: '0', backuprelay: 'Backup.example.com',
    'module.esmtp': 'PROG=./courieresmtp\nMAXDELS=80\n', courierd: 'ESMTP_TLS_VERIFY_DOMAIN=1\nTLS_VERIFYPEER=PEER\nDSNTOAUTHADDR=1\n', bofh: 'opt BOFHHEADERLIMIT=5000\n',
  });
  const { names, limits, queue, stateFolder, http, dnsServers, reports, client, settings } = folder.read();
  assert.deepEqual(names, { me: 'mail.example.com', defaultDomain: 'example.com', messageIdHost: 'mail.example.com', helo: { kind: 'reverse' }, greeting: ['one', 'two'] });
  assert.deepEqual([limits.sizeOctets, limits.headerOctets, queue.queueTimeMs, queue.low, queue.high], [null, 5000, 172_800_000, 600, 1600]);
  assert.deepEqual([stateFolder, http, reports.from, reports.toAuthAddress], [join(folder.path, '../state'), null, '"Mail #1" <postmaster@example.com>', true]);
  assert.deepEqual(dnsServers, [
    { kind: 'plain', line: 1, host: '192.0.2.53', port: 53, trustAd: false }, { kind: 'plain', line: 2, host: '2001:db8::53', port: 5353, trustAd: true },
    { kind: 'system', line: 3 }, { kind: 'https', line: 4, url: 'https://dns.example/dns-query', at: '192.0.2.54', trustAd: false },
  ]);
  assert.deepEqual([client.source4, client.source6, client.backupRelay], ['192.0.2.9', null, { host: 'backup.example.com', literal: false, transport: 'esmtp' }]);
  assert.deepEqual([client.maxDeliveries, client.maxPerDomain, client.maxRecipients, client.verifyPeer], [80, 1, 1, true]);
  const source = new Map(settings.map((setting) => [setting.name, [setting.value, setting.source]]));
  assert.deepEqual(source.get('queuetime'), ['2d', 'queuetime']);
  assert.deepEqual(source.get('warntime'), ['4h', 'default']);
  assert.equal(source.size, settings.length, 'a setting is shown once');
});

test('a problem names its file and line, what is wrong and what is right', (t) => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['queuetime', '# long\n1x\n', /^queuetime:2: '1x' is not a time.*; right would be: 1w$/],
    ['quetime', '1w', /^quetime: unknown file; right would be: queuetime$/],
    ['me', 'not a name', /^me:1: /],
    ['sizelimit', '', /^sizelimit:1: no value/],
    ['retrybeta', '0', /^retrybeta:1: .* from 1 to 1000/],
    ['esmtpd', '\nMAXDEMONS=5\n', /^esmtpd:2: unknown variable MAXDEMONS; right would be: MAXDAEMONS=5$/],
    ['esmtpd', 'PORT=99999', /^esmtpd:1: PORT: '99999' is neither a port/],
    ['esmtpd', 'ESMTPAUTH="PLAIN CRAM-MD4"', /^esmtpd:1: ESMTPAUTH: unknown mechanism 'CRAM-MD4'; right would be: CRAM-MD5$/],
    ['esmtpd', 'AUTH_REQUIRED=1', /^esmtpd:1: AUTH_REQUIRED=1 asks for AUTH/],
    ['esmtpd', 'ESMTP_TLS_REQUIRED=1', /^esmtpd: ESMTP_TLS_REQUIRED=1 asks for TLS, and there is no usable certificate/],
    ['esmtpd', 'ACCESSFILE=/nowhere/access', /^esmtpd:1: the access file/],
    ['esmtpd-ssl', '', /^esmtpd-ssl: esmtpd-ssl speaks TLS/],
    ['courierd', 'ESMTP_USE_STARTTLS=maybe', /^courierd:1: ESMTP_USE_STARTTLS: 'maybe' is neither 0 nor 1/],
    ['esmtproutes', '\n:relay.example /PROXY=onoin', /^esmtproutes:2: no proxy onoin in socksproxy/],
    ['dnsservers', 'ns.example.com', /^dnsservers:1: /],
    ['dnsservers', '192.0.2.53 trustad', /^dnsservers:1: 'trustad' means nothing behind an address/],
    ['dnsservers', 'http://dns.example/', /^dnsservers:1: 'http:/],
    ['dnsservers', 'https://u:p@dns.example/', /^dnsservers:1: .* is not an https/],
    ['dnsservers', '\nhttps://dns.example/ via nobody', /^dnsservers:2: no proxy nobody in socksproxy/],
    ['dnsservers', 'https://dns.example/ at ns.example', /^dnsservers:1: 'ns.example' is not an IP address/],
    ['dnsservers', 'https://dns.example/ at 192.0.2.1 via x', /^dnsservers:1: at and via exclude each other/],
    ['dnsservers', '# nothing', /^dnsservers:1: no server/],
    ['tlspolicy', 'example.com private none.pem', /^tlspolicy:1: .*none\.pem is not there/],
    ['tlsreports', 'send\nwrite reports', /^tlsreports:2: 'reports' is no absolute path/],
    ['tlsreports', 'off\nsend', /^tlsreports:1: off stands alone/],
    ['tlsreports', 'contact nobody', /^tlsreports:1: 'nobody' is not a mail address/],
    ['tlsreports', 'mail', /^tlsreports:1: 'mail' is not off, send/],
    ['socksbind', 'esmtpd-ssl via wall', /^socksbind:1: no listener esmtpd-ssl in this folder/],
    ['socksbind', 'esmtpd via wall', /^socksbind:1: no proxy wall in socksproxy/],
    ['socksbind', 'esmtpd', /^socksbind:1: 'esmtpd' is not LISTENER via PROXY/],
    ['socksbind', 'esmtpd via wall from mx.example', /^socksbind:1: 'mx.example' is not an IP address/],
    ['socksbind', 'esmtpd via wall reserve 100', /^socksbind:1: '100' is not a whole number/],
    ['httpaddress', 'metrics.example.com:80', /^httpaddress:1: /],
    ['locals/x', 'x', /^locals: .*file; right/],
    ['esmtpacceptmailfor.dir', 'x', /a file where a folder is expected/],
    ['esmtproutes.dat', 'x', /^esmtproutes.dat: compiled, and its text esmtproutes is not here/],
    ['bofh', 'opt BOFHHEADERLIMIT=9', /^bofh:1: /],
    ['me', 'mail\0.example.com', /^me:1: a NUL octet/],
    ['userdb', 'me\n', /^userdb:1: /],
  ];
  for (const [file, text, wanted] of rows) {
    const problems = folderOf(t, { ...(file === 'esmtpd' && !text.includes('ACCESS') ? {} : { esmtpd: 'PORT=2525' }), [file]: text }).problems();
    assert.equal(problems.filter((problem) => wanted.test(problem)).length, 1, `${file}: ${text}\n${problems.join('\n')}`);
  }
});

test('a virtual host\'s compiled file stands for nothing either, and that is said', (t) => {
  const files = { 'vhost.192.0.2.7': '', 'esmtproutes': '# none\n', 'esmtproutes.dat.192.0.2.7': 'x', 'aliases.dat.192.0.2.7': 'x', 'aliases.192.0.2.7': 'a: b\n' };
  assert.deepEqual(folderOf(t, files).problems(), ['esmtproutes.dat.192.0.2.7: compiled, and its text esmtproutes.192.0.2.7 is not here; only the text is read; right would be: the text file esmtproutes.192.0.2.7']);
});

test('all files are read before anything is said', (t) => {
  assert.deepEqual(folderOf(t, { me: '-', queuetime: 'x', warntime: 'y', locals: 'a b\n' }).problems().map((line) => line.split(':')[0]), ['me', 'locals', 'queuetime', 'warntime']);
});

test('a file with very many wrong lines is answered line by line', (t) => {
  const problems = folderOf(t, { locals: 'a b\n'.repeat(200_000) }).problems();
  assert.equal(problems.length, 200_000);
  assert.match(problems[199_999] ?? '', /^locals:200000: /);
});

test('no folder, and what is no folder, are problems and no exception', (t) => {
  const { path } = folderOf(t, { me: 'mail.example.com' });
  for (const folder of [join(path, 'absent'), join(path, 'me')]) assert.equal(readConfiguration(folder).kind, 'wrong');
});

test('files with secrets must be private', (t) => {
  for (const [name, text] of [['esmtpauthclient', 'relay.example u p'], ['socksproxy', 'default socks5://u:p@proxy.example'], ['userdb', 'me\tesmtppw={PLAIN}x'], ['userdb/a', 'me\tesmtppw={PLAIN}x']] as const) {
    const folder = folderOf(t, { [name]: text });
    chmodSync(join(folder.path, name), 0o600);
    folder.read();
    chmodSync(join(folder.path, name), 0o644);
    assert.match(folder.problems()[0] ?? '', new RegExp(`^${name}: others may read.*chmod`), name);
  }
});

test('secrets are in no setting, no notice and no problem', (t) => {
  const files = { esmtpauthclient: 'relay.example,587 user hush1', socksproxy: 'default socks5://user:hush2@proxy.example', userdb: 'me\tesmtppw=$y$hush3' };
  const { settings, notices, client } = folderOf(t, files).read();
  assert.doesNotMatch(JSON.stringify([settings, notices]), /hush/);
  assert.equal(client.logins[0]?.password, 'hush1');
  assert.match(JSON.stringify(notices), /esmtppw of me is in a form that cannot be compared/);
});

test('esmtpd-msa and esmtpd-ssl are read over esmtpd, each with its own port', (t) => {
  const pem = selfSigned();
  const { listeners } = folderOf(t, {
    'cert.pem': pem,
    esmtpd: 'PORT=127.0.0.1.2525\nADDRESS=0\nMAXDAEMONS=7\nNOADDMSGID=1\nNOADDDATE=1\nBOFHNOVRFY=1\nESMTPAUTH=""\nTLS_CERTFILE=cert.pem\nTLS_PROTOCOL="TLSv1.2++"\nMIME=none\n',
    'esmtpd-msa': 'ADDRESS=::1\nMAXPERIP=9\nNOADDMSGID=0\nNOADDDATE=0\nESMTPAUTH_TLS="PLAIN LOGIN"\nAUTH_REQUIRED=1\nSIZELIMIT=99\n',
    'esmtpd-ssl': 'SSLPORT=4650\nESMTPDSSLSTART=YES\n',
    bofh: 'opt MIME=7bit\nopt BOFHCHECKHELO=2\n',
  }).read();
  const [relay, msa, ssl] = listeners;
  assert.deepEqual(listeners.map(({ endpoints }) => endpoints), [[{ address: '127.0.0.1', port: 2525 }], [{ address: '::1', port: 587 }], [{ address: null, port: 4650 }]]);
  assert.deepEqual(listeners.map(({ tls, maxConnections, maxPerAddress, addMessageId, addDate, authRequired, sizeOctets }) => [tls, maxConnections, maxPerAddress, addMessageId, addDate, authRequired, sizeOctets]), [
    ['starttls', 7, 5, false, false, false, 10_485_760], ['starttls', 7, 9, true, true, true, 99], ['implicit', 7, 5, false, false, false, 10_485_760],
  ]);
  assert.deepEqual([relay?.mechanisms, msa?.mechanisms], [{ plain: [], tls: [] }, { plain: [], tls: ['PLAIN', 'LOGIN'] }]);
  assert.equal(ssl?.identity?.certificate, pem);
  assert.equal(ssl?.identity?.minVersion, 'TLSv1.2');
  assert.deepEqual([relay?.vrfy, relay?.expn, relay?.variables.get('MIME'), relay?.variables.get('BOFHCHECKHELO')], [false, true, 'none', '2'], 'the esmtpd file beats bofh');
});

test('a listener that is not to start does not, and its missing certificate harms nobody', (t) => {
  const { listeners, notices } = folderOf(t, { esmtpd: 'ESMTPDSTART=NO\nTLS_CERTFILE=absent.pem\n', 'esmtpd-msa': 'ESMTPDSTART=YES\n', 'esmtpd-ssl': 'ESMTPDSSLSTART=NO\n' }).read();
  assert.deepEqual(listeners.map(({ name }) => name), ['esmtpd-msa']);
  assert.match(JSON.stringify(notices), /absent.pem.*no TLS is offered/);
});

test('a certificate that is there must be usable, and its key private', (t) => {
  const broken = folderOf(t, { 'cert.pem': selfSigned().replace(/-----BEGIN PRIVATE KEY[^]*END PRIVATE KEY-----\n/, ''), esmtpd: 'TLS_CERTFILE=cert.pem' });
  assert.match(broken.problems().join('\n'), /cert.pem: certificate, key or ciphers cannot be used/);
  const open = folderOf(t, { 'cert.pem': selfSigned(), esmtpd: 'TLS_CERTFILE=cert.pem' });
  chmodSync(join(open.path, 'cert.pem'), 0o644);
  assert.match(open.problems().join('\n'), /everyone on this machine may read this private key/);
});

test('the access folder is read whole; leftovers of an update and doubles stop it', (t) => {
  const files = { esmtpd: '', 'smtpaccess/default': '127\tallow,RELAYCLIENT\n', 'smtpaccess/more': '*\tallow,SIZELIMIT=5\n10\tdeny\n', 'smtpaccess/old~': 'rubbish' };
  assert.equal(folderOf(t, files).read().listeners[0]?.access.length, 3);
  assert.match(folderOf(t, { ...files, 'smtpaccess/default.dpkg-dist': '' }).problems().join(), /leftover of an update/);
  assert.match(folderOf(t, { ...files, 'smtpaccess/z': '127.0.0.0/8\tallow\n' }).problems().join(), /^smtpaccess\/z:1: a second entry for 127.0.0.0\/8, the first is smtpaccess\/default:1/);
  assert.match(folderOf(t, { ...files, 'smtpaccess/z': '1\tallow,SIZELIMIT=big\n' }).problems().join(), /^smtpaccess\/z:1: SIZELIMIT=big/);
});

function selfSigned(): string {
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=mail.example.com', '-days', '2', '-keyout', '-', '-out', '-'];
  return execFileSync('openssl', options, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

test('an exception in esmtpacceptmailfor takes nothing out of its folder', (t) => {
  const { domains } = folderOf(t, { esmtpacceptmailfor: '!a.example.com\n.example.com\n', 'esmtpacceptmailfor.dir/x': 'a.example.com\n' }).read();
  assert.ok(domains.acceptMailFor.has('a.example.com') && domains.acceptMailFor.has('b.example.com') && !domains.acceptMailFor.has('example.com'));
});

test('source addresses of virtual hosts: their own, or the suffix itself where the file is empty', (t) => {
  const { client, hosts } = folderOf(t, {
    ipout: '192.0.2.9\n', 'vhost.192.0.2.1': '', 'ipout.192.0.2.1': '', 'ip6out.192.0.2.1': '2001:db8::1\n', 'esmtphelo.192.0.2.1': 'other.example\n',
    'vhost.2001:db8::7': '', 'ip6out.2001:db8::7': '\n', 'vhost.third.example': '', 'ipout.third.example': '0\n',
  }).read();
  assert.deepEqual([client.source4, client.source6], ['192.0.2.9', null]);
  const of = (host: string) => [hosts.get(host)?.client.source4, hosts.get(host)?.client.source6];
  assert.deepEqual([of('192.0.2.1'), of('2001:db8::7'), of('third.example')], [['192.0.2.1', '2001:db8::1'], ['192.0.2.9', '2001:db8::7'], [null, null]]);
  assert.deepEqual(hosts.get('192.0.2.1')?.names.helo, { kind: 'name', name: 'other.example' });
  assert.match(folderOf(t, { 'vhost.192.0.2.1': '', 'ip6out.192.0.2.1': '' }).problems()[0] ?? '', /no IPv6 address/);
});

test('the client\'s own certificate, with its key in one file or in two (courier-core 5.4)', (t) => {
  const { pem, key } = createCertificate('us.example');
  for (const files of [{ courierd: 'TLS_CERTFILE=us.pem\n', 'us.pem': `${pem}${key}` }, { courierd: 'TLS_CERTFILE=us.pem\nTLS_PRIVATE_KEYFILE=us.key\n', 'us.pem': pem, 'us.key': key }]) {
    const { identity } = folderOf(t, files).read().client;
    assert.ok(identity !== undefined && identity.certificate.includes(pem.trim()) && identity.key.includes(key.trim()));
  }
  assert.equal(folderOf(t, {}).read().client.identity, undefined);
});
