import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appendField, editHeader, formatField } from '../../../src/grammar/filter/header-edits.ts';
import { parseFields } from '../../../src/grammar/mime/field.ts';
import fc from '../../props/fast-check.ts';

const HEADER = 'A: 1\r\nSUBject : two\r\n\tlines\r\nno field\r\na: 3\r\n\r\n';
const edit = (name: string, nth: number, value: string | null, header = HEADER) => editHeader(Buffer.from(header, 'latin1'), { name, nth, value }).toString('latin1');

test('a field is changed in its place, under its own spelling; the others keep every octet', () => {
  assert.equal(edit('subject', 1, 'new'), 'A: 1\r\nSUBject: new\r\nno field\r\na: 3\r\n\r\n');
  assert.equal(edit('A', 2, 'x'), 'A: 1\r\nSUBject : two\r\n\tlines\r\nno field\r\na: x\r\n\r\n');
  assert.equal(edit('a', 1, null), 'SUBject : two\r\n\tlines\r\nno field\r\na: 3\r\n\r\n');
  assert.equal(edit('a', 3, null), HEADER, 'not there: nothing happens');
  assert.equal(edit('B', 1, 'new'), `${HEADER.slice(0, -2)}B: new\r\n\r\n`, 'not there: added at the end');
  assert.equal(edit('B', 1, 'new', '\r\n'), 'B: new\r\n\r\n');
  assert.equal(edit('B', 1, 'new', ''), 'B: new\r\n');
  assert.equal(appendField(Buffer.from('A: 1'), 'B', '2').toString(), 'A: 1\r\nB: 2\r\n');
});

test('no value can end the field, begin another, or end the header', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom('\r\n', '\n', '\r', ' ', '\t', 'x', ':', 'Bcc: y'), { maxLength: 20 }), letters => {
    const text = formatField('X-Mine', letters.join(''));
    const fields = parseFields(Buffer.from(`${text}\r\n`));
    assert.equal(fields.length, 1, JSON.stringify(text));
    assert.equal(fields[0]?.end, text.length, JSON.stringify(text));
    assert.ok(!/\r\n[ \t]*\r\n/.test(text), 'no empty line');
  }));
  assert.equal(formatField('DKIM-Signature', ' v=1;\n\tb=x\r\n y'), 'DKIM-Signature: v=1;\r\n\tb=x\r\n y\r\n');
});
