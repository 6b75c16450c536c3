/** A message made into pages, with the real Ghostscript; and what hostile parts come to. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createPageMaker, createProof, type CallPlan, type Made } from '../../../src/flow/transport/fax/index.ts';
import { formatPdf, formatPng } from '../../../src/kit/bitmap-file.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { planFor } from '../../props/fax-box.ts';
import { faxMail, png, postscript } from '../../props/fax-mail.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const has = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
const skip = has('gs') ? false : 'Ghostscript is not installed';
const kernels = openKernels();
const PLAIN = { lowres: false, ignore: false, cover: false };
const never = () => new AbortController().signal;

interface MadeHere {
  readonly made: Made;
  readonly folder: string;
}

async function make(octets: Uint8Array, own: { readonly plan?: Partial<CallPlan>; readonly options?: Partial<typeof PLAIN> } = {}): Promise<MadeHere> {
  const folder = scratchFolder('pages');
  const made = await createPageMaker(kernels).make({ octets: [octets], options: { ...PLAIN, ...own.options }, number: '5551212', folder, plan: planFor(own.plan) }, never());
  assert.ok(!readdirSync(folder).includes('work'), 'nothing of the parts stays');
  return { made, folder };
}

function good({ made }: MadeHere): Extract<Made, { kind: 'made' }> {
  assert.ok(made.kind === 'made', JSON.stringify(made));
  return made;
}

function why({ made }: MadeHere): string {
  assert.ok(made.kind === 'unfit', JSON.stringify(made));
  return `${made.status} ${made.why}`;
}

/** How much of a page is black, by file. */
function ink({ made, folder }: MadeHere): readonly number[] {
  return (made.kind === 'made' ? made.pages : []).map(({ file }) => readFileSync(join(folder, file)).reduce((sum, octet) => sum + octet.toString(2).replaceAll('0', '').length, 0));
}

test('a text is a cover page; PDF and a picture are pages behind it', { skip }, async () => {
  const box = await make(faxMail('Hello', [{ type: 'application/pdf', octets: pdf(2) }, { type: 'image/png', octets: png(300, 200) }, { type: 'text/plain', octets: 'More text' }]));
  const made = good(box);
  assert.deepEqual([made.coverPages, made.pages.length, made.resolution], [1, 5, 'fine']);
  assert.ok(made.pages.every(({ rows }) => rows === 2243));
  assert.ok(ink(box).every(black => black > 500), 'each page has something on it');
});

test('resolution and paper decide the rows', { skip }, async () => {
  assert.deepEqual(good(await make(faxMail('x', []), { options: { lowres: true } })).pages.map(({ rows }) => rows), [1122]);
  assert.deepEqual(good(await make(faxMail('x', []), { plan: { paper: 'letter' } })).pages.map(({ rows }) => rows), [2106]);
  assert.deepEqual(good(await make(faxMail('x', []), { plan: { paper: 'letter', resolution: 'normal' } })).resolution, 'normal');
});

test('what nothing draws fails by name, or is left out and said; -cover leaves all out', { skip }, async () => {
  const mail = faxMail('Hello', [{ type: 'application/x-foo', octets: 'x', name: 'plan.foo' }, { type: 'application/pdf', octets: pdf(1) }]);
  assert.equal(why(await make(mail)), '5.6.1 Nothing here can draw "plan.foo" (application/x-foo) on a fax page');
  const left = good(await make(mail, { options: { ignore: true } }));
  assert.deepEqual([left.pages.length, left.notes], [2, ['Left out, for nothing here can draw it: application/x-foo']]);
  assert.equal(good(await make(mail, { options: { cover: true } })).pages.length, 1);
  assert.equal(good(await make(faxMail(null, [{ type: 'application/pdf', octets: pdf(1) }]))).pages.length, 2, 'without a text the cover has none');
});

test('a part without a type that says something is known by its octets', { skip }, async () => {
  for (const octets of [pdf(1), png(50, 50)]) assert.equal(good(await make(faxMail('x', [{ type: 'application/octet-stream', octets }]))).pages.length, 2);
  assert.match(why(await make(faxMail('x', [{ type: 'application/octet-stream', octets: 'MZ' }]))), /Nothing here can draw/);
});

