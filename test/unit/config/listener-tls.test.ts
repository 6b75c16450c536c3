import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificate } from '../../props/certificate.ts';
import { folderOf } from './folder-props.ts';

function both(name: string): string {
  const { pem, key } = createCertificate(name);
  return `${pem}${key}`;
}

const here = both('mx.here.example');
const other = createCertificate('mx.other.example');
const authority = createCertificate('clients');

test('certificates for further names and addresses lie beside the first, each with its key', (t) => {
  const { listeners } = folderOf(t, {
    'esmtpd.pem': here, 'esmtpd.pem.mx.other.example': `${other.pem}${other.key}`,
    'esmtpd.pem.*.hosts.example': both('*.hosts.example'), 'esmtpd.pem.192.0.2.1': both('four'), 'esmtpd.pem.2001:db8:0::1': both('six'),
    'esmtpd.pem.bak': 'no certificate', 'esmtpd.pem.dpkg-old': 'no certificate',
    esmtpd: 'TLS_CERTFILE=esmtpd.pem\nTLS_PROTOCOL=TLSv1.3\nTLS_CIPHER_SUITES=TLS_AES_256_GCM_SHA384\nTLS_CIPHER_LIST=HIGH\n',
  }).read();
  const details = listeners[0]?.tlsDetails;
  assert.deepEqual([...(details?.names.keys() ?? [])].toSorted(), ['*.hosts.example', 'mx.other.example']);
  assert.deepEqual([...(details?.addresses.keys() ?? [])].toSorted(), ['192.0.2.1', '2001:db8::1']);
  for (const identity of [details?.identity, ...(details?.names.values() ?? [])]) assert.deepEqual([identity?.minVersion, identity?.ciphers], ['TLSv1.3', 'TLS_AES_256_GCM_SHA384:HIGH']);
});

test('a key of its own, by the same suffix', (t) => {
  const { pem, key } = createCertificate('mx.here.example');
  const { listeners } = folderOf(t, {
    'esmtpd.pem': pem, 'esmtpd.key': key, 'esmtpd.pem.mx.other.example': other.pem, 'esmtpd.key.mx.other.example': other.key, 'esmtpd.pem.b.example': both('b.example'),
    esmtpd: 'TLS_CERTFILE=esmtpd.pem\nTLS_PRIVATE_KEYFILE=esmtpd.key\n',
  }).read();
  const names = listeners[0]?.tlsDetails?.names;
  assert.match(names?.get('mx.other.example')?.keyFile ?? '', /esmtpd\.key\.mx\.other\.example$/);
  assert.match(names?.get('b.example')?.keyFile ?? '', /esmtpd\.pem\.b\.example$/);
});

test('one that is no good stops the reading, whichever name it is for', (t) => {
  const problems = folderOf(t, { 'esmtpd.pem': here, 'esmtpd.pem.mx.other.example': other.pem, esmtpd: 'TLS_CERTFILE=esmtpd.pem\n' }).problems().join('\n');
  assert.match(problems, /^esmtpd\.pem\.mx\.other\.example: certificate, key or ciphers cannot be used/m);
});

test('what is asked of clients', (t) => {
  const files = { 'esmtpd.pem': here, 'ca.pem': authority.pem };
  const read = (text: string) => folderOf(t, { ...files, esmtpd: `TLS_CERTFILE=esmtpd.pem\n${text}` });
  assert.equal(read('TLS_VERIFYPEER=NONE\n').read().listeners[0]?.tlsDetails?.clients, undefined);
  assert.deepEqual(read('TLS_VERIFYPEER=PEER\nTLS_TRUSTCERTS=ca.pem\nTLS_EXTERNAL=emailaddress\n').read().listeners[0]?.tlsDetails?.clients, { demand: false, authorities: authority.pem, subjectField: 'emailaddress' });
  assert.deepEqual(read('TLS_VERIFYPEER=requirepeer\nTLS_TRUSTCERTS=ca.pem\n').read().listeners[0]?.tlsDetails?.clients, { demand: true, authorities: authority.pem });
  for (const [text, wrong] of [
    ['TLS_VERIFYPEER=MAYBE\n', /^esmtpd:2: TLS_VERIFYPEER: 'MAYBE' is not NONE, PEER or REQUIREPEER/m],
    ['TLS_VERIFYPEER=PEER\n', /TLS_TRUSTCERTS names nobody who may sign it/],
    ['TLS_VERIFYPEER=PEER\nTLS_TRUSTCERTS=nowhere.pem\n', /TLS_TRUSTCERTS/],
    ['TLS_EXTERNAL=CN\n', /TLS_VERIFYPEER asks them for none/],
  ] as const) assert.match(read(text).problems().join('\n'), wrong, text);
});

test('whose word on the client counts', (t) => {
  const { listeners } = folderOf(t, { esmtpd: 'PROXYFROM="192.0.2.0/24, 2001:db8::/32"\nXCLIENTFROM=127.0.0.1\n' }).read();
  assert.deepEqual(listeners[0]?.trust.proxy.map(({ bits }) => bits), [24, 32]);
  assert.deepEqual([listeners[0]?.trust.xclient.length, listeners[0]?.trust.xforward.length], [1, 0]);
  assert.match(JSON.stringify(folderOf(t, { esmtpd: 'TCPDOPTS="-stderrlogger=/x -haproxy=10"\n' }).read().notices), /PROXYFROM names the balancers/);
  assert.match(folderOf(t, { esmtpd: 'PROXYFROM=everybody\n' }).problems().join('\n'), /^esmtpd:1: PROXYFROM: 'everybody' is not a network/);
});
