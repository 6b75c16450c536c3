/** Pictures of every format that is drawn, where they stand on the page, and faxes that were faxes before. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Bitmap } from '../../../src/flow/transport/fax/bitmap.ts';
import { pageForm } from '../../../src/flow/transport/fax/paper.ts';
import { createPictures } from '../../../src/flow/transport/fax/pictures.ts';
import { planFor } from '../../props/fax-box.ts';
import { png } from '../../props/fax-mail.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const FINE = pageForm('a4', 'fine');
const NORMAL = pageForm('a4', 'normal');
const { default: sharp } = await import('sharp').catch(() => ({ default: null }));
const skip = sharp === null ? 'sharp is not installed' : false;
const skipTiff = skip !== false ? skip : spawnSync('tiffcp', ['-h']).error === undefined && spawnSync('pnmtotiff', ['-version']).error === undefined ? false : 'libtiff-tools or netpbm is not installed';

async function print(octets: Uint8Array, form = FINE): Promise<{ readonly said: string; readonly pages: readonly Bitmap[] }> {
  const path = join(scratchFolder('picture'), 'part');
  writeFileSync(path, octets);
  const pages: Bitmap[] = [];
  const drawn = await createPictures().print(path, form, { limits: planFor().limits, signal: new AbortController().signal }, page => Promise.resolve(pages.push(page) < 20));
  return { said: drawn.kind === 'drawn' ? `${drawn.pages} drawn` : drawn.why, pages };
}

/** First and last column and row with something black. */
function box({ bits, rows }: Bitmap): { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number } {
  let [left, right, top, bottom] = [1728, -1, rows, -1];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < 1728; x++) {
      if ((((bits[y * 216 + (x >> 3)] as number) >> (7 - (x & 7))) & 1) === 0) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), y];
    }
  }
  return { left, right, top, bottom };
}

test('PNG, JPEG, WebP, GIF and TIFF are drawn; of an animation the first picture', { skip }, async () => {
  assert.ok(sharp !== null);
  const picture = sharp(png(300, 200));
  for (const octets of [png(300, 200), await picture.jpeg().toBuffer(), await picture.webp().toBuffer(), await picture.gif().toBuffer(), await picture.tiff().toBuffer()]) {
    const { said, pages } = await print(octets);
    assert.equal(said, '1 drawn');
    assert.ok((pages[0]?.bits ?? []).some(octet => octet !== 0));
  }
});

test('a small picture is enlarged so far, a large one fits, and both keep their proportions', { skip }, async () => {
  assert.ok(sharp !== null);
  const solid = async (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#000' } }).png().toBuffer();
  for (const [width, height, form, wide, high] of [[100, 100, FINE, 319, 306], [4000, 4000, FINE, 1680, 1614], [1000, 1414, FINE, 1631, 2216], [4000, 4000, NORMAL, 1680, 807]] as const) {
    const { left, right, top, bottom } = box((await print(await solid(width, height), form)).pages[0] as Bitmap);
    assert.ok(Math.abs(right - left + 1 - wide) <= 3 && Math.abs(bottom - top + 1 - high) <= 3, `${width}x${height}: ${right - left + 1}x${bottom - top + 1}`);
    assert.ok(Math.abs(left - (1727 - right)) <= 1, 'in the middle');
  }
});

test('a picture that is very tall goes over several pages', { skip }, async () => {
  assert.ok(sharp !== null);
  const tall = await sharp({ create: { width: 800, height: 5000, channels: 3, background: '#000' } }).png().toBuffer();
  const { pages } = await print(tall);
  assert.equal(pages.length, 5);
  assert.deepEqual(pages.map(page => box(page).top), [0, 0, 0, 0, 0]);
});

test('transparency is paper, not ink', { skip }, async () => {
  assert.ok(sharp !== null);
  const clear = await sharp({ create: { width: 100, height: 100, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } }).png().toBuffer();
  assert.ok((await print(clear)).pages[0]?.bits.every(octet => octet === 0));
});

test('a fax that comes as TIFF keeps every pel, page by page', { skip: skipTiff }, async () => {
  const folder = scratchFolder('tiff');
  const pages = [1, 2].map(n => Uint8Array.from({ length: 2000 * 216 }, (_, at) => ((at % 216) % 7 < 3 ? 0 : (at * n * 31) & 0x3c)));
  for (const [n, bits] of pages.entries()) {
    const made = spawnSync('pnmtotiff', ['-g4'], { input: Buffer.concat([Buffer.from('P4\n1728 2000\n'), bits]), maxBuffer: 8_000_000 });
    writeFileSync(join(folder, `${n}.tif`), made.stdout);
  }
  assert.equal(spawnSync('tiffcp', ['0.tif', '1.tif', 'both.tif'], { cwd: folder }).status, 0);
  const printed = await print(readFileSync(join(folder, 'both.tif')));
  assert.equal(printed.said, '2 drawn');
  for (const [n, bits] of pages.entries()) assert.ok(Buffer.from(printed.pages[n]?.bits.subarray(0, bits.length) ?? []).equals(Buffer.from(bits)), `page ${n + 1}`);
});

test('without sharp the outcome says so, and the mail waits', async () => {
  const pictures = createPictures(() => Promise.reject(new Error('Cannot find package')));
  const drawn = await pictures.print('/nonexistent', FINE, { limits: planFor().limits, signal: new AbortController().signal }, () => Promise.resolve(true));
  assert.deepEqual(drawn, { kind: 'trouble', why: 'pictures cannot be drawn here: the package sharp is not installed' });
});