test('long texts go on, page after page, until there are too many', { skip }, async () => {
  const text = Array.from({ length: 200 }, (_, n) => `Line ${n}`).join('\r\n');
  const made = good(await make(faxMail(text, [])));
  assert.ok(made.pages.length > 2 && made.pages.length === made.coverPages);
  assert.match(why(await make(faxMail(text, []), { plan: limits({ pages: 2 }) })), /more than 2 pages/);
});

test('the site\'s filter comes before ours; it gets the content, a folder and FAXRES, and its pages are as it left them', { skip: skip === false && has('pbmtog3') ? false : 'Ghostscript or netpbm is not installed' }, async () => {
  const filters = scratchFolder('filters');
  const pbm = Buffer.concat([Buffer.from('P4\n1728 100\n'), Buffer.from(Array.from({ length: 21_600 }, (_, n) => (n * 7919) & 255))]);
  const g3 = spawnSync('pbmtog3', { input: pbm }).stdout;
  writeFileSync(join(filters, 'page.g3'), g3);
  // Its arguments and what it read are left beside it.
  writeFileSync(join(filters, 'application-x-foo.filter'), `#!/bin/sh\ncat >${filters}/seen\necho "$# $FAXRES" >>${filters}/seen\ncp ${filters}/page.g3 "$1/f0001"\ncp ${filters}/page.g3 "$1/f0002"\ntouch "$1/.hidden"\n`);
  chmodSync(join(filters, 'application-x-foo.filter'), 0o755);
  const box = await make(faxMail('x', [{ type: 'application/x-foo', octets: 'content;' }]), { plan: { filters } });
  const made = good(box);
  assert.deepEqual(made.pages.map(({ rows }) => rows), [2243, 100, 100]);
  assert.deepEqual(readFileSync(join(box.folder, made.pages[1]?.file ?? '')), pbm.subarray(-21_600));
  assert.equal(readFileSync(join(filters, 'seen'), 'utf8'), 'content;1 hi\n');
  writeFileSync(join(filters, 'application-x-foo.filter'), '#!/bin/sh\nexit 1\n');
  assert.match(why(await make(faxMail('x', [{ type: 'application/x-foo', octets: 'c' }]), { plan: { filters } })), /the filter cannot read it/);
  writeFileSync(join(filters, 'application-x-foo.filter'), '#!/bin/sh\necho no page >"$1/f1"\n');
  assert.match(why(await make(faxMail('x', [{ type: 'application/x-foo', octets: 'c' }]), { plan: { filters } })), /something that is no page/);
});

test('office documents go through the converter that is configured', { skip }, async () => {
  const folder = scratchFolder('office');
  writeFileSync(join(folder, 'one.pdf'), pdf(2));
  writeFileSync(join(folder, 'convert'), `#!/bin/sh\ncp ${folder}/one.pdf "$2/document.pdf"\nbasename "$1" >${folder}/seen\n`);
  chmodSync(join(folder, 'convert'), 0o755);
  const mail = faxMail('x', [{ type: 'application/vnd.oasis.opendocument.text', octets: 'PK', name: '../../x.odt' }]);
  assert.equal(good(await make(mail, { plan: { office: [join(folder, 'convert'), '{file}', '{folder}'] } })).pages.length, 3);
  assert.equal(readFileSync(join(folder, 'seen'), 'utf8'), 'document.odt\n');
  assert.match(why(await make(mail)), /Nothing here can draw/);
});

test('names and types of attachments reach no shell and no file system', { skip }, async () => {
  const folder = scratchFolder('shell');
  const evil = [`$(touch ${folder}/a)`, `\`touch ${folder}/a\``, `; touch ${folder}/a`, `-sOutputFile=${folder}/a`, `|touch ${folder}/a`, '../../../../tmp/a', `%pipe%touch ${folder}/a`];
  const made = good(await make(faxMail('x', evil.map(name => ({ type: 'application/pdf', octets: pdf(1), name })))));
  assert.equal(made.pages.length, 1 + evil.length);
  // What is no type is text (RFC 2045 §5.2), and no file's name.
  assert.equal(good(await make(faxMail('x', [{ type: 'application/../../bin/sh', octets: 'x' }]), { plan: { filters: '/' } })).pages.length, 2);
  assert.deepEqual(readdirSync(folder), []);
});

