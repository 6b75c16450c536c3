import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../../src/core/envelope.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { decodeVerp, encodeVerp, senderFor } from '../../../src/grammar/verp.ts';
import fc from '../../props/fast-check.ts';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed !== null, text);
  return parsed;
};

const encoded: readonly (readonly [sender: string, recipient: string, said: string])[] = [
  ['list@here.example', 'bob@there.example', 'list-bob=there.example@here.example'],
  ['list@here.example', 'mary-ann+x@my-host.example', 'list-mary+2Dann+2Bx=my+2Dhost.example@here.example'],
  ['list@here.example', 'a!b%c@there.example', 'list-a+21b+25c=there.example@here.example'],
  ['list@here.example', '"a@b:c[d]"@there.example', 'list-a+40b+3Ac+5Bd+5D=there.example@here.example'],
  ['list@here.example', 'a=b@there.example', 'list-a=b=there.example@here.example'],
  ['list@here.example', 'bob@[192.0.2.1]', 'list-bob=+5B192.0.2.1+5D@here.example'],
  ['list@here.example', 'bob@[IPv6:2001:db8::1]', 'list-bob=+5BIPv6+3A2001+3Adb8+3A+3A1+5D@here.example'],
  ['list@here.example', 'far!away!bob=x', 'list-far+21away+21bob+3Dx@here.example'],
  ['my-list=x@here.example', 'bob@there.example', 'my-list=x-bob=there.example@here.example'],
  ['"the list"@here.example', 'bob@there.example', '"the list-bob=there.example"@here.example'],
  ['list@here.example', '"two words"@there.example', '"list-two words=there.example"@here.example'],
  ['list@here.example', 'bob@bücher.example', 'list-bob=xn+2D+2Dbcher+2Dkva.example@here.example'],
  ['list@here.example', 'jörg@bücher.example', 'list-jörg=bücher.example@here.example'],
];

for (const [sender, recipient, said] of encoded) {
  test(`${sender} to ${recipient}`, () => {
    const made = encodeVerp(address(sender), address(recipient));
    assert.equal(made, said);
    assert.deepEqual(decodeVerp(address(said)), { sender: address(sender), recipient: address(recipient) });
  });
}

test('hexadecimal digits are read in either case', () => {
  assert.equal(decodeVerp(address('list-mary+2dann=there.example@here.example'))?.recipient, 'mary-ann@there.example');
});

test('what was not encoded is nobody', () => {
  for (const text of ['bob@here.example', 'list-@here.example', 'list-=there.example@here.example', 'list-bob=@here.example', '-bob=there.example@here.example', 'list-bob=no domain@here.example']) {
    const parsed = parseAddress(text);
    if (parsed !== null) assert.equal(decodeVerp(parsed), null, text);
  }
});

test('the sender is as it was: without VERP, without a sender, without room', () => {
  const list = address('list@here.example');
  assert.equal(senderFor({ reversePath: list }, address('bob@there.example')), list);
  assert.equal(senderFor({ reversePath: null, verp: true }, address('bob@there.example')), null);
  assert.equal(senderFor({ reversePath: list, verp: true }, address(`${'b'.repeat(200)}@${'c'.repeat(60)}.${'d'.repeat(50)}`)), list);
  assert.equal(encodeVerp(address('postmaster'), address('bob@there.example')), null, 'a sender without domain has nowhere to come back to');
});

const octet = fc.constantFrom(...'abZ09-=+%!:@[]{}~/?^_`|\'*#$& "\\.ü'.split(''));
const local = fc.string({ unit: octet, minLength: 1, maxLength: 40 });
const domain = fc.constantFrom('there.example', 'my-host.example', '[192.0.2.1]', '[IPv6:2001:db8::1]', 'bücher.example', 'a.b.c.example');
const some = fc.tuple(local, domain).map(([name, home]) => parseAddress(`"${name.replaceAll(/["\\]/g, '\\$&')}"@${home}`)).filter(one => one !== null);

test('what is encoded is read back, whatever the two addresses are', () => {
  fc.assert(fc.property(some, some, (sender, recipient) => {
    const made = encodeVerp(sender, recipient);
    assert.ok(made !== null);
    assert.equal(parseAddress(made), made);
    assert.deepEqual(decodeVerp(made), { sender, recipient });
  }));
});

test('nothing that is an address breaks the reader, and what it reads is encoded the same way', () => {
  fc.assert(fc.property(some, written => {
    const names = decodeVerp(written);
    if (names === null) return;
    const again = encodeVerp(names.sender, names.recipient);
    assert.deepEqual(again === null ? null : decodeVerp(again), names);
  }));
});
