import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import { formatIpAddress, formatNetwork, networkHas, parseIpAddress, parseNetwork } from '../../../src/grammar/config/network.ts';
import { valueOf } from './parsed-props.ts';
import fc from '../../props/fast-check.ts';

test('networks in CIDR, in leading octets and in leading groups', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['10', '10.0.0.0/8'], ['192.168', '192.168.0.0/16'], ['1.2.3', '1.2.3.0/24'], ['1.2.3.4', '1.2.3.4/32'], ['192.168.7.9/16', '192.168.0.0/16'], ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.1.2.3/11', '10.0.0.0/11'], [':2001:0db8', '2001:db8::/32'], [':0000:0000:0000:0000:0000:0000:0000:0001', '::1/128'], ['::1', '::1/128'], ['2001:DB8::/32', '2001:db8::/32'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'], ['::ffff:1.2.3.4', '1.2.3.4/32'], ['::ffff:0:0/96', '0.0.0.0/0'], ['::/0', '::/0'],
  ];
  for (const [text, shown] of rows) assert.equal(formatNetwork(valueOf(parseNetwork(text))), shown, text);
  for (const bad of ['', '*', '256', '1.2.3.4.5', '10.', '.10', '10/8', '1.2.3.4/33', '::/129', '1.2.3.4/', '01.2.3.4', ':12345', ':', '::1::', '1:2:3', 'fe80::g', '1.2.3.4/-1', '1.2.3.4/8x']) {
    assert.equal(parseNetwork(bad).kind, 'wrong', bad);
  }
});

test('addresses are read as the system reads them, and written as RFC 5952 says', () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: fc.constantFrom('0', '1', 'f', ':', '::', '.', '255', '256', 'g') })), (text) => {
    assert.equal(parseIpAddress(text) !== null, isIP(text) !== 0, text);
  }));
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
    const address = parseIpAddress(text)!;
    assert.deepEqual(parseIpAddress(formatIpAddress(address)), address);
  }));
  for (const [text, shown] of [['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], ['0:0:0:0:0:0:0:0', '::'], ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], ['fe80::1%eth0', 'fe80::1'], ['::ffff:127.0.0.1', '127.0.0.1']] as const) {
    assert.equal(formatIpAddress(parseIpAddress(text)!), shown);
  }
});

test('a network has the addresses that share its prefix, of its own family', () => {
  const has = (net: string, address: string): boolean => networkHas(valueOf(parseNetwork(net)), parseIpAddress(address)!);
  assert.ok(has('10', '10.255.0.1') && has('192.0.2.128/25', '192.0.2.200') && has('2001:db8::/33', '2001:db8:7fff::1'));
  assert.ok(!has('10', '11.0.0.1') && !has('192.0.2.128/25', '192.0.2.127') && !has('2001:db8::/33', '2001:db8:8000::1') && !has('0.0.0.0/0', '::1') && !has('::/0', '1.2.3.4'));
});
