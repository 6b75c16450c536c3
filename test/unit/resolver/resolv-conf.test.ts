import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResolvConf } from '../../../src/kit/dns/resolv-conf.ts';
import fc from '../../props/fast-check.ts';

const here = [{ host: '127.0.0.1', port: 53 }];
const rows: readonly (readonly [string, string, Partial<ReturnType<typeof parseResolvConf>>])[] = [
  ['nothing means this host', '', { servers: here, trustAd: false }],
  ['servers in order', 'nameserver 192.0.2.1\nnameserver 2001:db8::1\n', { servers: [{ host: '192.0.2.1', port: 53 }, { host: '2001:db8::1', port: 53 }] }],
  ['three are enough', 'nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4', { servers: [1, 2, 3].map(n => ({ host: `192.0.2.${n}`, port: 53 })) }],
  ['comments and tabs', '# nameserver 192.0.2.9\n; nameserver 192.0.2.8\n\tnameserver\t192.0.2.1 # here\n', { servers: [{ host: '192.0.2.1', port: 53 }] }],
  ['a zone', 'nameserver fe80::1%eth0', { servers: [{ host: 'fe80::1%eth0', port: 53 }] }],
  ['a name is no server', 'nameserver dns.example', { servers: here }],
  ['options', 'options edns0 timeout:2 attempts:3 trust-ad', { timeoutMs: 2000, attempts: 3, trustAd: true }],
  ['options out of range', 'options timeout:900 attempts:0', { timeoutMs: 30_000, attempts: 1 }],
  ['options that are nonsense', 'options timeout: attempts:-1 timeout:x', { servers: here }],
];
for (const [name, text, wanted] of rows) {
  test(`resolv.conf: ${name}`, () => {
    const read = parseResolvConf(text);
    for (const [key, value] of Object.entries(wanted)) assert.deepEqual(read[key as keyof typeof read], value);
    if (wanted.timeoutMs === undefined) assert.equal(read.timeoutMs, undefined);
  });
}

test('resolv.conf: any text gives one to three servers', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => {
    const { servers } = parseResolvConf(`nameserver ${text}\n${text}`);
    return servers.length >= 1 && servers.length <= 3;
  }));
});
