/** What devices send, and what is sent on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentFacts } from '../../../src/core/content.ts';
import type { Address, MessageId } from '../../../src/core/envelope.ts';
import type { ContentWriter } from '../../../src/core/intake.ts';
import { MendedContent, type ContentWishes } from '../../../src/flow/devices/mended-content.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import fc from '../../props/fast-check.ts';

const kernels = openKernels();
const FROM = 'scanner@example.com' as Address;
const WISHES: ContentWishes = { from: FROM, replaceFrom: false, charset: 'windows-1252', subject: 'Message from ups' };

function factsOf(octets: Uint8Array): ContentFacts {
  const scan = kernels.openScan();
  scan.feed(octets);
  return scan.facts();
}

/** Cut in pieces of at most `piece` octets; gives what the intake saw, with the facts it was told. */
async function mended(text: string, wishes: Partial<ContentWishes> = {}, piece = Number.MAX_SAFE_INTEGER): Promise<{ readonly text: string; readonly facts: ContentFacts; readonly writes: number }> {
  const octets = Buffer.from(text, 'latin1');
  const written: Uint8Array[] = [];
  let told: ContentFacts | null = null;
  const behind: ContentWriter = {
    kind: 'writer',
    write(chunk) {
      written.push(chunk);
      return undefined;
    },
    async end(facts) {
      told = facts;
      return { kind: 'queued', id: 'X' as MessageId, refused: new Map() };
    },
  };
  const content = new MendedContent(behind, kernels, { ...WISHES, ...wishes });
  for (let at = 0; at < octets.length; at += piece) await content.write(octets.subarray(at, at + piece));
  await content.end(factsOf(octets));
  assert.ok(told !== null);
  const out = Buffer.concat(written);
  assert.deepEqual(told, factsOf(out), 'the facts are those of what was written');
  return { text: out.toString('latin1'), facts: told, writes: written.length };
}

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

test('a message in order passes as it is', async () => {
  const text = 'From: a@b.example\r\nSubject: x\r\nDate: Fri, 1 Mar 2024 00:00:00 +0000\r\n\r\nplain\r\n';
  assert.equal((await mended(text)).text, text);
  const mime = `From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${utf8('grün')}\r\n`;
  assert.equal((await mended(mime)).text, mime);
  assert.equal((await mended('From: a@b.example\r\nContent-Type: application/pdf\r\n\r\nJVBE', {}, 1)).text, 'From: a@b.example\r\nContent-Type: application/pdf\r\n\r\nJVBE');
});

test('what a header lacks is added, what no mail may have is put right', async () => {
  const rows: readonly (readonly [string, string, Partial<ContentWishes>?])[] = [
    // No From at all.
    ['Subject: x\r\n\r\nhi\r\n', 'Subject: x\r\nFrom: <scanner@example.com>\r\n\r\nhi\r\n'],
    // No header at all.
    ['Power failure\r\nBattery 5 min\r\n', 'From: <scanner@example.com>\r\nSubject: Message from ups\r\n\r\nPower failure\r\nBattery 5 min\r\n'],
    ['\r\nPower failure\r\n', 'From: <scanner@example.com>\r\nSubject: Message from ups\r\n\r\nPower failure\r\n'],
    ['Status: on battery\r\n\r\nPower failure\r\n', 'From: <scanner@example.com>\r\nSubject: Message from ups\r\n\r\nStatus: on battery\r\n\r\nPower failure\r\n'],
    ['', 'From: <scanner@example.com>\r\nSubject: Message from ups\r\n\r\n'],
    // A header that never ends.
    ['Subject: x\r\nTo: <y@z.example>\r\n', 'Subject: x\r\nTo: <y@z.example>\r\nFrom: <scanner@example.com>\r\n\r\n'],
    ['Subject: x', 'Subject: x\r\nFrom: <scanner@example.com>\r\n\r\n'],
    // A clock without a battery.
    ['From: a@b.example\r\nDate: Thu, 01 Jan 1970 00:03:11 GMT\r\nSubject: x\r\n\r\n', 'From: a@b.example\r\nSubject: x\r\n\r\n'],
    // Providers refuse foreign senders.
    ['From: "Scanner \\"2\\"" <scan@local>\r\nSender: x@local\r\nTo: y@z.example\r\n\r\n', 'From: "Scanner \\"2\\"" <scanner@example.com>\r\nTo: y@z.example\r\n\r\n', { replaceFrom: true }],
    ['From: scan@local\r\n\r\n', 'From: <scanner@example.com>\r\n\r\n', { replaceFrom: true }],
    ['From: scan@local (Scanner)\r\n\r\n', 'From: "Scanner" <scanner@example.com>\r\n\r\n', { replaceFrom: true }],
    // Somebody at the panel is answered all the same, unless the address means nothing beyond the office.
    ['From: Jane <jane@office.example.com>\r\n\r\n', 'From: "Jane" <scanner@example.com>\r\nReply-To: <jane@office.example.com>\r\n\r\n', { replaceFrom: true }],
    ['From: jane@office.example.com\r\nReply-To: x@y.example\r\n\r\n', 'From: <scanner@example.com>\r\nReply-To: x@y.example\r\n\r\n', { replaceFrom: true }],
    ['From: jane@mfp.local\r\n\r\n', 'From: <scanner@example.com>\r\n\r\n', { replaceFrom: true }],
    ['From: scanner@example.com\r\n\r\n', 'From: <scanner@example.com>\r\n\r\n', { replaceFrom: true }],
    // The null sender has no name to put there.
    ['Subject: x\r\n\r\n', 'Subject: x\r\n\r\n', { from: null, replaceFrom: true }],
  ];
  for (const [written, wanted, wishes] of rows) assert.equal((await mended(written, wishes)).text, wanted, written);
});

