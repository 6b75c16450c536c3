import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnswer } from '../../../src/grammar/filter/answer.ts';
import fc from '../../props/fast-check.ts';

/** text, whether the filter has closed, what it means. */
const rows: readonly (readonly [string, boolean, string])[] = [
  ['200 Ok\n', false, 'pass'],
  ['250-One\n250 Two\n', false, 'pass'],
  ['250-One\n', false, 'more'],
  ['250-One\n', true, 'pass'],
  ['2', false, 'more'],
  ['200 Ok', true, 'pass'],
  ['1\n', false, 'pass'],
  ['050 I know this one\n', false, 'final'],
  ['550 No\n', false, '550 5.7.1 No'],
  ['550 No\r\n', false, '550 5.7.1 No'],
  ['550-No\n550-and\n550 no\n', false, '550 5.7.1 No|and|no'],
  ['550 5.1.1 Who?\n', false, '550 5.1.1 Who?'],
  ['550 4.1.1 Who?\n', false, '550 5.7.1 4.1.1 Who?'],
  ['571 Not authorized\n', false, '571 5.7.1 Not authorized'],
  ['451 Later\n', false, '451 4.7.1 Later'],
  ['432\n', false, '432 4.7.1 Message refused'],
  ['550-half\n', true, '550 5.7.1 half'],
  ['', true, 'unreadable'],
  ['', false, 'more'],
  ['\n', false, 'unreadable'],
  ['No way\n', false, 'unreadable'],
  ['5\n', false, 'unreadable'],
  ['55 no\n', false, 'unreadable'],
];

test('each answer means what it means to Courier, or trouble where nobody said no', () => {
  for (const [text, ended, want] of rows) {
    const answer = parseAnswer(text, ended);
    const got = answer === null ? 'more' : answer.kind === 'refused' ? `${answer.reply} ${answer.status} ${answer.text.replaceAll('\n', '|')}` : answer.kind;
    assert.equal(got, want, JSON.stringify(text));
  }
});

test('however an answer is cut, it is the same; nothing but a 5 refuses for good', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom('2', '5', '4', '0', '-', ' ', '\n', 'x', '\r'), { maxLength: 30 }), letters => {
    const text = letters.join('');
    const whole = parseAnswer(text, true);
    assert.ok(whole !== null);
    for (let end = 0; end < text.length; end++) {
      const early = parseAnswer(text.slice(0, end), false);
      if (early !== null) assert.deepEqual(early, whole);
    }
    if (whole.kind === 'refused') assert.ok(text.startsWith(String(whole.reply)) && String(whole.reply)[0] === whole.status[0]);
  }));
});
