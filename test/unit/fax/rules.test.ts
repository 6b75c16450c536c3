/** Fax addresses and faxrc: Courier's own example with its answers, and what nobody should write. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFaxDomain, parseFaxNumber } from '../../../src/grammar/fax/fax-address.ts';
import { applyFaxRules, isBlocked, isDialString, parseBlockedNumbers, parseFaxRules, type Dialling, type FaxSource } from '../../../src/grammar/fax/fax-rules.ts';
import fc from '../../props/fast-check.ts';

const AREA_999 = `
rw^* 1 $9                       # drop all leading ones
rw^ 011 1011$9
rw^ n11 1                       # service numbers
rw^ 1011 011$9
rw (nnnnnnn) 999$1
accept 2nnnnnnnnn local
accept 9nnnnnnnnn local
accept 2nnnnnnnnn esmtp
accept 9nnnnnnnnn esmtp
accept^ 011 local
rw^ (.) 1$1$9
rw^ 1011 011$9
rw^ 1999 $9
`;

function dial(text: string, address: string, source: FaxSource | null): Dialling | 'no fax address' | 'no number' {
  const at = address.lastIndexOf('@');
  const number = parseFaxNumber(address.slice(0, at));
  const rules = parseFaxRules(text);
  assert.ok(rules.kind === 'read', JSON.stringify(rules));
  if (parseFaxDomain(address.slice(at + 1)) === null) return 'no fax address';
  return number === null ? 'no number' : applyFaxRules(rules.value, number, source);
}

test('the rules of area 999 dial what Courier dials', () => {
  const rows: readonly (readonly [string, FaxSource | null, string | null])[] = [
    ['2125551212@fax', 'local', '12125551212'],
    ['12125551212@fax', 'esmtp', '12125551212'],
    ['2125551212@fax', 'uucp', null],
    ['5551212@fax', 'local', '5551212'],
    ['9995551212@fax-lowres', 'local', '5551212'],
    ['0117123456@fax', 'local', '0117123456'],
    ['0117123456@fax', 'esmtp', null],
    ['911@fax', 'local', null],
    ['2125551212@fax', 'dsn', null],
    // Looked up again later, without its source: accepted is accepted.
    ['2125551212@fax', null, '12125551212'],
    ['11112125551212@fax', 'local', '12125551212'],
  ];
  for (const [address, source, expected] of rows) {
    const dialling = dial(AREA_999, address, source);
    assert.ok(typeof dialling === 'object');
    assert.equal(dialling.kind === 'dial' ? dialling.number : null, expected, `${address} from ${source ?? 'nowhere'}`);
  }
});

test('an outside line is a pause in the dialling form', () => {
  const dialling = dial(`${AREA_999}rw^ (.) 9,$1$9\n`, '2125551212@fax', 'local');
  assert.ok(typeof dialling === 'object' && dialling.kind === 'dial');
  assert.equal(dialling.number, '9,12125551212');
});

test('each line explains itself', () => {
  const dialling = dial('rw^ 0 49$9\naccept^ 49 esmtp\naccept^ 49 local\nrw^ 49 0,$9\nreject^ 1 local\n', '08912345@fax', 'local');
  assert.ok(typeof dialling === 'object' && dialling.kind === 'dial');
  assert.equal(dialling.number, '0,8912345');
  assert.deepEqual(dialling.steps, [
    { line: 1, text: 'rw^ 0 49$9', what: 'rewritten', number: '498912345' },
    { line: 2, text: 'accept^ 49 esmtp', what: 'other-source', number: '498912345' },
    { line: 3, text: 'accept^ 49 local', what: 'accepted', number: '498912345' },
    { line: 4, text: 'rw^ 49 0,$9', what: 'rewritten', number: '0,8912345' },
    { line: 5, text: 'reject^ 1 local', what: 'no-match', number: '0,8912345' },
  ]);
});

test('a rejection stands, whatever accepted before or would accept behind it', () => {
  const text = 'accept^ . local\nreject^ 0190 local\naccept^ . esmtp\n';
  assert.equal((dial(text, '0190123@fax', 'local') as Dialling).kind, 'refused');
  assert.equal((dial(text, '0190123@fax', 'esmtp') as Dialling).kind, 'dial');
});

test('pauses, tones and waits: what - + # become, and what becomes of them', () => {
  const number = (address: string) => {
    const dialling = dial('accept^ . local\n', address, 'local');
    return typeof dialling === 'object' && dialling.kind === 'dial' ? dialling.number : dialling;
  };
  assert.equal(number('(212) 555-1212@fax'), '212555,1212');
  assert.equal(number('+49 89 123@fax'), '@4989123');
  assert.equal(number('12#34*5w6@fax'), '12#34*5W6');
  assert.equal(number('@fax'), 'no number');
  assert.equal(number('xyz@fax'), 'no number');
  assert.equal(number(`${'1'.repeat(81)}@fax`), 'no number');
  assert.equal(number(`${'1'.repeat(80)}@fax`), '1'.repeat(80));
});

test('the domain is fax with its options, and nothing like it', () => {
  assert.deepEqual(parseFaxDomain('fax'), { lowres: false, ignore: false, cover: false });
  assert.deepEqual(parseFaxDomain('fax-lowres'), { lowres: true, ignore: false, cover: false });
  assert.deepEqual(parseFaxDomain('fax-cover-ignore-cover'), { lowres: false, ignore: true, cover: true });
  for (const no of ['fax-foo', 'fax-', 'faxes', 'fax.example', 'fax-lowres-', 'xfax', '', 'fax--cover']) assert.equal(parseFaxDomain(no), null, no);
});

test('bad lines are told with their number', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['rewrite 1 2', /not rw, accept or reject/], ['rw', /nothing to search/], ['rw^^ 1 2', /flags/], ['accept* 1 local', /flags/],
    ['accept 1 smtp', /source/], ['accept 1', /source/], ['rw 1 2 3', /too many/], ['rw (1 2', /without \)/], ['rw ((1)) 2', /inside/], ['rw 1) 2', /without \(/],
    ['rw () 2', /matches nothing/], ['rw 1;2 3', /never match/], ['rw 1 ATH', /cannot be dialled/], ['rw 1 $0', /digit/], ['rw 1 2;', /cannot be dialled/],
    [`rw ${'(1)'.repeat(9)} 2`, /more than 8/],
  ];
  for (const [line, what] of rows) {
    const parsed = parseFaxRules(`accept^ . local\n${line}\n`);
    assert.ok(parsed.kind === 'wrong', line);
    assert.equal(parsed.problems[0]?.line, 2);
    assert.match(parsed.problems[0]?.what ?? '', what);
  }
});

test('a rule that feeds itself ends, and so does one that grows', () => {
  const round = dial('rw^* 1 1$9\naccept^ . local\n', '15@fax', 'local');
  assert.ok(typeof round === 'object' && round.kind === 'dial');
  assert.equal(round.number, '15');
  const grown = dial('rw^* 1 11$9$9\naccept^ . local\n', '15@fax', 'local');
  assert.equal(typeof grown === 'object' && grown.kind, 'refused');
  assert.match(typeof grown === 'object' && grown.kind === 'refused' ? grown.why : '', /more than 80/);
});

test('captures and the rest', () => {
  const dialling = dial('rw^ (nn)(n).(n) $4$3$2$1*$9\naccept^ . local\n', '12345678@fax', 'local');
  assert.ok(typeof dialling === 'object' && dialling.kind === 'dial');
  assert.equal(dialling.number, '5312*678');
});

test('as shipped, the first rule switches faxing off', () => {
  const dialling = dial('rw^ . 1\naccept 2nnnnnnnnn local\n', '2125551212@fax', 'local');
  assert.equal(typeof dialling === 'object' && dialling.kind, 'refused');
});

test('blocked numbers are whole, or begin with', () => {
  const parsed = parseBlockedNumbers('^0190  # premium\n5551212\n');
  assert.ok(parsed.kind === 'read');
  assert.deepEqual(['0190123', '5551212', '55512123', '10190'].map(number => isBlocked(parsed.value, number)), [true, true, false, false]);
  assert.equal(parseBlockedNumbers('1\nx;\n').kind, 'wrong');
});

/** faxrc made of its own words, and of anything. */
const words = ['rw', 'rw^', 'rw^*', 'accept', 'accept^', 'reject', 'reject^', ' ', '\t', '\n', 'local', 'esmtp', '(n)', '(', ')', 'n', '.', '1', '011', '$1', '$9', '~', ',', '@', '*', '#', ';', '\r', 'W'];
const anyRules = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(fc.constantFrom(...words), { maxLength: 60 }).map(parts => parts.join('')));

test('whatever rules and address say, what is dialled is digits and a modem\'s pauses', () => {
  fc.assert(fc.property(anyRules, fc.oneof(fc.string(), fc.stringMatching(/^[0-9#*+,W-]{1,85}$/)), fc.constantFrom('local', 'esmtp', null), (text, local, source) => {
    const rules = parseFaxRules(text);
    const number = parseFaxNumber(local);
    if (rules.kind === 'wrong') {
      for (const { line, what, right } of rules.problems) assert.ok(line >= 1 && what !== '' && right !== '' && !/\p{Cc}/u.test(what));
      return;
    }
    if (number === null) return;
    const dialling = applyFaxRules(rules.value, number, source);
    if (dialling.kind === 'dial') assert.ok(/^[0-9A-D*#,W@!TP]{1,80}$/.test(dialling.number) && isDialString(dialling.number));
  }), { numRuns: 500 });
});
