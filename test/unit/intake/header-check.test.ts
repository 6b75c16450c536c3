/** One look over a header: what it lacks, how far it came, how long it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentFacts } from '../../../src/core/content.ts';
import { readHeader, type HeaderLimits } from '../../../src/flow/intake/header-check.ts';

const limits: HeaderLimits = { headerOctets: 100_000, receivedFields: 3, fields: 12 };

function read(header: string, body = 'Date: in the body\r\n', cut = Number.MAX_SAFE_INTEGER): ReturnType<typeof readHeader> {
  const octets = Buffer.from(`${header}\r\n${body}`, 'latin1');
  const facts: ContentFacts = { has8bit: false, hasNul: false, header8bit: false, sizeOctets: octets.length, bareCr: 0, bareLf: 0, longestLine: 80, headerEnd: header.length + 2, digest: Buffer.alloc(16) };
  return readHeader([octets.subarray(0, cut), octets.subarray(cut)].filter(({ length }) => length > 0), facts, limits, true);
}

const missing = (header: string) => {
  const found = read(header);
  return found.kind === 'header' ? found.missing : found.status;
};

for (const [what, header, lacks] of [
  ['all is there', 'Date: x\r\nMessage-ID: <a@b>\r\nTo: c@d\r\n', []],
  ['in any case, with blanks before the colon', 'dAtE : x\r\nMESSAGE-id\t :<a@b>\r\ncC: c@d\r\n', []],
  ['nothing is there, and the body does not count', 'Subject: x\r\n', ['date', 'message-id', 'to']],
  ['a name that only begins so is another one', 'Date-Received: x\r\nMessage-IDs: y\r\nTopic: z\r\nCcc: z\r\n', ['date', 'message-id', 'to']],
  ['a name without its colon is none', 'Date\r\nMessage-ID <a@b>\r\nTo\r\n', ['date', 'message-id', 'to']],
  ['what continues a line begins no field', 'Subject: x\r\n Date: x\r\n\tTo: c@d\r\nMessage-ID: <a@b>\r\n', ['date', 'to']],
  ['Bcc is no To', 'Bcc: c@d\r\nDate: x\r\n', ['message-id', 'to']],
  ['an empty header', '', ['date', 'message-id', 'to']],
] as const) {
  test(`what a header lacks: ${what}`, () => {
    assert.deepEqual(missing(header), lacks);
  });
}

test('the header may come in pieces', () => {
  const header = 'Subject: x\r\nDate: x\r\nMessage-ID: <a@b>\r\nTo: c@d\r\n';
  for (let cut = 1; cut < header.length; cut++) assert.deepEqual(read(header, '', cut), { kind: 'header', missing: [] }, `cut at ${cut}`);
});

test('as many Received fields as there may be, and one more is a loop', () => {
  const received = 'received\t: from a\r\n by b; Received: no\r\n';
  assert.equal(read(received.repeat(3)).kind, 'header');
  const found = read(received.repeat(4));
  assert.deepEqual(found.kind === 'refused' && [found.reply, found.status], [554, '5.4.6']);
  assert.equal(read('Received-SPF: pass\r\n'.repeat(4)).kind, 'header', 'another field');
});

test('as many fields as there may be, however often they are folded, and one more is too many', () => {
  const field = 'X-Note: a\r\n b\r\n\tc\r\n';
  assert.equal(read(field.repeat(12)).kind, 'header');
  assert.equal(read(field.repeat(13)).kind, 'refused');
});
