/** Header addresses replaced by offset: nothing else moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewriteAddressFields } from '../../../src/grammar/uucp/address-fields.ts';
import fc from '../../props/fast-check.ts';

const marked = (address: string) => `here!${address}`;

test('addresses are replaced where they stand', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['From: ada@there.example\r\n', 'From: here!ada@there.example\r\n'],
    ['FROM: Ada <ada@there.example> (home)\r\n', 'FROM: Ada <here!ada@there.example> (home)\r\n'],
    ['To: a@b.example,\r\n\t"B, C" <c@d.example>\r\nSubject: <x@y>\r\n', 'To: here!a@b.example,\r\n\t"B, C" <here!c@d.example>\r\nSubject: <x@y>\r\n'],
    ['Cc: far!carol (Carol <x@y>), bob\r\n', 'Cc: here!far!carol (Carol <x@y>), here!bob\r\n'],
    ['To: friends: a@b.example, c@d.example;\r\n', 'To: friends: here!a@b.example, here!c@d.example;\r\n'],
    ['To: undisclosed-recipients:;\r\n', 'To: undisclosed-recipients:;\r\n'],
    ['Reply-To: "odd one"@there.example\r\n', 'Reply-To: here!"odd one"@there.example\r\n'],
    ['Sender: <"a>b"@there.example>\r\n', 'Sender: <here!"a>b"@there.example>\r\n'],
    ['To: <@relay.example:bob@there.example>\r\n', 'To: <@relay.example:bob@there.example>\r\n'],
    ['To: two words\r\n', 'To: two words\r\n'],
    ['From: <unclosed@there.example\r\n', 'From: <unclosed@there.example\r\n'],
    ['X-From: ada@there.example\r\nReceived: from x\r\n', 'X-From: ada@there.example\r\nReceived: from x\r\n'],
    ['To: a@[192.0.2.1]\n', 'To: here!a@[192.0.2.1]\n'],
    ['From: \r\n', 'From: \r\n'],
    ['From:', 'From:'],
  ];
  for (const [header, wanted] of rows) assert.equal(rewriteAddressFields(header, marked), wanted);
});

test('with nothing to change the header is the same octets, whatever it holds', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), noise => {
    const header = `To: ${noise}\r\nFrom: ${noise}`;
    assert.equal(rewriteAddressFields(header, address => address), header);
    // Taking the marks out again leaves what was there.
    assert.equal(rewriteAddressFields(header, address => `\u0001\u0002${address}`).replaceAll('\u0001\u0002', ''), header.replaceAll('\u0001\u0002', ''));
  }));
});