test('letters beyond ASCII: a body without a type gets one, a header gets encoded words', async () => {
  const body = (charset: string): string => `MIME-Version: 1.0\r\nContent-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: 8bit\r\n`;
  assert.equal((await mended('From: a@b.example\r\n\r\nB\xfcro\r\n')).text, `From: a@b.example\r\n${body('windows-1252')}\r\nB\xfcro\r\n`);
  assert.equal((await mended(`From: a@b.example\r\n\r\n${utf8('Büro')}\r\n`)).text, `From: a@b.example\r\n${body('utf-8')}\r\n${utf8('Büro')}\r\n`);
  // Says 7bit, and lies; the version is there.
  assert.equal((await mended('From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\nB\xfcro\r\n', { charset: 'iso-8859-15' })).text, `From: a@b.example\r\nMIME-Version: 1.0\r\n${body('iso-8859-15').slice('MIME-Version: 1.0\r\n'.length)}\r\nB\xfcro\r\n`);
  const b64 = (text: string): string => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
  const { text, facts } = await mended(`From: B\xfcro 2 <a@b.example>\r\nTo: "M\xfcller, J" <m@z.example>, Jo <jo@z.example>\r\nSubject: ${utf8('Scan für Sie')}\r\nX-Place: Keller\xfc\r\nReceived: from k\xfcche\r\nContent-Type: application/pdf; name="B\xfcro.pdf"\r\n\r\n%PDF`);
  assert.equal(text, `From: ${b64('Büro 2')} <a@b.example>\r\nTo: ${b64('Müller, J')} <m@z.example>, Jo <jo@z.example>\r\nSubject: ${b64('Scan für Sie')}\r\nX-Place: ${b64('Kellerü')}\r\nReceived: from k?che\r\nContent-Type: application/pdf; name*=utf-8''B%C3%BCro.pdf\r\n\r\n%PDF`);
  assert.equal(facts.header8bit, false);
});

test('however the content is cut, the same goes on', async () => {
  const texts = ['Subject: x\r\n\r\nB\xfcro\r\n', 'Power\r\n', '\r\n\r\n', `From: a@b.example\r\n\r\n${utf8('ü'.repeat(500))}`, 'From: a@b.example\r\nContent-Type: x/y\r\n\r\nA\xffB'];
  await fc.assert(fc.asyncProperty(fc.constantFrom(...texts), fc.integer({ min: 1, max: 40 }), async (text, piece) => {
    assert.equal((await mended(text, {}, piece)).text, (await mended(text)).text);
  }));
});

test('a large body is not held back: what is unknown is guessed by its beginning', async () => {
  const line = `${'x'.repeat(70)}\r\n`;
  const large = `From: a@b.example\r\nSubject: x\r\n\r\n${line.repeat(20_000)}`;
  const { text, writes } = await mended(large, {}, 32_768);
  assert.ok(writes > 10, `${writes} writes`);
  assert.match(text, /^Content-Type: text\/plain; charset=utf-8\r$/m, 'ASCII so far');
  assert.ok(text.endsWith(line.repeat(20_000)));
  const eight = await mended(`From: a@b.example\r\n\r\nB\xfcro\r\n${line.repeat(5000)}`, {}, 32_768);
  assert.match(eight.text, /charset=windows-1252/);
  // A character that is cut where the guess is made is still UTF-8.
  const cut = await mended(`From: a@b.example\r\n\r\n${utf8('€'.repeat(60_000))}`, {}, 65_536);
  assert.match(cut.text, /charset=utf-8/);
});
