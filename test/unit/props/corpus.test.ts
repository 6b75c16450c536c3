/** The corpus stays what it says it is: lines of at most 998 octets, no personal names, and the oddities it is for. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { plan } from '../../demo/plan.ts';
import { readCorpus } from '../../props/corpus.ts';

const corpus = readCorpus();
const letter = (name: string): string => corpus.find((one) => one.name === name)?.content.toString('latin1') ?? '';

test('every letter is fit to be sent, listed, and planned for', () => {
  assert.ok(corpus.length >= 12);
  const list = readFileSync(join(import.meta.dirname, '..', '..', 'corpus', 'README.md'), 'utf8');
  for (const { name, content, subject } of corpus) {
    const lines = content.toString('latin1').split('\r\n');
    assert.ok(lines.every((line) => line.length <= 998 && !/[\r\n]/.test(line)), name);
    assert.notEqual(subject, '', name);
    assert.match(list, new RegExp(`^\\| ${name} \\|`, 'm'));
    assert.ok(plan.some((one) => one.letter === name), `${name} takes part in the demonstration`);
    for (const [, domain = ''] of content.toString('latin1').matchAll(/[\w.=-]+@([\w.-]+)/g)) assert.match(domain, /\.example$/, name);
  }
});

test('the oddities are there', () => {
  assert.match(letter('signed'), /: {3}\r\n[^]*\t\r\n[^]*\r\n\r\n\r\n\r\n$/);
  assert.match(letter('leading-dots'), /\r\n\.\r\n\.\.\r\n\.\.\.three\r\n[^]*\r\n\.\r\n$/);
  assert.ok(letter('long-lines').split('\r\n').some((line) => line.length === 998));
  assert.deepEqual(corpus.filter((one) => one.has8bit).map((one) => one.name), ['html-with-picture', 'latin1-eight-bit', 'utf8-text']);
});
