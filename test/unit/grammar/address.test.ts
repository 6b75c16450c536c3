import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainOf, formatPath, localPart, parseAddress, parsePath, unquotedLocalPart } from '../../../src/grammar/address.ts';
import { asciiDomain, parseDomain } from '../../../src/grammar/domain.ts';
import { decodeUtf8Address, decodeXtext, encodeUtf8Address, encodeXtext } from '../../../src/grammar/xtext.ts';
import { createReplyReader, formatReply } from '../../../src/grammar/smtp/reply.ts';
import fc from '../../props/fast-check.ts';

const addresses: readonly (readonly [string, string | null])[] = [
  ['a@b.example', 'a@b.example'],
  ['A.B@EXAMPLE.ORG', 'A.B@example.org'],
  ['postmaster', 'postmaster'],
  ['a+tag=x!y%z@d.example', 'a+tag=x!y%z@d.example'],
  ['"a b"@d.example', '"a b"@d.example'],
  ['"a@b"@d.example', '"a@b"@d.example'],
  ['"plain"@d.example', 'plain@d.example'],
  ['"a\\"b"@d.example', '"a\\"b"@d.example'],
  ['"a\\\\b"@d.example', '"a\\\\b"@d.example'],
  ['a@[192.0.2.1]', 'a@[192.0.2.1]'],
  ['a@[IPv6:2001:DB8:0::1]', 'a@[IPv6:2001:db8::1]'],
  ['jö@bücher.example', 'jö@bücher.example'],
  ['u@xn--bcher-kva.example', 'u@bücher.example'],
  ['u@d.example.', 'u@d.example'],
  ['u@my_host.example', 'u@my_host.example'],
  [`u@xn--${'a'.repeat(54)}.xn--xnample`, null],
  ['', null],
  ['@d.example', null],
  ['a@', null],
  ['a@@b', null],
  ['a@b@c', null],
  ['.a@b', null],
  ['a.@b', null],
  ['a..b@c', null],
  ['a b@c', null],
  ['a@b c', null],
  ['a@b..c', null],
  ['a@-b.example', null],
  ['a@b;c', null],
  ['a@[300.0.2.1]', null],
  ['a@[IPv6:zz]', null],
  ['a@[192.0.2.1', null],
  ['a\r\n@b', null],
  ['"a\r\nb"@c', null],
  ['"unclosed@c', null],
  ['"a"b@c', null],
  ['""@c', null],
  ['a@b%2ec', null],
  [`${'x'.repeat(320)}@c`, null],
  [`a@${'x'.repeat(64)}.example`, null],
];

test('an address is taken in its one form, or refused', () => {
  for (const [text, want] of addresses) assert.equal(parseAddress(text), want, JSON.stringify(text));
});

test('what parseAddress made, it reads again unchanged', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), text => {
    const once = parseAddress(text);
    if (once !== null) assert.equal(parseAddress(once), once);
  }), { numRuns: 5000 });
});

test('any printable local-part survives quoting, and the last @ separates', () => {
  fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 40 }).filter(s => !/[\u0000-\u001f\u007f]/.test(s)), local => {
    const address = parseAddress(`"${local.replaceAll(/["\\]/g, '\\$&')}"@d.example`);
    assert.ok(address !== null);
    assert.equal(unquotedLocalPart(address), local);
    assert.equal(domainOf(address), 'd.example');
    assert.equal(`${localPart(address)}@d.example`, address);
  }), { numRuns: 3000 });
});

test('paths: null, source routes, brackets inside quotes, what is behind', () => {
  const path = parsePath('<@a.example,@b.example:u@c.example> SIZE=1', 0);
  assert.deepEqual(path, { kind: 'path', address: 'u@c.example', route: ['a.example', 'b.example'], end: 35 });
  assert.deepEqual(parsePath('<>', 0), { kind: 'path', address: null, route: [], end: 2 });
  const quoted = parsePath('<"a>b"@c.example>', 0);
  assert.ok(quoted.kind === 'path' && quoted.address === '"a>b"@c.example');
  for (const bad of ['u@c', '<u@c', '<@a:>', '<@a u@c>', '< u@c>', '<u@c >', '<a:u@c>']) assert.equal(parsePath(bad, 0).kind, 'bad', bad);
});

test('a domain goes out in A-labels, a non-ASCII local-part not at all', () => {
  const b = parseAddress('u@bücher.example');
  const j = parseAddress('jö@d.example');
  assert.ok(b !== null && j !== null);
  assert.equal(formatPath(b, true), '<u@xn--bcher-kva.example>');
  assert.equal(formatPath(b, false), '<u@bücher.example>');
  assert.equal(formatPath(j, true), null);
  assert.equal(formatPath(null, true), '<>');
});

test('domains never throw and come back from ASCII', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), text => {
    const domain = parseDomain(text);
    if (domain === null) return;
    const ascii = asciiDomain(domain);
    assert.ok(ascii !== null, domain);
    assert.equal(parseDomain(ascii), domain);
  }), { numRuns: 5000 });
});

test('xtext and its UTF-8 sister carry anything', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), text => {
    assert.equal(decodeXtext(encodeXtext(text)), text);
    assert.equal(decodeUtf8Address(encodeUtf8Address(text)), text);
  }), { numRuns: 3000 });
  for (const bad of ['a+', 'a+4', 'a+zz', 'a b', 'a=b', 'a+2b']) assert.equal(decodeXtext(bad), null, bad);
  assert.equal(decodeUtf8Address('a\\x{D800}'), null);
});

test('an enhanced status code is read as RFC 3463 §2 has it, and only of the class of its reply', () => {
  const shape = /^([245])\.(\d{1,3})\.(\d{1,3})(?: |$)/;
  const part = fc.constantFrom('0', '1', '7', '12', '255', '1000', 'x', '');
  const word = fc.tuple(fc.constantFrom('2', '3', '4', '5', '9', ''), part, part, fc.constantFrom('', ' ', ' Ok', '-', '.1 Ok', 'Ok')).map(([of, one, two, rest]) => `${of}.${one}.${two}${rest}`);
  fc.assert(fc.property(fc.constantFrom(200, 250, 354, 421, 550), fc.oneof(word, fc.string()), (code, text) => {
    const found = shape.exec(text);
    const fits = found !== null && Number(found[1]) === Math.trunc(code / 100);
    const expected = fits ? { code, status: found[0].trimEnd(), lines: [text.slice(found[0].length)] } : { code, lines: [text] };
    assert.deepEqual(createReplyReader().line(`${code} ${text}`), expected);
  }), { numRuns: 3000 });
});

test('replies are read across lines; what is no reply is garbage', () => {
  const reader = createReplyReader();
  assert.equal(reader.line('250-2.1.5 one'), null);
  assert.deepEqual(reader.line('250 2.1.5 two'), { code: 250, status: '2.1.5', lines: ['one', 'two'] });
  assert.deepEqual(reader.line('550 2.1.5 odd'), { code: 550, lines: ['2.1.5 odd'] });
  assert.deepEqual(reader.line('250'), { code: 250, lines: [''] });
  assert.equal(reader.line('hello'), 'garbage');
  assert.equal(createReplyReader().line('999 x'), 'garbage');
  assert.equal(formatReply(550, '5.1.1', 'No\nsuch\ruser'), '550-5.1.1 No\r\n550 5.1.1 such user\r\n');
});
