import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseContentType, parseFields, parseToken } from '../../../src/grammar/mime/field.ts';

describe('Content-Type', () => {
  const rows: readonly [string, string | null, Record<string, string>][] = [
    ['text/plain', 'text/plain', {}],
    ['Text/PLAIN; Charset=UTF-8', 'text/plain', { charset: 'UTF-8' }],
    ['multipart/mixed; boundary="a b;c=\\"d"', 'multipart/mixed', { boundary: 'a b;c="d' }],
    ['multipart/mixed;\tboundary=----=_Part_1/2', 'multipart/mixed', { boundary: '----=_Part_1/2' }],
    ['multipart/mixed (hello; boundary=no) ; boundary=yes', 'multipart/mixed', { boundary: 'yes' }],
    ['text/plain; name="(not a comment)"; charset=a', 'text/plain', { name: '(not a comment)', charset: 'a' }],
    ['text/plain; charset=one; charset=two', 'text/plain', { charset: 'one' }],
    ['text/plain;', 'text/plain', {}],
    ['multipart/mixed; boundary=""', 'multipart/mixed', { boundary: '' }],
    ['text', null, {}],
    ['', null, {}],
    ['text/plain charset=utf-8', null, {}],
    ['/plain', null, {}],
  ];
  for (const [value, type, parameters] of rows) {
    it(JSON.stringify(value), () => {
      const found = parseContentType(value);
      assert.equal(found?.type ?? null, type);
      assert.deepEqual(Object.fromEntries(found?.parameters ?? []), parameters);
    });
  }
});

describe('header fields', () => {
  it('are found by offset, folded or not, and what is no field is passed over', () => {
    const header = Buffer.from('A: one\r\nnot a field\r\nLong-Name : two\r\n  three\r\n\tfour\r\n: none\r\nb:\r\n\r\n');
    const fields = parseFields(header);
    assert.deepEqual(fields.map(({ name, value }) => [name, value]), [['a', 'one'], ['long-name', 'two  three\tfour'], ['b', '']]);
    for (const { name, start, end } of fields) {
      assert.ok(header.toString('latin1', start, end).toLowerCase().startsWith(name));
      assert.ok(header.toString('latin1', start, end).endsWith('\r\n'));
    }
  });
  it('a token has no comments', () => {
    assert.equal(parseToken(' 1.0 (by me (really)) '), '1.0');
    assert.equal(parseToken('(x) 8BIT'), '8bit');
  });
});
