/** Which parts of a message become pages, and what a header says to people. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { takeApart, type Leaf, type Part } from '../../../src/flow/transport/fax/message-parts.ts';
import { orderParts } from '../../../src/flow/transport/fax/part-order.ts';
import { decodeCharset, decodeText, readNames } from '../../../src/grammar/mime/words.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { readCorpus } from '../../props/corpus.ts';
import fc from '../../props/fast-check.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const kernels = openKernels();

interface Shape {
  readonly type: string;
  readonly id?: string;
  readonly start?: string;
  readonly parts?: readonly Shape[];
}

function written({ type, id, start, parts }: Shape, depth = 0): string {
  const more = id === undefined ? '' : `Content-ID: <${id}>\r\n`;
  if (parts === undefined) return `Content-Type: ${type}\r\n${more}\r\n${type} ${id ?? ''}\r\n`;
  if (type === 'message/rfc822') return `Content-Type: ${type}\r\n\r\nSubject: inner\r\n${written(parts[0] as Shape, depth + 1)}`;
  const boundary = `b${depth}q`;
  return `Content-Type: ${type}; boundary=${boundary}${start === undefined ? '' : `; start="<${start}>"`}\r\n${more}\r\n${parts.map(part => `--${boundary}\r\n${written(part, depth + 1)}\r\n`).join('')}--${boundary}--\r\n`;
}

async function apart(octets: string | Uint8Array, cuts: readonly number[] = []): Promise<Awaited<ReturnType<typeof takeApart>>> {
  const whole = Buffer.from(octets as string);
  const pieces = [0, ...cuts, whole.length].map((from, n, all) => whole.subarray(from, all[n + 1] ?? whole.length));
  return takeApart(pieces, scratchFolder('parts'), kernels, new AbortController().signal);
}

async function order(shape: Shape): Promise<readonly string[]> {
  const taken = await apart(`Mime-Version: 1.0\r\n${written(shape)}`);
  assert.ok(taken.kind === 'taken', JSON.stringify(taken));
  return orderParts(taken.root, type => (type === 'application/x-foo' ? 'not' : type === 'text/html' ? 'plainly' : 'well')).map(item => (item.kind === 'leaf' ? item.leaf.type + (item.leaf.contentId === '' ? '' : ` ${item.leaf.contentId}`) : 'forwarded'));
}

const plain: Shape = { type: 'text/plain' };
const html: Shape = { type: 'text/html' };
const png: Shape = { type: 'image/png' };
const foo: Shape = { type: 'application/x-foo' };
const pdf: Shape = { type: 'application/pdf' };

test('mixed in order, alternative the last that can be drawn, related its root, signed what was signed', async () => {
  const rows: readonly (readonly [Shape, readonly string[]])[] = [
    [plain, ['text/plain']],
    [{ type: 'multipart/mixed', parts: [plain, pdf, png] }, ['text/plain', 'application/pdf', 'image/png']],
    [{ type: 'multipart/alternative', parts: [plain, html] }, ['text/plain']],
    [{ type: 'multipart/alternative', parts: [plain, pdf, foo] }, ['application/pdf']],
    [{ type: 'multipart/alternative', parts: [html, foo] }, ['text/html']],
    [{ type: 'multipart/alternative', parts: [foo] }, ['application/x-foo']],
    [{ type: 'multipart/alternative', parts: [plain, { type: 'multipart/mixed', parts: [html, pdf] }] }, ['text/html', 'application/pdf']],
    [{ type: 'multipart/alternative', parts: [plain, { type: 'multipart/related', parts: [html, png] }] }, ['text/plain']],
    [{ type: 'multipart/related', parts: [html, png] }, ['text/html']],
    [{ type: 'multipart/related', start: 'two', parts: [{ ...png, id: 'one' }, { ...html, id: 'two' }] }, ['text/html two']],
    [{ type: 'multipart/related', start: 'gone', parts: [{ ...png, id: 'one' }] }, ['image/png one']],
    [{ type: 'multipart/signed', parts: [{ type: 'multipart/mixed', parts: [plain, pdf] }, { type: 'application/pgp-signature' }] }, ['text/plain', 'application/pdf']],
    [{ type: 'multipart/mixed', parts: [plain, { type: 'message/rfc822', parts: [{ type: 'multipart/mixed', parts: [plain, png] }] }, pdf] }, ['text/plain', 'forwarded', 'text/plain', 'image/png', 'application/pdf']],
    [{ type: 'multipart/whatever', parts: [plain, png] }, ['text/plain', 'image/png']],
  ];
  for (const [shape, expected] of rows) assert.deepEqual(await order(shape), expected, JSON.stringify(shape));
});

test('a part\'s file holds its octets decoded, under a name of ours, however the message comes in pieces', async () => {
  const mail = 'Mime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9=\r\n!\r\n--x\r\nContent-Type: image/png; name="../../etc/passwd"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--x--\r\n';
  for (let cut = 1; cut < mail.length; cut += 7) {
    const taken = await apart(mail, [cut]);
    assert.ok(taken.kind === 'taken' && taken.root.kind === 'multipart');
    const [text, picture] = taken.root.children as Leaf[];
    assert.deepEqual([text?.charset, readFileSync(text?.path ?? '').toString('latin1'), text?.octets], ['iso-8859-1', 'caf\u00e9!', 5]);
    assert.deepEqual([picture?.name, readFileSync(picture?.path ?? '').toString('hex')], ['../../etc/passwd', '89504e470d0a1a0a']);
    assert.match(picture?.path ?? '', /\/part-2$/);
  }
});

test('every letter of the corpus is taken apart; any octets are, or are refused; no file stays open', async () => {
  const open = readdirSync('/proc/self/fd').length;
  for (const { name, content } of readCorpus()) assert.equal((await apart(content)).kind, 'taken', name);
  const words = ['Content-Type: multipart/mixed; boundary=a\r\n', 'Content-Type: multipart/signed; boundary=a\r\n', 'Content-Type: message/rfc822\r\n', '\r\n', '--a\r\n', '--a--\r\n', 'Content-Transfer-Encoding: base64\r\n', 'Content-Transfer-Encoding: x\r\n', 'text', '\0', 'QUJD\r\n'];
  await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom(...words), { maxLength: 30 }).map(parts => parts.join('')), async text => {
    const taken = await apart(text);
    if (taken.kind === 'malformed') return;
    const leaves = (part: Part): number => (part.kind === 'leaf' ? 1 : part.children.reduce((sum, child) => sum + leaves(child), 0));
    assert.ok(orderParts(taken.root, () => 'well').filter(({ kind }) => kind === 'leaf').length <= leaves(taken.root));
  }), { numRuns: 150 });
  assert.ok(readdirSync('/proc/self/fd').length <= open + 2);
});

test('header text for people', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['plain', 'plain'], ['=?utf-8?Q?caf=C3=A9_au_lait?=', 'café au lait'], ['=?iso-8859-1?q?caf=E9?= and =?UTF-8?B?w6k=?=', 'café and é'],
    ['=?utf-8?B?w6k=?= =?utf-8?B?w6k=?=', 'éé'], ['=?utf-8?B?ww==?=\r\n =?utf-8?B?qQ==?=', 'é'], ['=?x-unknown?Q?=C3=A9?=', 'é'], ['=?utf-8?Q?=FF?=', 'ÿ'],
    ['=?broken', '=?broken'], ['Caf\u00c3\u00a9', 'Café'], ['=?utf-8?Q?a=0Ab=00?=', 'a b '], ['=?utf-8*en?Q?hi?=', 'hi'],
  ];
  for (const [written, read] of rows) assert.equal(decodeText(written), read, written);
  const names: readonly (readonly [string, readonly string[]])[] = [
    ['ada@sender.example', ['ada@sender.example']], ['Ada <ada@x>', ['Ada']], ['"Muster, Max" <m@x>, b@y', ['Muster, Max', 'b@y']], ['<a@x>', ['a@x']],
    ['a@x (Ada \\(L\\))', ['Ada (L)']], ['team: a@x, Bob <b@y>;', ['a@x', 'Bob']], ['=?utf-8?Q?M=C3=BCller?= <m@x>', ['Müller']], ['', []], ['undisclosed-recipients:;', []],
    ['"a \\"b\\"" <c@d>', ['a "b"']],
  ];
  for (const [written, read] of names) assert.deepEqual(readNames(written), read, written);
  assert.equal(decodeCharset(Buffer.from([0xe9]), 'us-ascii'), 'é', 'what lies about itself is read as Windows has it');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.uint8Array(), fc.string(), (text, octets, charset) => {
    assert.doesNotMatch(decodeText(text), /[\r\n\0]/);
    readNames(text);
    decodeCharset(octets, charset);
  }));
});