test('hostile documents end in a clear failure, within the limits', { skip }, async (t) => {
  const folder = scratchFolder('hostile');
  writeFileSync(join(folder, 'secret'), 'secret');
  const rows: readonly (readonly [string, string, Partial<CallPlan['limits']>, RegExp])[] = [
    ['loops', postscript(1, '{ } loop'), { timeMs: 1000 }, /takes Ghostscript longer than 1 s/],
    ['pages without end', '%!PS\n{ showpage } loop', { pages: 5 }, /more than 5 pages/],
    ['eats memory', '%!PS\n[ { 65000 string } loop', { memoryOctets: 134_217_728, timeMs: 20_000 }, /Ghostscript|longer than/],
    ['reads files', `%!PS\n(${folder}/secret) (r) file 100 string readstring pop show showpage`, {}, /Ghostscript cannot read it/],
    ['writes files', `%!PS\n(${folder}/written) (w) file (x) writestring`, {}, /Ghostscript cannot read it/],
    ['runs programs', `%!PS\n(%pipe%touch ${folder}/ran) (w) file closefile`, {}, /Ghostscript cannot read it/],
    ['writes between the pages', '%!PS\n(%stdout) (w) file (P5 nonsense) writestring flush showpage', {}, /^made$|Ghostscript/],
    ['is broken', '%PDF-1.7\n1 0 obj\n<<', {}, /Ghostscript|no pages/],
    ['is empty', '', {}, /Ghostscript|no pages/],
  ];
  for (const [name, octets, own, what] of rows) {
    await t.test(name, async () => {
      const { made } = await make(faxMail('x', [{ type: 'application/postscript', octets }]), { plan: limits(own) });
      assert.match(made.kind === 'made' ? 'made' : made.why, what);
      assert.notEqual(made.kind, 'trouble', 'it is for good: nobody waits eight hours for it');
    });
  }
  assert.deepEqual(readdirSync(folder), ['secret']);
});

test('hostile pictures end in a clear failure, and cost no memory', async (t) => {
  const before = process.memoryUsage().rss;
  const rows: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['a bomb', png(10, 10, { width: 60_000, height: 60_000 }), /more than 1000000 pixels/],
    ['one just too large', png(1001, 1000), /more than 1000000 pixels/],
    ['cut off', png(500, 500).subarray(0, 600), /broken/],
    ['none at all', Buffer.from('hello'), /broken|no format/],
    ['a picture in SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'), /broken|no format/],
    ['packed SVG', gzipSync('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'), /broken|no format/],
  ];
  for (const [name, octets, what] of rows) {
    await t.test(name, { skip }, async () => assert.match(why(await make(faxMail('x', [{ type: 'image/png', octets }]), { plan: limits({ pixels: 1_000_000 }) })), what));
  }
  assert.ok(process.memoryUsage().rss - before < 200_000_000);
});

