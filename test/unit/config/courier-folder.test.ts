import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { knownFiles, knownPatterns } from '../../../src/configuration.ts';
import { courierdVocabulary, moduleVocabulary } from '../../../src/configuration/ways-out/client.ts';
import { listenerVocabulary } from '../../../src/configuration/ways-in/listeners.ts';
import { folderOf } from './folder-props.ts';

/** As a packaged Courier leaves /etc/courier, with an operator's additions: our own wording, its shape. */
const courier: Readonly<Record<string, string>> = {
  me: 'mail.example.com\n',
  defaultdomain: 'example.com\n',
  locals: 'localhost\nmail.example.com\nexample.com\n',
  'hosteddomains': 'example.net\nexample.org\texample.net\n',
  'hosteddomains.dat': 'compiled',
  'esmtpacceptmailfor.dir/default': 'example.com\n.example.com\nexample.net\n',
  'esmtpacceptmailfor.dat': 'compiled',
  'smtpaccess/default': '127.0.0.1\tallow,RELAYCLIENT\n:0000:0000:0000:0000:0000:0000:0000:0001\tallow,RELAYCLIENT\n10\tallow,RELAYCLIENT\n192.168\tallow,RELAYCLIENT\n',
  'smtpaccess.dat': 'compiled',
  esmtpd: [
    '##VERSION: $Id$', '#', 'PATH=/usr/bin:/bin', 'SHELL=/bin/bash', 'ULIMIT=65536', 'BOFHCHECKDNS=1', 'BOFHNOEXPN=1', 'BOFHNOVRFY=1', 'TARPIT=1', 'NOADDMSGID=1', 'NOADDDATE=1', 'ESMTP_LOG_DIALOG=0',
    'AUTH_REQUIRED=0', 'COURIERTLS=/usr/bin/couriertls', '# ESMTP_TLS_REQUIRED=1', 'TLS_PRIORITY="SECURE128:+SECURE192:-VERS-ALL:+VERS-TLS1.3"', 'TLS_CERTFILE=/nonexistent/courier/esmtpd.pem', 'TLS_DHPARAMS=/nonexistent/dhparams.pem',
    'TLS_TRUSTCERTS=/etc/ssl/certs', 'TLS_VERIFYPEER=NONE', 'MAILUSER=courier', 'MAILGROUP=courier', 'ADDRESS=0', 'PORT=smtp', 'BLACKLISTS=""', 'DROP=""', 'ACCESSFILE=/nonexistent/courier/smtpaccess', 'MAXDAEMONS=40', 'MAXPERC=5',
    'MAXPERIP=5', 'PIDFILE=/run/courier/esmtpd.pid', 'TCPDOPTS="-stderrlogger=/usr/sbin/courierlogger"', "ESMTPAUTH=''", 'ESMTPAUTH_WEBADMIN="PLAIN LOGIN CRAM-MD5"', 'ESMTPAUTH_TLS="PLAIN LOGIN"', 'ESMTPDSTART=YES', '',
  ].join('\n'),
  'esmtpd-msa': '# submission\nTARPIT=1\nNOADDMSGID=0\nNOADDDATE=0\nPORT=587\nBLACKLISTS=\nPIDFILE=/run/courier/esmtpd-msa.pid\nMAXDAEMONS=40\nESMTPDSTART=YES\n',
  'esmtpd-ssl': 'SSLPORT=465\nSSLADDRESS=0\nESMTPDSSLSTART=NO\nESMTPAUTH_TLS="PLAIN"\nSSLPIDFILE=/run/courier/esmtpd-ssl.pid\n',
  'esmtpd.cnf': '[ req ]\n',
  'esmtpd.pem.192.0.2.1': 'x',
  courierd: [
    'prefix="/usr"', 'exec_prefix="${prefix}"', 'PATH=/usr/bin:/bin', 'DEFAULTDELIVERY=./Maildir', 'ESMTP_CORK=1', 'ESMTP_USE_STARTTLS=1', 'COURIERTLS=${exec_prefix}/bin/couriertls', 'ESMTP_TLS_VERIFY_DOMAIN=0', 'TLS_VERIFYPEER=NONE',
    'ESMTP_PREFER_IPV6_MX=1', 'ESMTP_BLOCKBACKSCATTER=smtp/dsn,authsmtp/dsn', 'DSNTOAUTHADDR=0', 'DYNAMICDELIVERIES=1', 'UUXFLAGS="-j -g C"', 'MAILDROPDEFAULT=./Maildir', '',
  ].join('\n'),
  bofh: '#\nopt BOFHBADMIME=accept\nfreemail yahoo.example\nbadfrom spam@example.org\nmaxrcpts 200\n',
  'module.esmtp': '##NAME: MAXDELS:0\nPROG="./courieresmtp"\nMAXDELS=40\nMAXRCPT=100\nMAXHOST=4\n',
  'module.local': 'MAXDELS=10\n', 'module.dsn': '', 'module.uucp': '', 'module.fax': '',
  'aliases/system': 'postmaster: root\n', 'aliases.dat': 'x', 'aliasdir/': '', 'dsnheader.txt': 'x', 'dsnfooter.txt': 'x', enablefiltering: 'esmtp\n', 'filters/': '', faxrc: '', maildroprc: '', 'webadmin/': '',
  'imapd': 'PORT=143\n', 'pop3d-ssl': '', 'ldapaliasrc': '', 'locallowercase': '', 'uucpneighbors': '', 'esmtpauthclient': '# none\n', 'queuetime': '1w\n', 'dhparams.pem': 'x',
  'vhost.192.0.2.1': '', 'me.192.0.2.1': 'other.example.com\n', 'imapd.192.0.2.1': '', 'bofh.dpkg-dist': '', 'esmtpd~': '', '.git-ignored': '',
};

