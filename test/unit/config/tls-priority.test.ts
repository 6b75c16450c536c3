/** TLS_PRIORITY in the words that people write, and what OpenSSL is told then. */
import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { createSecureContext, getCiphers } from 'node:tls';
import { test } from 'node:test';
import { parseTlsPriority } from '../../../src/grammar/config/tls-priority.ts';
import { parseTlsProtocol } from '../../../src/grammar/config/tls-version.ts';
import { createCertificate } from '../../props/certificate.ts';
import { folderOf } from './folder-props.ts';
import { valueOf } from './parsed-props.ts';

const { pem, key } = createCertificate('mx.here.example');
const files = { 'esmtpd.pem': `${pem}${key}` };

test('versions: a range, from a word for everything and what is taken away or added', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['NORMAL', 'TLSv1.2 TLSv1.3'], ['normal', 'TLSv1.2 TLSv1.3'], ['NORMAL:-VERS-TLS1.0:-VERS-TLS1.1', 'TLSv1.2 TLSv1.3'], ['NORMAL:%COMPAT', 'TLSv1.2 TLSv1.3'],
    ['NORMAL:-VERS-SSL3.0:!3DES-CBC:-ARCFOUR-128', 'TLSv1.2 TLSv1.3'], ['NORMAL:-VERS-ALL:+VERS-TLS1.3', 'TLSv1.3 TLSv1.3'], ['NORMAL:-VERS-TLS1.3', 'TLSv1.2 TLSv1.2'],
    ['NORMAL:+VERS-TLS1.1:+VERS-TLS1.0', 'TLSv1 TLSv1.3'], ['NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2', 'TLSv1.2 TLSv1.2'], ['SECURE128:-VERS-TLS1.2', 'TLSv1.3 TLSv1.3'],
    ['NONE:+VERS-TLS1.2:+CIPHER-ALL:+KX-ALL:+MAC-ALL:+COMP-NULL:+CTYPE-X509', 'TLSv1.2 TLSv1.2'], ['@SYSTEM', 'TLSv1.2 TLSv1.3'], ['SECURE128:+SECURE192:-VERS-ALL:+VERS-TLS1.3', 'TLSv1.3 TLSv1.3'], ['NONE:+VERS-TLS1.2:+NORMAL', 'TLSv1.2 TLSv1.2'],
  ];
  for (const [text, range] of rows) {
    const { minVersion, maxVersion, ciphers } = valueOf(parseTlsPriority(text));
    assert.deepEqual([`${minVersion} ${maxVersion}`, ciphers], [range, undefined], text);
  }
});

test('suites: only those that are left, by names that OpenSSL has', () => {
  const known = new Set(getCiphers());
  const left = (text: string): readonly string[] => {
    const { ciphers = '' } = valueOf(parseTlsPriority(text));
    assert.doesNotThrow(() => createSecureContext({ ciphers }), text);
    for (const name of ciphers.split(':')) assert.ok(known.has(name.toLowerCase()), `${name} of ${text}`);
    return ciphers.split(':');
  };
  assert.ok(left('PFS').every(name => /^TLS_|DHE-/.test(name)));
  assert.ok(left('SECURE256').every(name => /AES_?256|CHACHA20/.test(name)));
  assert.deepEqual(left('SUITEB192'), ['TLS_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384']);
  assert.ok(left('NORMAL:-AES-128-CBC:-AES-256-CBC').every(name => !/SHA$|AES(128|256)-SHA/.test(name)));
  assert.ok(left('NORMAL:-SHA1').every(name => !name.endsWith('-SHA')));
  assert.ok(left('NORMAL:-VERS-TLS1.3:-RSA').every(name => !name.startsWith('TLS_') && name.includes('DHE-')));
  assert.ok(left('NONE:+VERS-TLS1.2:+AES-256-GCM:+ECDHE-RSA:+AEAD').every(name => name === 'ECDHE-RSA-AES256-GCM-SHA384'));
  assert.ok(constants.defaultCoreCipherList.includes('TLS_AES_256_GCM_SHA384'), 'the words are those of OpenSSL');
});

