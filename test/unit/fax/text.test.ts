/** Text on paper: what is drawn, in which order, and what cannot be; read back by a program that is not ours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { readHtml, stripTags } from '../../../src/flow/transport/fax/html-text.ts';
import { openSheets } from '../../../src/flow/transport/fax/sheets.ts';
import { drawFlow, missingNote } from '../../../src/flow/transport/fax/text-flow.ts';
import { createWritingDirection } from '../../../src/flow/transport/fax/writing-direction.ts';
import { fillCover, parseCoverTemplate, shippedCover, type CoverWords } from '../../../src/grammar/fax/cover-template.ts';
import fc from '../../props/fast-check.ts';

const WORDS: CoverWords = { FROM: 'Ada %TO% Lovelace', TO: 'Hans Müller', SUBJECT: 'Offer', DATE: 'Sat, 21 Nov 2026', PAGES: '2', NAME: 'Acme', STATION: '+1', NUMBER: '555' };
const skip = spawnSync('pdftotext', ['-v']).error === undefined ? false : 'poppler is not installed';

async function draw(body: string, lines = shippedCover, most = 20): Promise<{ readonly pages: number | 'too many'; readonly text: string; readonly missing: ReadonlyMap<string, number> }> {
  const template = parseCoverTemplate(lines);
  assert.ok(template.kind === 'read');
  const sheets = await openSheets(825, []);
  const pages = await drawFlow(sheets, { lines: template.value, words: WORDS, body, notes: ['A note'] }, most, missingNote);
  const pdf = await sheets.finish();
  const { stdout } = spawnSync('pdftotext', ['-layout', '-enc', 'UTF-8', '-', '-'], { input: pdf, encoding: 'utf8' });
  return { pages, text: stdout.replaceAll(/ +/g, ' '), missing: sheets.missing };
}

test('the cover page has what the template says, and no word is read twice', { skip }, async () => {
  const { text, pages } = await draw('Dear Hans,\n\n\tindented €');
  assert.equal(pages, 1);
  for (const line of ['FAX', 'To: Hans Müller', 'Fax: 555', 'From: Ada %TO% Lovelace', 'Date: Sat, 21 Nov 2026', 'Subject: Offer', 'Pages: 2, not counting the cover', 'Dear Hans,', 'indented €', 'A note']) assert.ok(text.includes(line), `${line}\n${text}`);
});

test('nothing of a text is lost in wrapping, and pages end where they are full', { skip }, async () => {
  const words = Array.from({ length: 3000 }, (_, n) => `w${n}`);
  const { text, pages } = await draw(words.join(' '), '%TEXT%');
  assert.ok(typeof pages === 'number' && pages > 2);
  assert.deepEqual(text.split(/\s+/).filter(one => /^w\d+$/.test(one)), words);
  const long = 'x'.repeat(5000);
  assert.equal((await draw(long, '%TEXT%')).text.match(/x/g)?.length, 5000);
  assert.equal((await draw('a\fb\fc', '%TEXT%')).pages, 3, 'a form feed is a new page');
  assert.equal((await draw('line\n'.repeat(10_000), '%TEXT%', 3)).pages, 'too many');
});

test('letters from right to left are drawn from right to left, numbers and brackets as they must be', async () => {
  const direction = await createWritingDirection();
  assert.equal(direction.baseOf('(123) שלום abc'), 'rtl');
  assert.equal(direction.baseOf('abc שלום'), 'ltr');
  const shown = (line: string) => direction.arrange(line, direction.baseOf(line)).map(({ text, leftward }) => (leftward ? Array.from(text).toReversed().join('') : text)).join('');
  assert.equal(shown('plain (text)'), 'plain (text)');
  assert.equal(shown('אבג (דה) 12'), '12 (הד) גבא');
  assert.equal(shown('see אב 12 גד, ok'), 'see דג 12 בא, ok');
});

test('Arabic is joined, and what has no glyph is counted once', { skip }, async () => {
  const { text, missing } = await draw('مرحبا بالعالم\nשלום\n\u{13000}x\u{13000}', '%TEXT%');
  assert.ok(text.normalize('NFKC').includes('שלום'), text);
  assert.deepEqual([...missing], [['\u{13000}', 2]]);
  assert.match(text, /2 characters of the text could not be drawn, for want of a font: U\+13000/);
});

test('a template says what is wrong with it, line by line', () => {
  for (const [text, line] of [['x\n%FORM%', 2], ['Text: %TEXT%', 1], ['%TEXT%\n%TEXT%', 1]] as const) {
    const parsed = parseCoverTemplate(text);
    assert.ok(parsed.kind === 'wrong', text);
    assert.equal(parsed.problems[0]?.line, line);
  }
  assert.deepEqual(parseCoverTemplate('# comment\n= Big %NAME%\n---\nTo: %TO%\n\nplain: \n%TEXT%'), { kind: 'read', value: [
    { kind: 'heading', text: 'Big %NAME%' }, { kind: 'rule' }, { kind: 'row', label: 'To', text: '%TO%' }, { kind: 'gap' }, { kind: 'text', text: 'plain:' }, { kind: 'body' },
  ] });
  assert.equal(fillCover('%FROM% 100%', WORDS), 'Ada %TO% Lovelace 100%');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void parseCoverTemplate(text)));
});

test('HTML becomes text by two ways; nothing of it is lost in either', async () => {
  const html = '<html><head><title>no</title><style>p { color: red }</style></head><body><h1>Offer</h1><p>Two &amp; three&nbsp;&#8364; &lt;b&gt;</p><table><tr><td>a</td><td>1</td></tr></table><script>alert(1)</script><img src=x></body></html>';
  for (const text of [await readHtml(html), stripTags(html)]) {
    for (const word of ['Offer', 'Two & three', '€', '<b>', 'a', '1']) assert.ok(text.includes(word), text);
    assert.ok(!text.includes('alert') && !text.includes('color'), text);
  }
  assert.equal(await readHtml(`${'<b>'.repeat(100_000)}deep`), 'deep');
  assert.equal(stripTags('1 < 2 and <- no tag'), '1 < 2 and <- no tag');
  fc.assert(fc.property(fc.array(fc.constantFrom('<', '>', '<b>', '</b>', '<!--', '-->', '<script>', '</script>', '&amp;', '&#x110000;', '&#0;', 'x', ' ', '\n', '"')).map(parts => parts.join('')), text => {
    assert.doesNotMatch(stripTags(text), /\0/);
  }));
});
