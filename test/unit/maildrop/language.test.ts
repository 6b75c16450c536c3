import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normaliseMailboxes, parseMailboxes } from '../../../src/grammar/maildrop/addresses.ts';
import { expand, parsePieces } from '../../../src/grammar/maildrop/literal.ts';
import { bitwise, complement, formatNumber, parseNumber } from '../../../src/grammar/maildrop/numbers.ts';
import { DEEPEST, parseRecipe } from '../../../src/grammar/maildrop/parser.ts';
import { searchableField, SearchText } from '../../../src/grammar/maildrop/search-text.ts';
import fc from '../../props/fast-check.ts';

function misread(text: string): string {
  const parsed = parseRecipe(text);
  assert.equal(parsed.kind, 'misread', text);
  return parsed.kind === 'misread' ? `${parsed.line}:${parsed.column} ${parsed.what}` : '';
}

test('what is wrong is said with its line, its column and what would be right', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['echo "a\n', /^1:6 the closing " is missing/],
    ['\n\n  echo `ls', /^3:8 the closing ` is missing/],
    ['if (1) echo x', /^1:8 \) ends its line; "echo" belongs on the next/],
    ['if (1)\n{\n}\n\nelse\n', /^5:1 else belongs directly behind/],
    ['if 1\n', /^1:4 if needs a condition in parentheses/],
    ['while ($A', /^1:10 the \) of while is missing/],
    ['echo /x y', /^1:6 the closing \/ of this pattern is missing/],
    ['foreach $A\n{\n}', /^1:9 foreach needs a pattern/],
    ['{\necho x\n', /^1:1 this { has no }/],
    ['}', /^1:1 "}" without a beginning/],
    ['echo a, b', /^1:7 "," is one too many here/],
    ['echo 1 < 2 < 3', /^1:12 comparisons do not chain/],
    ['substr "a", 1', /^1:1 substr needs its parameters in parentheses/],
    ['substr("a")', /^1:1 substr takes 2 to 3 parameters, not 1/],
    ['time = 2', /^1:6 only a variable can stand before =/],
    ['A=B=1', /^1:4 an assignment within another needs parentheses/],
    ['echo ^', /^1:6 "\^" has no meaning here/],
    ['echo \x01', /^1:6 "\\x01" has no meaning here/],
    ['to', /^1:3 something is missing at the end of this line/],
    ['"a" =~ "b"', /^1:8 behind =~ stands a \/pattern\//],
  ];
  for (const [text, what] of rows) assert.match(misread(text), what, text);
});

test('nesting ends before our stack does', () => {
  assert.match(misread('('.repeat(5000)), /parentheses within each other/);
  assert.match(misread('{\n'.repeat(5000)), /blocks within each other/);
  assert.match(misread('!'.repeat(5000)), /negations/);
  assert.match(misread('if (1)\n'.repeat(5000)), /blocks within each other/);
  assert.match(misread(`if (0)\necho\\\n a\n${'elsif (0)\necho b\n'.repeat(5000)}`), /blocks within each other/);
  assert.equal(parseRecipe('{\n'.repeat(DEEPEST) + '}\n'.repeat(DEEPEST)).kind, 'recipe');
});

test('a path behind = and to, a pattern elsewhere, a division before a blank', () => {
  for (const text of ['A=/var/mail', 'to /var/mail/x', 'cc /x', 'logfile /x', 'include /etc/x', 'A = 1 / 2', '/x/', '/x/:hbD,1,2', 'A=$B/c', 'echo "a" / 2']) assert.equal(parseRecipe(text).kind, 'recipe', text);
  for (const text of ['echo "a" /b', 'A=1 /2', '/ x/']) assert.equal(parseRecipe(text).kind, 'misread', text);
});

test('any text is a recipe or is misread; never anything else', () => {
  const words = fc.constantFrom('if', '(', ')', '{', '}', '\n', ';', '"a$B"', "'c'", '`d`', '/e/:h,1', '=~', '=', '||', '&&', '!', '~', '+', '-', '/', '1', '$A', 'to', 'echo', 'else', 'elsif', 'while', 'foreach', 'exception', 'length', 'substr', ',', 'exit', '\\\n', '# x\n', 'lt');
  fc.assert(fc.property(fc.array(words, { maxLength: 40 }), parts => {
    assert.ok(['recipe', 'misread'].includes(parseRecipe(parts.join(' ')).kind));
  }));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => {
    const octets = Buffer.from(text).toString('latin1');
    assert.ok(['recipe', 'misread'].includes(parseRecipe(octets).kind));
  }));
});

test('variables in texts', () => {
  const variables = new Map([['A', '1'], ['A-B', '2'], ['odd name', '3'], ['9', 'nine']]);
  const rows: readonly (readonly [string, string])[] = [['$A', '1'], ['${A}B', '1B'], ['$A-B', '1-B'], ['${A-B}', '2'], ['${odd name}', '3'], ['$9', 'nine'], ['$ $', '$ $'], ['$NONE.', '.'], ['${A', '${A'], ['a$', 'a$']];
  for (const [text, value] of rows) assert.equal(expand(parsePieces(text), variables), value, text);
  for (const [text, value] of [['\\$A', '$A'], ['\\\\$A', '\\1'], ['\\"', '"'], ['\\n', '\\n']] as const) assert.equal(expand(parsePieces(text, '"'), variables), value, text);
});

test('numbers are written as C writes them with 22 digits, and read back', () => {
  const rows: readonly (readonly [number, string])[] = [[1 / 3, '0.3333333333333333148296'], [0.1 + 0.2, '0.3000000000000000444089'], [-1e-7, '-9.999999999999999547481e-08'], [1e22, '1e+22'], [1e21, '1000000000000000000000'], [2.5, '2.5'], [-0, '-0'], [NaN, 'nan'], [-Infinity, '-inf'], [1e-5, '1.000000000000000081803e-05'], [0.0001, '0.0001000000000000000047922']];
  for (const [value, text] of rows) assert.equal(formatNumber(value), text);
  for (const [text, value] of [['', 0], ['abc', 0], [' 12abc', 12], ['0x1F', 31], ['-.5e1', -5], ['1e', 1], ['inf', Infinity]] as const) assert.equal(parseNumber(text), value, text);
  fc.assert(fc.property(fc.double({ noNaN: true }), value => {
    assert.ok(Object.is(parseNumber(formatNumber(value)), value), String(value));
  }));
  assert.deepEqual([bitwise('|', '6', '9'), bitwise('&', '-1', '255'), bitwise('|', '-1', '0'), complement('0'), complement('inf')], ['15', '255', '18446744073709551615', '-1', '-1']);
});

test('addresses out of what people write', () => {
  const rows: readonly (readonly [string, readonly string[], string])[] = [
    ['a@b (x), "Q R" <c@d>, grp: e@f, g@h;', ['a@b', 'c@d', 'e@f', 'g@h'], 'x <a@b>, Q R <c@d>, grp: e@f, g@h;'],
    ['Joe. Q. B <a@b>', ['a@b'], '"Joe. Q. B" <a@b>'],
    ['d @ e . f', ['d@e.f'], 'd@e.f'], ['"x y"@z', ['"x y"@z'], '"x y"@z'], ['a b c', ['a', 'b', 'c'], 'a, b, c'],
    ['<>', [''], ''], ['a@[1.2.3.4]', ['a@[1.2.3.4]'], 'a@[1.2.3.4]'], ['undisclosed: ;', [], 'undisclosed: ;'], ['a@b,,c@d', ['a@b', 'c@d'], 'a@b, c@d'],
    ['(nested (comment) here) a@b', ['a@b'], 'nested (comment) here <a@b>'.replace('nested (comment) here', '"nested (comment) here"')],
    ['a <b@c> (said), d', ['b@c', 'd'], 'a <b@c>, d'], ['(open', [], ''], ['"open', ['"open'], '"open'], ['<a@b', ['a@b'], 'a@b'],
  ];
  for (const [text, addresses, list] of rows) {
    assert.deepEqual(parseMailboxes(text).map(one => one.address), addresses, text);
    assert.equal(normaliseMailboxes(text), list, text);
  }
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '@', '.', '<', '>', '(', ')', '"', '\\', ',', ';', ':', ' ', '[', ']') }), text => {
    assert.ok(Array.isArray(parseMailboxes(text)));
  }));
});

test('header fields as patterns see them', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['Subject:   =?utf-8?q?a_?= =?utf-8?q?b?=', 'Subject: a b'], ['Subject: =?iso-8859-1?b?6Q==?=!', 'Subject: é!'], ['Subject: =?utf-8*en?q?x?=', 'Subject: x'], ['Subject: =?nope?q?x?= y', 'Subject: =?nope?q?x?= y'],
    ['To: =?utf-8?q?a=2C_b?= <c@d>', 'To: "a, b" <c@d>'], ['X-To: (x) a@b', 'X-To: (x) a@b'], ['To: (x) a@b', 'To: x <a@b>'], ['X: \xc3\xa9', 'X: é'], ['X: \xe9', 'X: é'], ['no field', 'no field'],
  ];
  for (const [field, text] of rows) assert.equal(searchableField(field), text);
});

test('a message is searched the same however its octets come', () => {
  const message = 'To: a@b\nMime-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\npre\n--x\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nw6nDqAphYg==\n--x\nContent-Transfer-Encoding: quoted-printable\n\na=\nb =3D\n--x\nContent-Type: message/rfc822\n\nSubject: in\n\ndeep\n--x--\nepi\n';
  const whole = new SearchText();
  const lines = [...whole.feed(message), ...whole.finish()];
  assert.deepEqual(lines.filter(one => one.where === 'body').map(one => one.text), ['éè', 'ab', 'ab =', 'deep']);
  assert.deepEqual(lines.filter(one => one.where === 'part').map(one => one.text).at(-1), 'Subject: in');
  fc.assert(fc.property(fc.array(fc.nat(message.length), { maxLength: 6 }), cuts => {
    const search = new SearchText();
    const found = [];
    let from = 0;
    for (const cut of [...cuts.toSorted((a, b) => a - b), message.length]) {
      found.push(...search.feed(message.slice(from, cut)));
      from = cut;
    }
    assert.deepEqual([...found, ...search.finish()], lines);
  }));
});

test('hostile messages cost no more memory than a line and a header', () => {
  const search = new SearchText();
  let most = 0;
  for (let n = 0; n < 64; n++) most = Math.max(most, ...search.feed('x'.repeat(65_536)).map(one => one.text.length));
  assert.ok(most <= 262_144 + 65_536);
  const nested = new SearchText();
  const deep = Array.from({ length: 1000 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`).join('');
  assert.ok(nested.feed(`Mime-Version: 1.0\n${deep}`).length < 5000);
});
