/** Rules for a message's own octets, through the intake: what is kept, what is refused, and what stays to the octet. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Origin } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import { createIntake } from '../../../src/flow/intake/index.ts';
import { createMemoryQueue } from '../../../src/flow/queue/index.ts';
import { createRevisers, type MessageRules } from '../../../src/flow/revise/index.ts';
import { mailRulesOf } from '../../../src/grammar/config/ways-in/mail-rules.ts';
import { createHolding } from '../../../src/kit/file/holding.ts';
import { createMetrics } from '../../../src/kit/metrics.ts';
import fc from '../../props/fast-check.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { addressOf, factsOf, kernels } from '../../props/inspected.ts';
import { scratchFor } from '../../props/scratch.ts';
import { eventually } from '../../props/within.ts';

const stranger: Origin = { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.9', helo: 'there.example', at: 0 };
const PLAIN = 'Date: x\r\nMessage-ID: <1@x>\r\nTo: b@here.example\r\n\r\nbody\r\n';
const HTML = 'Date: x\r\nMime-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p>caf\u00e9</p>\r\n';
const TWICE = 'Subject: x\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx\r\n';

interface Given {
  readonly variables?: Readonly<Record<string, string>>;
  readonly header?: Partial<MessageRules['header']>;
  readonly trusted?: boolean;
  readonly smtputf8?: boolean;
  readonly step?: number;
}

function box(t: TestContext) {
  const clock = createHandClock();
  const store = createMemoryQueue({ clock, kernels });
  const folder = scratchFor(t, 'revise');
  let held = 0;
  async function send(text: string, { variables = {}, header = {}, trusted = false, smtputf8 = false, step = 1000 }: Given = {}) {
    const intake = createIntake({
      store, clock, checks: [], variables: () => new Map(Object.entries(variables)), log: silent, metrics: createMetrics(), trace: () => new Uint8Array(),
      limits: { headerOctets: 100_000, receivedFields: 100, fields: 500, sizeOctets: 0, submitDelayMs: 0 },
      revisers: createRevisers({
        kernels,
        hold: () => createHolding(join(folder, `W${++held}`)),
        rules: (envelope, own) => ({ mime: mailRulesOf(own, trusted), smtputf8: envelope.smtputf8, header: { address: null, despiteSignature: false, ...header } }),
      }),
    });
    const transaction = await intake.open(stranger);
    assert.ok(transaction.kind === 'open');
    await transaction.mail(addressOf('a@there.example'), { smtputf8 });
    await transaction.rcpt(addressOf('b@here.example'), {});
    const writer = await transaction.data();
    assert.ok(writer.kind === 'writer');
    const octets = Buffer.from(text, 'latin1');
    for (let at = 0; at < octets.length; at += step) await writer.write(Buffer.from(octets.subarray(at, at + step)));
    const answer = await writer.end(factsOf(octets));
    if (answer.kind === 'refused') return { refusal: `${answer.reply} ${answer.status}`, text: answer.text, kept: '' };
    const message = store.get(answer.id)?.message;
    assert.ok(message !== undefined);
    const content = await store.content({ id: answer.id, message });
    assert.ok(content.kind === 'content', 'the digest is that of what is stored');
    const pieces: Uint8Array[] = [];
    for await (const piece of content.read()) pieces.push(piece);
    const kept = Buffer.concat(pieces);
    assert.deepEqual(message.facts, factsOf(kept), 'the facts are those of what is stored');
    return { refusal: '', text: '', kept: kept.toString('latin1') };
  }
  return { send, folder, left: () => readdirSync(folder) };
}

test('by default what comes is kept to the octet, however it comes', async t => {
  const { send } = box(t);
  for (const text of [PLAIN, HTML, '', 'no header', '\r\nbody only\r\n', 'Subject: no end', HTML + 'x\r\n'.repeat(100_000)]) {
    for (const step of [1 + (text.length >> 4), 7 + text.length]) assert.equal((await send(text, { step })).kept, text);
  }
});

test('BOFHBADMIME not set: a stranger\'s malformed MIME is refused, a client\'s that may relay is taken', async t => {
  const { send } = box(t);
  const rows: readonly (readonly [string, string, RegExp])[] = [
    [TWICE, '550 5.6.0', /duplicate field/],
    ['Content-Transfer-Encoding: uuencode\r\n\r\nx\r\n', '550 5.6.0', /unknown encoding/],
    ['Content-Type: multipart/mixed; boundary=""\r\n\r\nx\r\n', '550 5.6.0', /bad boundary/],
    [`Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(301)}--b--\r\n`, '550 5.6.0', /complexity/],
    ['Subject: caf\u00e9\r\nContent-Type: text/plain\r\n\r\ncaf\u00e9\r\n', '', /^$/],
  ];
  for (const [text, refusal, why] of rows) {
    const answer = await send(text);
    assert.equal(answer.refusal, refusal, text.slice(0, 80));
    assert.match(answer.text, why);
    assert.equal((await send(text, { trusted: true })).kept, text);
    assert.equal((await send(text, { variables: { BOFHBADMIME: 'accept' } })).kept, text);
  }
});

test('BOFHBADMIME=reject: 8-bit headers and undeclared 8-bit bodies too, but not what SMTPUTF8 announced', async t => {
  const { send } = box(t);
  const variables = { BOFHBADMIME: 'reject' };
  const header = 'Subject: caf\u00e9\r\n\r\nx\r\n';
  assert.match((await send(header, { variables })).text, /^Header has octets above 127/);
  assert.equal((await send(header, { variables, smtputf8: true })).kept, header);
  assert.match((await send('Subject: x\r\n\r\ncaf\u00e9\r\n', { variables, trusted: true })).text, /^Body has octets above 127/);
  assert.equal((await send(HTML, { variables })).kept, HTML);
  const inner = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ncaf\u00e9\r\n--b--\r\n`;
  assert.match((await send(inner, { variables })).text, /^Body has/);
});

test('limits of depth and of parts, and text that hides in base64', async t => {
  const { send } = box(t);
  const two = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n';
  assert.equal((await send(two, { variables: { BOFHMIMEPARTS: '3', BOFHMIMEDEPTH: '2' } })).kept, two);
  assert.match((await send(two, { variables: { BOFHMIMEPARTS: '2' } })).text, /complexity/);
  assert.match((await send(two, { variables: { BOFHMIMEDEPTH: '1' } })).text, /complexity/);
  const coded = (body: string) => `Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(body).toString('base64')}\r\n`;
  const variables = { BOFHNOBASE64TEXT: '1' };
  assert.match((await send(coded('buy now'), { variables })).text, /base64/);
  for (const needed of ['caf\u00e9', 'x'.repeat(1200), 'a\0b']) assert.equal((await send(coded(needed), { variables })).kept, coded(needed));
  assert.equal((await send(coded('buy now'))).kept, coded('buy now'));
});

test('BOFHBADMIME=wrap: the original is attached to an explanation, its size no matter, and nothing is left beside the queue', async t => {
  const { send, left } = box(t);
  const variables = { BOFHBADMIME: 'wrap' };
  for (const body of ['x', 'A line of a large message.\r\n'.repeat(40_000)]) {
    const { kept } = await send(`Subject: caf\u00e9\r\n\r\n${body}\r\n`, { variables, step: 60_000 });
    assert.match(kept, /^Subject: caf\?\r\nMime-Version: 1.0\r\nContent-Type: multipart\/mixed; boundary="=_[0-9a-f]{32}"\r\n/);
    assert.match(kept, /attached as plain text: 8-bit header\./);
    assert.ok(kept.length > body.length);
    const fine = `Subject: x\r\n\r\n${body}\r\n`;
    assert.equal((await send(fine, { variables, step: 60_000 })).kept, fine);
  }
  await eventually(10_000, 'an empty folder', () => left().length === 0);
});

test('BOFHBADMIME=wrap with a disk that takes nothing: 451, and the next small message is taken', async t => {
  const { send, folder } = box(t);
  rmSync(folder, { recursive: true });
  const variables = { BOFHBADMIME: 'wrap' };
  assert.equal((await send(`Subject: caf\u00e9\r\n\r\n${'x\r\n'.repeat(200_000)}`, { variables, step: 60_000 })).refusal, '451 4.3.0');
  assert.match((await send('Subject: caf\u00e9\r\n\r\nx\r\n', { variables })).kept, /attached as plain text/);
});

test('MIME=7bit and MIME=8bit convert, MIME=labels puts in what is missing, and a signed message is left alone', async t => {
  const { send } = box(t);
  const seven = await send(HTML, { variables: { MIME: '7bit' } });
  assert.match(seven.kept, /Content-Transfer-Encoding: quoted-printable\r\n[^]*<p>caf=E9<\/p>/);
  const eight = await send(seven.kept, { variables: { MIME: '8bit' } });
  assert.match(eight.kept, /Content-Transfer-Encoding: 8bit\r\n[^]*<p>caf\u00e9<\/p>/);
  const bare = 'Mime-Version: 1.0\r\n\r\nx\r\n';
  assert.equal((await send(bare, { variables: { MIME: 'labels' } })).kept, 'Mime-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nx\r\n');
  assert.equal((await send(PLAIN, { variables: { MIME: 'labels' } })).kept, PLAIN, 'no MIME, no labels');
  for (const MIME of ['7bit', '8bit', 'labels']) {
    const signed = `DKIM-Signature: v=1; a=rsa-sha256\r\n${HTML}`;
    assert.equal((await send(signed, { variables: { MIME } })).kept, signed);
  }
  assert.match((await send('Subject: x\r\n\r\ncaf\u00e9\r\n', { variables: { MIME: '7bit' } })).kept, /quoted-printable/);
  const wrapped = await send('Subject: caf\u00e9\r\n\r\nx\r\n', { variables: { MIME: '8bit', BOFHBADMIME: 'wrap' } });
  assert.match(wrapped.kept, /8-bit header/);
});

test('Return-Path of others is renamed, addresses are rewritten in five fields, and everything else stays', async t => {
  const { send } = box(t);
  const address = (written: string) => (written.includes('@') ? written : `${written}@here.example`);
  const text = 'Return-path: <spy@x.example>\r\nFrom: Ann <ann>,\r\n\tbob@there.example\r\nX-To: carl\r\nReply-To: dora (\u00e9)\r\nSubject: ann\r\n\r\nFrom: ann\r\nReturn-Path: body\r\n';
  const { kept } = await send(text, { header: { address } });
  assert.equal(kept, text.replace('Return-path', 'Old-Return-path').replace('<ann>', '<ann@here.example>').replace('dora', 'dora@here.example'));
  const signed = `DKIM-Signature: v=1\r\nFrom: ann\r\n\r\nx\r\n`;
  assert.equal((await send(signed, { header: { address } })).kept, signed, 'a signature above the addresses covers them');
  assert.match((await send(signed, { header: { address, despiteSignature: true } })).kept, /From: ann@here\.example/);
  assert.match((await send(`From: ann\r\nDKIM-Signature: v=1\r\n\r\nx\r\n`, { header: { address } })).kept, /From: ann@here\.example/);
});

test('whatever comes and however it is cut, it is kept whole or refused', async t => {
  const { send } = box(t);
  const piece = fc.constantFrom('Mime-Version: 1.0\r\n', 'Content-Type: multipart/mixed; boundary=b\r\n', 'Content-Type: text/plain\r\n', 'DKIM-Signature: v\r\n', 'Return-Path: <a@b>\r\n', '\r\n', '--b\r\n', '--b--\r\n', 'text\r\n', 'caf\u00e9\r\n', 'Content-Transfer-Encoding: base64\r\n', ' folded\r\n', 'x'.repeat(1200));
  await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.constantFrom('', 'reject', 'wrap', 'accept'), fc.constantFrom('', '7bit', '8bit', 'labels'), fc.integer({ min: 1, max: 300 }), async (pieces, BOFHBADMIME, MIME, step) => {
    const text = pieces.join('');
    const whole = await send(text, { variables: { BOFHBADMIME, MIME }, step: text.length + 1 });
    assert.deepEqual(await send(text, { variables: { BOFHBADMIME, MIME }, step }), whole);
    if (MIME === '' && BOFHBADMIME !== 'wrap' && whole.refusal === '') assert.equal(whole.kept.replaceAll('Old-Return-Path', 'Return-Path'), text);
  }), { numRuns: 200 });
});
