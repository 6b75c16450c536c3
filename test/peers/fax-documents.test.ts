/** PDF, PNG and TIFF of a received fax, read by poppler, netpbm and libtiff: every pel as it came. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatPdf, formatPng } from '../../src/kit/bitmap-file.ts';
import { codedPages, drawnPage as drawn } from '../../src/service/fax-arrivals/kept-page.ts';
import { formatTiff } from '../../src/service/fax-arrivals/tagged-image.ts';
import type { KeptPage } from '../../src/service/fax-arrivals/kept-fax.ts';
import { arrivedPage } from '../props/fax-arrival-bench.ts';
import { kernels } from '../props/fax-modem.ts';
import { drawnPage } from '../props/fax-pages.ts';
import { scratchFolder } from '../props/scratch-folder.ts';

const bitmaps = [drawnPage(301, 1), drawnPage(200, 2)];
const folder = mkdtempSync(join(scratchFolder('documents'), 'd-'));
const pages: readonly KeptPage[] = bitmaps.map((bitmap, index) => {
  const { coded, ...page } = arrivedPage(bitmap, index === 1 ? { resolution: 'normal' } : {});
  const file = join(folder, `${index}.g3`);
  writeFileSync(file, coded);
  return { ...page, file, sizeOctets: coded.length };
});

function run(program: string, args: readonly string[]): Buffer {
  const ran = spawnSync(program, args, { maxBuffer: 64 * 1024 * 1024 });
  assert.equal(ran.status, 0, `${program}: ${String(ran.stderr)}`);
  return ran.stdout;
}
const missing = (program: string) => (spawnSync(program, ['-v']).error === undefined ? false : `${program} is not here`);

/** The pels of a raw PBM: 1 is black. */
function pbm(file: Buffer): { readonly rows: number; readonly pels: Buffer } {
  const [head, , rows] = /^P4\s+(\d+)\s+(\d+)\s/.exec(file.toString('latin1', 0, 40))!;
  return { rows: Number(rows), pels: file.subarray(head.length) };
}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

test('PDF', { skip: missing('pdfimages') }, async () => {
  const file = join(folder, 'fax.pdf');
  writeFileSync(file, await gather(formatPdf(codedPages(pages), 'A fax (with "brackets")')));
  run('pdfimages', [file, join(folder, 'image')]);
  for (const [index, bitmap] of bitmaps.entries()) {
    const { rows, pels } = pbm(readFileSync(join(folder, `image-00${index}.pbm`)));
    assert.equal(rows, pages[index]!.rows);
    assert.ok(pels.equals(bitmap), `page ${index + 1}`);
  }
  const told = String(run('pdfinfo', ['-f', '1', '-l', '2', file]));
  assert.match(told, /Page\s+1 size:\s+609\.88 x 110\.57 pts/);
  assert.match(told, /Page\s+2 size:\s+609\.88 x 146\.94 pts/);
  assert.match(told, /Title:\s+A fax \(with "brackets"\)/);
});

test('PNG', { skip: missing('pngtopnm') }, async () => {
  const file = join(folder, 'page.png');
  writeFileSync(file, await formatPng(await drawn(pages[0]!, kernels)));
  // pngtopnm writes 0 for black of a grey picture, as PGM; pnmdepth-free: a bit a pel is PBM.
  const { rows, pels } = pbm(run('pngtopnm', [file]));
  assert.equal(rows, 301);
  assert.ok(pels.equals(bitmaps[0]!));
});

test('TIFF', { skip: missing('tifftopnm') }, async () => {
  const file = join(folder, 'fax.tiff');
  writeFileSync(file, await gather(formatTiff(pages)));
  const told = String(run('tiffinfo', [file]));
  assert.match(told, /Compression Scheme: CCITT Group 3/);
  assert.match(told, /Resolution: 204, 98 pixels\/inch/);
  const all = run('tifftopnm', ['-quiet', file]);
  assert.ok(pbm(all).pels.subarray(0, bitmaps[0]!.length).equals(bitmaps[0]!));
  assert.match(told, /Page Number: 1-2/);
});
