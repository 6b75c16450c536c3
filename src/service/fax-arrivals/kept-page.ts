/** A page of the spool on its way into a file: as it came for a PDF, decoded for a PNG. */
import { readFile } from 'node:fs/promises';
import { FAX_ROW_OCTETS } from '../../core/fax.ts';
import type { FaxKernels } from '../../core/kernels.ts';
import type { BitmapPage, CodedPage } from '../../kit/bitmap-file.ts';
import type { KeptPage } from './kept-fax.ts';

const WIDTH = FAX_ROW_OCTETS * 8;
const PELS_PER_INCH = 204;
const ROWS_PER_INCH = { fine: 196, normal: 98 } as const;

export async function* codedPages(pages: readonly KeptPage[]): AsyncGenerator<CodedPage> {
  for (const { file, rows, resolution } of pages) {
    yield { width: WIDTH, rows, pelsPerInch: PELS_PER_INCH, rowsPerInch: ROWS_PER_INCH[resolution], t4: await readFile(file) };
  }
}

/** One in normal resolution has each row twice: many a viewer draws pels as squares. */
export async function drawnPage({ file, resolution }: KeptPage, kernels: FaxKernels): Promise<BitmapPage> {
  const decoder = kernels.openFaxDecoder();
  const decoded = Buffer.concat([decoder.feed(await readFile(file)), decoder.finish()]);
  const times = resolution === 'normal' ? 2 : 1;
  const rows = (decoded.length / FAX_ROW_OCTETS) * times;
  const bits = times === 1 ? decoded : Buffer.alloc(rows * FAX_ROW_OCTETS);
  if (times === 2) {
    for (let row = 0; row < rows; row++) decoded.copy(bits, row * FAX_ROW_OCTETS, (row >> 1) * FAX_ROW_OCTETS, ((row >> 1) + 1) * FAX_ROW_OCTETS);
  }
  return { width: WIDTH, rows, pelsPerInch: PELS_PER_INCH, rowsPerInch: ROWS_PER_INCH.fine, bits };
}
