import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyHeaderRules } from '../../../src/grammar/header/rules.ts';

const asItIs = { address: null, despiteSignature: false };
const signature = (h: string): string => `DKIM-Signature: v=1; a=rsa-sha256; d=there.example;\r\n\ts=one; h=${h}; bh=abc=;\r\n\tb=def=\r\n`;
const returned = 'return-path : <a@there.example>\r\nFrom: a@there.example\r\n\r\n';

for (const [what, header, kept] of [
  ['nobody signed', '', false],
  ['a signature leaves it out', signature('from:x-return-path:subject'), false],
  ['a signature covers it', signature('from:\r\n\tReturn-Path:subject'), true],
  ['a signature covers it first', signature('return-path'), true],
  ['the second of two covers it', `${signature('from')}${signature('from : return-path')}`, true],
  ['another field says so', 'X-Note: h=return-path\r\n', false],
] as const) {
  test(`a Return-Path that came along, and ${what}: ${kept ? 'stays' : 'is called old'}`, () => {
    assert.equal(applyHeaderRules(header + returned, asItIs), header + (kept ? returned : `Old-${returned}`));
  });
}
