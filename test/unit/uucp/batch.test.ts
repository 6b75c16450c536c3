/** Batched SMTP both ways, in every cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Envelope, Recipient, RecipientId } from '../../../src/core/envelope.ts';
import { BATCH_END, formatBatchEnvelope, formatBatchStart, MESSAGE_END } from '../../../src/grammar/uucp/batch.ts';
import { createBatchReader, type BatchEvent } from '../../../src/grammar/uucp/batch-reader.ts';
import { createUnixLines } from '../../../src/grammar/uucp/unix-lines.ts';
import { readCorpus } from '../../props/corpus.ts';
import fc from '../../props/fast-check.ts';

const envelope: Envelope = {
  reversePath: 'ada@there.example' as Address, body: '8bitmime', smtputf8: false, ret: 'hdrs', envid: 'QQ 1+2',
  origin: { source: 'esmtp', protocol: 'ESMTP', at: 0 },
};
const recipients: readonly Recipient[] = [
  { id: 0 as RecipientId, address: 'bob@office.example' as Address, notify: ['success', 'delay'], original: 'rfc822;Bob@office.example' },
  { id: 1 as RecipientId, address: 'far!carol' as Address, notify: 'never' },
];

/** Neighbouring content joined; every way of cutting must give this. */
function read(text: Uint8Array, cuts: readonly number[] = []): { events: BatchEvent[]; place: string } {
  const reader = createBatchReader();
  const events: BatchEvent[] = [];
  let from = 0;
  for (const cut of [...[...new Set(cuts)].filter(one => one < text.length).toSorted((a, b) => a - b), text.length]) {
    for (const event of reader.feed(text.slice(from, cut))) {
      const last = events.at(-1);
      if (event.kind === 'content' && last?.kind === 'content') events[events.length - 1] = { kind: 'content', octets: Buffer.concat([last.octets, event.octets]) };
      else events.push(event);
    }
    from = cut;
  }
  return { events, place: reader.place };
}

function written(contents: readonly Uint8Array[], quit = true): Buffer {
  const pieces: Uint8Array[] = [Buffer.from(formatBatchStart('here.example'))];
  for (const content of contents) {
    const lines = createUnixLines({ dots: true });
    pieces.push(Buffer.from(formatBatchEnvelope(envelope, recipients, true)), lines.feed(content), lines.finish(), Buffer.from(MESSAGE_END));
  }
  return Buffer.concat([...pieces, Buffer.from(quit ? BATCH_END : '')]);
}

test('an envelope is said with its DSN wishes, and read back with them', () => {
  assert.equal(formatBatchEnvelope(envelope, recipients, true), [
    'MAIL FROM:<ada@there.example> BODY=8BITMIME RET=HDRS ENVID=QQ+201+2B2',
    'RCPT TO:<bob@office.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob@office.example',
    'RCPT TO:<far!carol> NOTIFY=NEVER', 'DATA', ''].join('\n'));
  const { events, place } = read(written([Buffer.from('Subject: x\r\n\r\n.\r\n..two\r\nend\r\n')]));
  assert.deepEqual(events.map(({ kind }) => kind), ['mail', 'rcpt', 'rcpt', 'data', 'content', 'end', 'quit']);
  assert.ok(events[0]?.kind === 'mail' && events[0].command.envid === 'QQ 1+2' && events[0].command.ret === 'hdrs');
  assert.ok(events[1]?.kind === 'rcpt' && events[2]?.kind === 'rcpt');
  assert.deepEqual([events[1].command.options, events[2].command.options], [{ notify: ['success', 'delay'], original: 'rfc822;Bob@office.example' }, { notify: 'never' }]);
  assert.equal(Buffer.from(events[4]?.kind === 'content' ? events[4].octets : []).toString(), 'Subject: x\r\n\r\n.\r\n..two\r\nend\r\n');
  assert.equal(place, 'quit');
});

test('every letter of the corpus arrives to the octet, in any cut, written in any cut', () => {
  const letters = readCorpus().map(({ content }) => content);
  const batch = written(letters);
  const bodies = ({ events }: { events: readonly BatchEvent[] }) => events.flatMap(event => (event.kind === 'content' ? [Buffer.from(event.octets).toString('latin1')] : []));
  assert.deepEqual(bodies(read(batch)), letters.map(letter => letter.toString('latin1')));
  fc.assert(fc.property(fc.array(fc.nat(batch.length), { maxLength: 40 }), cuts => assert.deepEqual(bodies(read(batch, cuts)), bodies(read(batch)))), { numRuns: 40 });
  const small = written([Buffer.from('.\r\n..\r\n\r\n.x'), Buffer.from('')]);
  assert.deepEqual(read(small, Array.from({ length: small.length }, (_, n) => n)), read(small));
  for (const letter of letters) {
    fc.assert(fc.property(fc.array(fc.nat(letter.length), { maxLength: 20 }), cuts => {
      const lines = createUnixLines({ dots: true });
      const pieces = [0, ...cuts.toSorted((a, b) => a - b)].map((cut, n, all) => lines.feed(letter.subarray(cut, all[n + 1] ?? letter.length)));
      const whole = createUnixLines({ dots: true });
      assert.deepEqual(Buffer.concat([...pieces, lines.finish()]), Buffer.concat([whole.feed(letter), whole.finish()]));
    }), { numRuns: 20 });
  }
});

test('random content in random pieces survives both ways', () => {
  const line = fc.stringMatching(/^[.a\u00ff]{0,6}$/);
  fc.assert(fc.property(fc.array(line), fc.array(fc.nat(200)), (lines, cuts) => {
    const content = Buffer.from(lines.map(one => `${one}\r\n`).join(''), 'latin1');
    const { events } = read(written([content, content]), cuts);
    const found = events.filter(({ kind }) => kind === 'content').map(event => Buffer.from(event.kind === 'content' ? event.octets : []));
    assert.equal(Buffer.concat(found).toString('latin1'), Buffer.concat([content, content]).toString('latin1'));
    assert.equal(events.filter(({ kind }) => kind === 'end').length, 2);
  }));
});

test('other people\'s batches: EHLO, CRLF, no QUIT, noise', () => {
  const text = 'EHLO there\r\nTICK 1\r\nVERB on\r\nmail from:<a@b.example> SIZE=20\r\nRCPT TO: <c@d.example>\r\nDATA\r\nHi\r\n..\r\n.\r\nNOOP\r\n\r\n';
  assert.deepEqual(read(Buffer.from(text)).events.map(({ kind }) => kind), ['mail', 'rcpt', 'data', 'content', 'end']);
  const broken = read(Buffer.from('HELO x\nMAIL FROM:<a@b.example>\nRCPT TO:<not an address>\nRCPT TO:<c@d.example>\nWIBBLE\nDATA\nhalf a mess'));
  assert.deepEqual(broken.events.map(({ kind }) => kind), ['mail', 'bad-rcpt', 'rcpt', 'wrong', 'data', 'content']);
  assert.equal(broken.place, 'content');
  const long = read(Buffer.from(`RCPT TO:<${'x'.repeat(10_000)}>\nMAIL FROM:<>\n`), [5000, 9000]);
  assert.deepEqual(long.events.map(({ kind }) => kind), ['wrong', 'mail']);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), octets => void read(octets)));
});
