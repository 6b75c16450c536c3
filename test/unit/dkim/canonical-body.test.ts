/** What DKIM hashes of a body, against the words of RFC 6376 §3.4.4 written as regular expressions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRelaxedBody } from '../../../src/grammar/dkim/canonical-body.ts';
import { formatKeyRecord, formatZoneLine, parseKeyRecord } from '../../../src/grammar/dkim/key-record.ts';
import { formatSignature, formatUnsigned, relaxedField } from '../../../src/grammar/dkim/signature.ts';
import fc from '../../props/fast-check.ts';

function relaxed(pieces: readonly Uint8Array[]): string {
  let out = '';
  const body = createRelaxedBody(octets => {
    out += Buffer.from(octets).toString('latin1');
  });
  for (const piece of pieces) body.feed(piece);
  body.finish();
  return out;
}

function byTheBook(body: string): string {
  const lines = body.split('\r\n').map(line => line.replaceAll(/[\t ]+/g, ' ').replace(/ $/, ''));
  while (lines.at(-1) === '') lines.pop();
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`;
}

test('the example of RFC 6376 §3.4.5, and bodies that are hardly any', () => {
  for (const [body, expected] of [
    [' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'], ['', ''], ['\r\n', ''], ['\r\n\r\n \t\r\n', ''], ['a', 'a\r\n'], ['a\r', 'a\r\r\n'], ['a\nb', 'a\nb\r\n'], [' ', ''], ['\r\n\r\na', '\r\n\r\na\r\n'], ['a \r b', 'a \r b\r\n'],
  ] as const) assert.equal(relaxed([Buffer.from(body)]), expected, JSON.stringify(body));
});

test('any body, cut anyhow', () => {
  const word = fc.constantFrom('a', 'é', ' ', '  ', '\t', '\r\n', '\r\n\r\n', '\r', '\n', '.', ' \r\n', '\0', 'words of a line', '\r\n'.repeat(1500), ' '.repeat(20_000), 'x'.repeat(17_000));
  fc.assert(fc.property(fc.array(word, { maxLength: 40 }), fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 6 }), (words, cuts) => {
    const body = Buffer.from(words.join(''), 'latin1');
    const at = [0, ...cuts.map(cut => Math.min(cut, body.length)).toSorted((one, other) => one - other), body.length];
    assert.equal(relaxed(at.slice(1).map((end, n) => body.subarray(at[n], end))), byTheBook(body.toString('latin1')));
  }), { numRuns: 300 });
});

test('fields: names small, folds undone, blanks one', () => {
  for (const [field, expected] of [
    ['A: X\r\n', 'a:X'], ['B : Y\t\r\n\tZ  \r\n', 'b:Y Z'], ['Subject:\r\n  folded at once\r\n', 'subject:folded at once'], ['X:\r\n', 'x:'], ['T: a:b : c\r\n', 't:a:b : c'],
  ] as const) assert.equal(relaxedField(field), expected);
});

test('a field of many names and a long signature stays within 78 characters a line', () => {
  const unsigned = formatUnsigned({ algorithm: 'rsa-sha256', domain: 'a-rather-long-name.example.com', selector: 'posthorn202611', at: 1_700_000_000, names: Array.from({ length: 30 }, (_, n) => `x-some-field-${n}`), bodyHash: 'a'.repeat(44) });
  const field = formatSignature(unsigned, 'b'.repeat(344));
  for (const line of field.split('\r\n')) assert.ok(line.length <= 78, line);
  assert.equal(relaxedField(field).replaceAll(' ', '').match(/;b=(b*)$/)?.[1]?.length, 344);
});

test('key records: what is printed is read again; a zone file\'s strings are short', () => {
  const rsa = formatKeyRecord('rsa-sha256', Buffer.alloc(294, 7));
  assert.deepEqual(parseKeyRecord(rsa), { kind: 'rsa', key: Buffer.alloc(294, 7).toString('base64') });
  for (const [, text = ''] of formatZoneLine('s._domainkey.example.com', rsa).matchAll(/"([^"]*)"/g)) assert.ok(text.length <= 255);
  for (const [text, expected] of [
    ['p=AAAA', { kind: 'rsa', key: 'AAAA' }], ['v=DKIM1; k=ed25519; p=AA AA ; t=s', { kind: 'ed25519', key: 'AAAA' }], ['v=DKIM1; p=', { kind: 'rsa', key: '' }], ['v=spf1 -all', null], ['v=DKIM2; p=AAAA', null], ['', null],
  ] as const) assert.deepEqual(parseKeyRecord(text), expected, text);
});
