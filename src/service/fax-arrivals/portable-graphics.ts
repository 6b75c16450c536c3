/** One page as a PNG of one bit a pel (PNG, third edition, §11); a page in normal resolution is stretched to its true shape. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import { FAX_ROW_OCTETS } from '../../core/fax.ts';
import type { FaxKernels } from '../../core/kernels.ts';
import type { KeptPage } from './kept-fax.ts';

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const WIDTH = FAX_ROW_OCTETS * 8;
/** 204 by 196 pels an inch, in pels a metre. */
const ACROSS = 8031;
const DOWN = 7717;

export async function formatPng(page: KeptPage, kernels: FaxKernels): Promise<Buffer> {
  const decoder = kernels.openFaxDecoder();
  const bitmap = Buffer.concat([decoder.feed(await readFile(page.file)), decoder.finish()]);
  const times = page.resolution === 'normal' ? 2 : 1;
  const rows = Math.floor(bitmap.length / FAX_ROW_OCTETS);
  // A filter octet (none) before each row; 0 is black here.
  const scan = Buffer.alloc(rows * times * (FAX_ROW_OCTETS + 1));
  for (let row = 0, to = 0; row < rows; row++) {
    for (let turn = 0; turn < times; turn++, to += FAX_ROW_OCTETS + 1) {
      for (let at = 0; at < FAX_ROW_OCTETS; at++) scan[to + 1 + at] = ~bitmap[row * FAX_ROW_OCTETS + at]!;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(rows * times, 4);
  header.set([1, 0, 0, 0, 0], 8); // one bit, grey
  const physical = Buffer.alloc(9);
  physical.writeUInt32BE(ACROSS, 0);
  physical.writeUInt32BE(DOWN, 4);
  physical[8] = 1;
  const packed = await promisify<Buffer, { level: number }, Buffer>(deflate)(scan, { level: 9 });
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('pHYs', physical), chunk('IDAT', packed), chunk('IEND', Buffer.alloc(0))]);
}

function chunk(type: string, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(content.length);
  const named = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([head, named, sum]);
}
