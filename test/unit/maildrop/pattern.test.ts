import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMachine, createMachine, STEP_LIMIT } from '../../../src/grammar/maildrop/pattern/machine.ts';
import { createNative } from '../../../src/grammar/maildrop/pattern/native.ts';
import { compilePattern, type Search } from '../../../src/grammar/maildrop/pattern/pattern.ts';
import { parsePattern } from '../../../src/grammar/maildrop/pattern/syntax.ts';
import fc from '../../props/fast-check.ts';

function search(pattern: string, text: string, { engine = 'best', caseSensitive = true }: { engine?: 'best' | 'machine'; caseSensitive?: boolean } = {}): Search {
  const compiled = compilePattern(pattern, caseSensitive, engine);
  assert.ok(compiled.kind === 'pattern', `${pattern}: ${compiled.kind === 'wrong' ? compiled.what : ''}`);
  return compiled.pattern.search(text);
}

function shown(found: Search): string | null {
  return found.kind === 'found' ? found.groups.map(group => group ?? '-').join('|') : null;
}

test('Perl\'s patterns, on both engines', () => {
  const rows: readonly (readonly [string, string, string | null])[] = [
    ['b+', 'abbbc', 'bbb'], ['b+?', 'abbbc', 'b'], ['^b', 'ab', null], ['b$', 'ab\n', 'b'], ['b\\z', 'ab\n', null], ['a.c', 'a\nc', null], ['(?s)a.c', 'a\nc', 'a\nc'], ['(?m)^b$', 'a\nb\nc', 'b'],
    ['(a)|(b)', 'b', 'b|-|b'], ['(a|ab)(c|bcd)', 'abcd', 'abcd|a|bcd'], ['(?:(a)|b)*', 'ab', 'ab|a'], ['(a*)+', 'b', '|'], ['(a|b)*?c', 'abc', 'abc|b'],
    ['(\\w)\\1', 'abccd', 'cc|c'], ['(a)?\\1b', 'b', null], ['x(?=y)', 'xzxy', 'x'], ['x(?!y)', 'xyxz', 'x'], ['(?<=a|bc)d', 'xbcd', 'd'], ['(?<!a)d', 'adbd', 'd'], ['(?=(a+))a*b\\1', 'aaab', null], ['(?=(a))', 'xa', '|a'],
    ['(?>a*)a', 'aaa', null], ['a*+b', 'aaab', 'aaab'], ['a{2}', 'aaa', 'aa'], ['a{2,}', 'aaa', 'aaa'], ['a{,2}', 'a{,2}', 'a{,2}'], ['a{0}b', 'ab', 'b'],
    ['[[:upper:]\\d]+', 'abC1', 'C1'], ['[^[:^digit:]]', 'a1', '1'], ['[]-a]', ']', ']'], ['[a-]', '-', '-'], ['[\\x41-\\x{43}]', 'B', 'B'], ['\\x{e9}', 'é', 'é'], ['\\101', 'A', 'A'], ['\\cA', '\u0001', '\u0001'],
    ['\\Qa.b\\E+', 'a.bb', 'a.bb'], ['a(?#said)b', 'ab', 'ab'], ['\\bfoo\\B', 'foot', 'foo'], ['\\R', '\r\n', '\r\n'], ['\\h+\\H', ' \tx', ' \tx'], ['\\p{Lu}\\P{Lu}', 'aÉé', 'Éé'], ['.', '😀', '😀'], ['^.$', '😀', '😀'], ['(?P<n>a)(?<m>b)', 'ab', 'ab|a|b'], ['', 'x', ''], ['a||b', 'b', ''],
  ];
  for (const [pattern, text, wanted] of rows) {
    for (const engine of ['best', 'machine'] as const) {
      if (pattern.includes('\\101')) continue;
      assert.equal(shown(search(pattern, text, { engine })), wanted, `/${pattern}/ ${engine}`);
    }
  }
  for (const [pattern, text] of [['STRASSE', 'strasse'], ['É', 'é'], ['[a-z]+', 'ABC'], ['[^a]', 'b'], ['(A)\\1', 'aA'], ['(?-i)a(?i)B', 'ab']] as const) {
    for (const engine of ['best', 'machine'] as const) assert.equal(search(pattern, text, { engine, caseSensitive: false }).kind, 'found', `/${pattern}/ ${engine}`);
  }
  for (const [pattern, text] of [['[^a]', 'A'], ['(?-i)a', 'A']] as const) assert.equal(search(pattern, text, { caseSensitive: false }).kind, 'none', pattern);
});