test('an existing Courier folder is read as it is', (t) => {
  const { names, domains, hosts, listeners, bofh, notices } = folderOf(t, courier).read();
  assert.deepEqual([names.me, names.defaultDomain], ['mail.example.com', 'example.com']);
  assert.ok(domains.acceptMailFor.has('a.example.com') && domains.acceptMailFor.has('example.net') && domains.acceptMailFor.has('mail.example.com'));
  assert.equal(domains.hosted.find('example.org')?.aliasOf, 'example.net');
  assert.deepEqual(listeners.map(({ name, endpoints, access, mechanisms }) => [name, endpoints, access.length, mechanisms.plain, mechanisms.tls]), [
    ['esmtpd', [{ address: null, port: 25 }], 4, [], ['PLAIN', 'LOGIN']], ['esmtpd-msa', [{ address: null, port: 587 }], 4, [], ['PLAIN', 'LOGIN']],
  ]);
  assert.equal(hosts.get('192.0.2.1')?.names.me, 'other.example.com');
  assert.equal(bofh.maxRecipients.count, 200);
  const said = notices.map(({ what }) => what).join('\n');
  for (const word of ['module.dsn', 'imapd is one for all', 'imapd', 'ESMTP_CORK', 'no such certificate file', 'compiled, not read', 'bofh.dpkg-dist', 'MAILDROPDEFAULT']) {
    assert.ok(said.includes(word), `nothing is said about ${word}:\n${said}`);
  }
});

test('the manual has a row for every known file, and no other', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const rows = page.split('\n').flatMap((line) => /^\| (`[^|]+) \|/.exec(line)?.[1] ?? []).flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name.replace(/\/$/, '')));
  const known = [...knownFiles, ...knownPatterns].map(({ name }) => name);
  assert.deepEqual(rows.filter((name) => !known.includes(name)), [], 'in the manual, but not known');
  assert.deepEqual(known.filter((name) => !rows.includes(name)), [], 'known, but not in the manual');
  assert.deepEqual(rows.filter((name, index) => rows.indexOf(name) !== index), [], 'twice in the manual');
});

test('the manual says of every variable that does nothing why, and of no other', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('## Variables without effect'), page.indexOf('## Known, without effect for now'));
  const rows = section.split('\n- ').slice(1).flatMap(entry => [...entry.slice(0, entry.indexOf(': ')).matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
  const idle = [...new Set([...listenerVocabulary.idle, ...courierdVocabulary.idle, ...moduleVocabulary.idle])].filter(name => ![...listenerVocabulary.used, ...courierdVocabulary.used].includes(name));
  assert.deepEqual(rows.toSorted(), idle.toSorted());
});

test('the manual names every variable that does something', () => {
  const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const used = [...listenerVocabulary.used.filter((name) => !name.startsWith('BOFH')), ...courierdVocabulary.used, ...moduleVocabulary.used];
  assert.deepEqual(used.filter((name) => !page.includes(`\`${name}`)), []);
});
