import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mailRulesOf, parseMailRules } from '../../../src/grammar/config/ways-in/mail-rules.ts';
import { percentInward, percentOutward } from '../../../src/grammar/percent-relay.ts';

const said = (variables: Readonly<Record<string, string>>, trusted = false) => parseMailRules(new Map(Object.entries(variables)), trusted);

test('without a word: strangers\' MIME must be sound, who may relay sends what he likes, and nothing is converted', () => {
  const limits = { depth: 20, parts: 300 };
  assert.deepEqual(mailRulesOf(new Map(), false), { convert: 'none', malformed: 'reject', refuseRaw8bit: false, refuseBase64Text: false, limits, rewrite: 'unsigned' });
  assert.deepEqual(mailRulesOf(new Map(), true), { convert: 'none', malformed: 'accept', refuseRaw8bit: false, refuseBase64Text: false, limits, rewrite: 'unsigned' });
});

test('each variable means what it says, empty is not said, and a wrong one is named', () => {
  const all = said({ MIME: '7bit', BOFHBADMIME: 'WRAP', BOFHNOBASE64TEXT: '1', BOFHMIMEDEPTH: '5', BOFHMIMEPARTS: '10', NOADDRREWRITE: '0' });
  assert.deepEqual(all, { kind: 'read', value: { convert: '7bit', malformed: 'wrap', refuseRaw8bit: true, refuseBase64Text: true, limits: { depth: 5, parts: 10 }, rewrite: 'always' } });
  assert.deepEqual(said({ MIME: '', BOFHBADMIME: '', NOADDRREWRITE: '' }), said({}));
  for (const [name, value] of [['MIME', '9bit'], ['BOFHBADMIME', 'drop'], ['BOFHMIMEDEPTH', '0'], ['BOFHMIMEPARTS', 'many'], ['NOADDRREWRITE', '3']] as const) {
    const wrong = said({ [name]: value });
    assert.equal(wrong.kind, 'wrong', name);
    assert.ok(wrong.kind === 'wrong' && wrong.problems[0]?.right.startsWith(`${name}=`), name);
    assert.deepEqual(mailRulesOf(new Map([[name, value]]), false), mailRulesOf(new Map(), false), 'at work it counts as not said');
  }
});

test('a domain behind ours is reached by its percent form, and leaves by it', () => {
  const ours = { has: (domain: string) => domain === 'here.example' };
  const behind = { has: (domain: string) => domain.endsWith('inner.example') };
  const rows: readonly (readonly [string, string])[] = [
    ['ann%inner.example@here.example', 'ann@inner.example'],
    ['ann%deep%x.inner.example@here.example', 'ann%deep@x.inner.example'],
    ['ann%inner.example@there.example', 'ann%inner.example@there.example'],
    ['ann%other.example@here.example', 'ann%other.example@here.example'],
    ['%inner.example@here.example', '%inner.example@here.example'],
    ['ann%@here.example', 'ann%@here.example'],
    ['"ann%inner.example"@here.example', '"ann%inner.example"@here.example'],
    ['ann', 'ann'],
  ];
  for (const [written, wanted] of rows) assert.equal(percentInward(written, ours, behind), wanted);
  assert.equal(percentOutward('ann@inner.example', behind, 'here.example'), 'ann%inner.example@here.example');
  assert.equal(percentOutward('ann@there.example', behind, 'here.example'), 'ann@there.example');
  assert.equal(percentInward(percentOutward('a%b@inner.example', behind, 'here.example'), ours, behind), 'a%b@inner.example');
});