test('what is no pattern is said, with its place', () => {
  for (const [pattern, what] of [['(', /no \), at character 1/], ['a)', /without its \(/], ['[a', /no \]/], ['*a', /nothing to repeat/], ['a**', /nothing to repeat, at character 3/], ['^*', /nothing to repeat/], ['(?R)', /not known here/], ['(?(1)a)', /not known here/], ['(*FAIL)', /verbs/], ['[[:foo:]]', /\[:foo:\]/], ['(a)\\2', /no group 2/], ['a{3,2}', /upper bound/], ['a{70000}', /repetitions/], ['(?<=a+)b', /no fixed width/], ['\\y', /not known/], ['[b-a]', /backwards/], ['\\p{Nope}', /property/], ['a\\', /very end/], ['('.repeat(500), /groups within each other/], ['(((a{500}){500}){500})*', /too large/]] as const) {
    const compiled = compilePattern(pattern, false);
    assert.match(compiled.kind === 'wrong' ? compiled.what : 'no complaint', what, pattern);
  }
});

test('patterns that run away elsewhere end here: the steps are counted, not the seconds', () => {
  const steps = (pattern: string, text: string): Search => search(pattern, text, { engine: 'machine' });
  const line = 'a'.repeat(20_000);
  for (const pattern of ['(a+)+$', '(a|aa)+$', '(a|a?)+=$', '(.*a){12}$', '(a*)*b', '^(([a-z])+.)+[A-Z]([a-z])+$', '.*.*.*=.*$', '(x+x+)+y', '(?:a?){30}a{30}b']) {
    assert.equal(steps(pattern, `${line}!`).kind, 'none', pattern);
  }
  // Back references have no memory to lean on; a count ends them.
  assert.equal(steps('(a*)*\\1b', `${'a'.repeat(300)}c`).kind, 'costly');
  assert.ok(STEP_LIMIT <= 10_000_000);
  // A line too long to remember is counted too.
  assert.notEqual(steps('((a+)+)+$', `${'a'.repeat(4_000_000)}b`).kind, 'found');
});

test('only what cannot run away is left to the language\'s own expressions', () => {
  const native = (pattern: string) => {
    const parsed = parsePattern(pattern, false);
    assert.ok(parsed.kind === 'pattern');
    return createNative(parsed.tree);
  };
  for (const pattern of ['^Subject:.*foo', '^From:\\s*(.*)@(.*)', 'a|b|c', '[a-z]{2,5}x', '(foo)?bar', '(?:ab)+']) assert.equal(native(pattern)?.affords(200), true, pattern);
  for (const pattern of ['(a+)+', '(a|aa)*', '(a?)*', '(?:(a)|b)*', 'a++', '(?>a)', '(a)\\1', '(?=a)', '(.*a){3}', '(?i)a(?-i)b']) assert.equal(native(pattern), null, pattern);
  assert.equal(native('.*.*.*x')?.affords(200), false);
  assert.equal(native('.*x')?.affords(1_000_000), false);
});

test('both engines find the same, groups included', () => {
  const atom = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\s', '^', '$', '\\b', 'é', ' ');
  const simple = fc.oneof(atom, fc.tuple(fc.constantFrom('a', 'b', '.', '[ab]'), fc.constantFrom('*', '+', '?', '*?', '+?', '{2}', '{1,3}')).map(parts => parts.join('')));
  const within = (inner: fc.Arbitrary<string>): fc.Arbitrary<string> => {
    const group = fc.tuple(fc.constantFrom('(', '(?:'), inner, inner, fc.constantFrom('', '?', '??', '*', '+', '{1,2}')).map(([open, left, right, count]) => `${open}${left}|${right})${count}`);
    return fc.array(fc.oneof(simple, group), { maxLength: 3 }).map(parts => parts.join(''));
  };
  const pattern = within(within(simple));
  fc.assert(fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', ' ', 'é', 'É', '\n'), maxLength: 12 }), fc.boolean(), (source, text, caseSensitive) => {
    const compiled = compilePattern(source, caseSensitive);
    if (compiled.kind === 'wrong') return;
    assert.deepEqual(compiled.pattern.search(text), search(source, text, { engine: 'machine', caseSensitive }), `/${source}/ on ${JSON.stringify(text)}`);
  }), { numRuns: 500 });
});

test('any text is a pattern or is wrong, and its search ends', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '(', ')', '[', ']', '{', '}', '*', '+', '?', '|', '^', '$', '.', '\\', '1', ',', '-', ':', '=', '!', '<', 'Q', 'E', 'x') }), fc.string({ unit: fc.constantFrom('a', 'b', '1', '-') }), (source, text) => {
    const parsed = parsePattern(source, false);
    if (parsed.kind === 'wrong') return;
    const machine = createMachine(parsed.tree, parsed.groups, parsed.hasBack);
    if (machine !== null) assert.ok(['found', 'none', 'costly'].includes(runMachine(machine, text, 0).kind));
  }));
});