test('hostile structure and text: refused, or drawn', { skip }, async () => {
  const nested = Array.from({ length: 30 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}x\r\n\r\n--b${n}x\r\n`).join('');
  assert.match(why(await make(Buffer.from(`Subject: x\r\n${nested}\r\nhello\r\n`))), /5\.6\.0 .*too deep/);
  const deep = `${'<div>'.repeat(20_000)}deep inside${'</div>'.repeat(20_000)}`;
  const html = await make(faxMail(null, [{ type: 'text/html', octets: deep }]));
  assert.equal(good(html).pages.length, 1);
  assert.ok((ink(html)[0] ?? 0) > (ink(await make(faxMail('', [])))[0] ?? 0), 'its text is on the page');
  const controls = good(await make(faxMail('a\u0007b\u001b[31mc\u0000d \u202ereversed', [], { subject: '=?utf-8?B?/////w==?= =?x?Q?=FF?=' })));
  assert.equal(controls.pages.length, 1);
});

test('a character that no font has is said, on the page and in the report', { skip }, async () => {
  const made = good(await make(faxMail('\u{13000}\u{13001}\u{13000} and no more', [])));
  assert.deepEqual(made.notes, ['3 characters of the text could not be drawn, for want of a font: U+13000 U+13001']);
});

test('a program that is missing is our trouble, not the sender\'s', async () => {
  const { made } = await make(faxMail('x', []), { plan: { ghostscript: '/nonexistent/gs' } });
  assert.deepEqual(made, { kind: 'trouble', why: 'the cover page: /nonexistent/gs is not installed' });
});

test('the proof is what would be sent: strip and page in one, as PDF and PNG that others can read', { skip: skip === false && has('pngtopnm') && has('pdftoppm') ? false : 'netpbm or poppler is not installed' }, async () => {
  const proof = await createProof(createPageMaker(kernels), { octets: [faxMail('Hello', [{ type: 'image/png', octets: png(600, 600) }])], options: PLAIN, number: '5551212', plan: planFor(), at: Date.UTC(2026, 10, 21, 8) }, never());
  assert.ok(proof.kind === 'made');
  assert.deepEqual([proof.count, proof.coverPages], [2, 1]);
  const page = await proof.page(1);
  assert.deepEqual([page.width, page.rows, page.bits.length], [1728, 2287, 2287 * 216]);
  assert.ok(page.bits.subarray(0, 44 * 216).some(octet => octet !== 0), 'the transmission line is there');
  assert.ok(page.bits.subarray(0, 10 * 216).every(octet => octet === 0), 'and not where paper is lost');
  const plain = spawnSync('pngtopnm', { input: await formatPng(page), maxBuffer: 8_000_000 }).stdout;
  assert.ok(plain.subarray(-page.bits.length).equals(Buffer.from(page.bits)), 'PNG says the same pels');
  const folder = scratchFolder('proof');
  await writeFile(join(folder, 'p.pdf'), formatPdf([page]));
  assert.equal(spawnSync('pdftoppm', ['-mono', '-rx', '204', '-ry', '196', '-singlefile', 'p.pdf', 'p'], { cwd: folder }).status, 0);
  const drawn = readFileSync(join(folder, 'p.pbm'));
  assert.match(drawn.toString('latin1', 0, 20), /^P4\n172[78] 228[67]\n/);
  await proof.close();
});

test('twenty pages need less than 60 MB', { skip, timeout: 60_000 }, () => {
  const folder = scratchFolder('memory');
  writeFileSync(join(folder, 'mail'), faxMail('Hello', [{ type: 'application/pdf', octets: pdf(19) }]));
  mkdirSync(join(folder, 'state'));
  const ran = spawnSync(process.execPath, ['--no-warnings', join(import.meta.dirname, '../../props/fax-memory.ts'), join(folder, 'mail'), join(folder, 'state')], { encoding: 'utf8', env: { ...process.env, NODE_TEST_CONTEXT: '' } });
  const line = ran.stdout.split('\n').find(one => one.startsWith('{'));
  assert.ok(line !== undefined, ran.stderr);
  const { idle, peak, pages, outcome } = JSON.parse(line) as { idle: number; peak: number; pages: number; outcome: string };
  assert.deepEqual([pages, outcome], [20, 'delivered']);
  assert.ok(peak - idle < 60_000_000, `${Math.round((peak - idle) / 1e6)} MB`);
});

function limits(own: Partial<CallPlan['limits']>): Partial<CallPlan> {
  return { limits: { ...planFor().limits, ...own } };
}

function pdf(pages: number): Buffer {
  const ran = spawnSync('gs', ['-q', '-dSAFER', '-dBATCH', '-dNOPAUSE', '-sDEVICE=pdfwrite', '-sOutputFile=-', '-'], { input: postscript(pages), maxBuffer: 8_000_000 });
  assert.equal(ran.status, 0);
  return ran.stdout;
}
