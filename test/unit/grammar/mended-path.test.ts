import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMail, parseRcpt } from '../../../src/grammar/smtp/command.ts';
import { mendPath } from '../../../src/grammar/smtp/mended-path.ts';
import fc from '../../props/fast-check.ts';

test('what firmware writes after MAIL and RCPT is read as it was meant', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['FROM:<a@b.example>', 'FROM:<a@b.example>'],
    ['FROM:a@b.example', 'FROM:<a@b.example>'],
    ['FROM: a@b.example', 'FROM:<a@b.example>'],
    ['from : <a@b.example>', 'FROM:<a@b.example>'],
    ['FROM a@b.example', 'FROM:<a@b.example>'],
    ['FROM:<a@b.example', 'FROM:<a@b.example>'],
    ['FROM:< a@b.example >', 'FROM:<a@b.example>'],
    ['FROM:Scanner 2 <a@b.example>', 'FROM:<a@b.example>'],
    ['FROM:"Scanner" <a@b.example>', 'FROM:<a@b.example>'],
    ['FROM:"a@b.example"', 'FROM:<a@b.example>'],
    ['FROM:mailto:a@b.example;', 'FROM:<a@b.example>'],
    ['FROM:a@192.168.1.5', 'FROM:<a@[192.168.1.5]>'],
    ['FROM:<a@192.168.1.5>', 'FROM:<a@[192.168.1.5]>'],
    ['FROM:scanner', 'FROM:<scanner>'],
    ['FROM:scanner@', 'FROM:<scanner>'],
    ['FROM:<>', 'FROM:<>'],
    ['FROM:', 'FROM:<>'],
    ['FROM:a@b.example SIZE=100 X-JUNK=1 BODY=8BITMIME', 'FROM:<a@b.example> SIZE=100 BODY=8BITMIME'],
    ['FROM:<a@b.example>SIZE=100', 'FROM:<a@b.example> SIZE=100'],
    ['TO:<a@b.example>', 'TO:<a@b.example>'],
    ['nonsense', 'nonsense'],
  ];
  for (const [written, meant] of rows) assert.equal(mendPath(written, written.startsWith('TO') ? 'TO' : 'FROM', true), meant, written);
  assert.equal(mendPath('FROM:<a@b.example> SIZE=100', 'FROM', false), 'FROM:<a@b.example>', 'after HELO there are no parameters');
  assert.equal(mendPath('TO:<a@b.example>', 'FROM', true), 'TO:<a@b.example>', 'the other command\'s word stays wrong');
});

test('what was right keeps its meaning, and nothing makes two commands of one', () => {
  const local = fc.stringMatching(/^[a-z0-9]{1,8}(\.[a-z0-9]{1,8}){0,2}$/);
  fc.assert(fc.property(local, local, (name, domain) => {
    const address = `${name}@${domain}.example`;
    assert.deepEqual(parseMail(mendPath(`FROM:<${address}>`, 'FROM', true)), parseMail(`FROM:<${address}>`));
    assert.deepEqual(parseRcpt(mendPath(`TO:${address}`, 'TO', true)), parseRcpt(`TO:<${address}>`));
  }));
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), text => {
    const mended = mendPath(`FROM:${text}`, 'FROM', true);
    const parsed = parseMail(mended);
    if (parsed.kind === 'mail') assert.doesNotMatch(parsed.reversePath ?? '', /[\s<>]/);
  }), { numRuns: 2000 });
});