test('what is not understood is said, and what OpenSSL lost', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['', /begins with/], ['-VERS-TLS1.0', /begins with/], ['FAST', /'FAST' is no word/], ['NORMAL:VERS-TLS1.0', /is not understood/], ['NORMAL:-VERS-TLS9.9', /is not understood/],
    ['NORMAL:-NONSENSE', /'-NONSENSE' is not understood/], ['NORMAL:+3DES-CBC', /OpenSSL no longer has it/], ['NORMAL:-VERS-ALL', /no version/], ['NORMAL:+VERS-TLS1.0', /TLSv1\.1 between them is not/],
    ['NORMAL:-CIPHER-ALL', /no suite is left/], ['NONE:+VERS-TLS1.2:+AES-256-GCM', /no suite is left for TLSv1\.2/],
  ];
  for (const [text, what] of rows) {
    const parsed = parseTlsPriority(text);
    assert.ok(parsed.kind === 'wrong', text);
    assert.match(parsed.problems[0]?.what ?? '', what, text);
  }
  assert.deepEqual(valueOf(parseTlsPriority('NORMAL:+GROUP-SECP384R1:-SIGN-RSA-SHA1:%NO_TICKETS')).idle, ['+GROUP-SECP384R1', '-SIGN-RSA-SHA1', '%NO_TICKETS']);
});

test('TLS_PROTOCOL, in all of its spellings', () => {
  for (const [text, version] of [['', undefined], ['TLSv1.2++', 'TLSv1.2'], ['TLSv1.2+', 'TLSv1.2'], ['TLS1_1', 'TLSv1.1'], ['tlsv1', 'TLSv1'], ['TLSv1.3', 'TLSv1.3'], ['SSL23', 'TLSv1']] as const) assert.equal(valueOf(parseTlsProtocol(text)), version, text);
  assert.equal(parseTlsProtocol('SSL3').kind, 'wrong');
});

test('what is said in OpenSSL\'s words beats it, word by word; what has no counterpart is named in a notice', (t) => {
  const read = (text: string) => folderOf(t, { ...files, esmtpd: `TLS_CERTFILE=esmtpd.pem\n${text}` }).read();
  const wishes = (text: string) => {
    const { minVersion, maxVersion, ciphers } = read(text).listeners[0]?.tlsDetails?.identity ?? {};
    return [minVersion, maxVersion, ciphers];
  };
  assert.deepEqual(wishes('TLS_PRIORITY="NORMAL:-VERS-TLS1.3"\n'), ['TLSv1.2', 'TLSv1.2', undefined]);
  assert.deepEqual(wishes('TLS_PRIORITY="SUITEB192:-VERS-TLS1.2"\nTLS_PROTOCOL=TLSv1.2\n'), ['TLSv1.2', undefined, 'TLS_AES_256_GCM_SHA384']);
  assert.deepEqual(wishes('TLS_PRIORITY=SUITEB192\nTLS_CIPHER_LIST=HIGH\n'), ['TLSv1.2', undefined, 'HIGH']);
  assert.match(JSON.stringify(read('TLS_PRIORITY="NORMAL:%NO_TICKETS"\n').notices), /OpenSSL has no such word, and goes on without: %NO_TICKETS/);
  assert.match(folderOf(t, { ...files, esmtpd: 'TLS_CERTFILE=esmtpd.pem\nTLS_PRIORITY=FAST\n' }).problems().join('\n'), /^esmtpd:2: TLS_PRIORITY: 'FAST' is no word/);
});

/** RFC 7919 A.1, ffdhe2048. */
const GROUP = `-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
`;

test('TLS_DHPARAMS: a file of parameters, OpenSSL\'s own, or none yet', (t) => {
  const read = (text: string, more: Record<string, string> = {}) => folderOf(t, { ...files, ...more, esmtpd: `TLS_CERTFILE=esmtpd.pem\n${text}` });
  const of = (folder: ReturnType<typeof read>) => folder.read().listeners[0]?.tlsDetails?.identity.dhparam;
  assert.equal(of(read('TLS_DHPARAMS=dhparams.pem\n', { 'dhparams.pem': GROUP })), GROUP);
  assert.equal(of(read('TLS_DHPARAMS=auto\n')), 'auto');
  assert.equal(of(read('')), undefined);
  assert.equal(of(read('TLS_DHPARAMS=dhparams.pem\n')), undefined);
  assert.match(JSON.stringify(read('TLS_DHPARAMS=dhparams.pem\n').read().notices), /no such file of TLS_DHPARAMS/);
  // Node would go on without a word, and without Diffie-Hellman.
  assert.match(read('TLS_DHPARAMS=dhparams.pem\n', { 'dhparams.pem': GROUP.replaceAll('DH PAR', 'X9.42 DH PAR') }).problems().join('\n'), /of the kind X9\.42/);
  assert.match(read('TLS_DHPARAMS=dhparams.pem\n', { 'dhparams.pem': 'nothing\n' }).problems().join('\n'), /^esmtpd:2: .*no usable Diffie-Hellman parameters/m);
});
