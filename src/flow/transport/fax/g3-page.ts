/** A page that a site's filter left: T.4 one-dimensional, as sendfax takes it (fax-uucp-socks 2.6). */
import { createReadStream } from 'node:fs';
import { FAX_ROW_OCTETS } from '../../../core/fax.ts';
import type { FaxKernels } from '../../../core/kernels.ts';
import type { Bitmap } from './bitmap.ts';

const DIGIFAX_OCTETS = 64;
/** Three metres at 196 lines an inch. */
const MOST_ROWS = 23_000;

/** Pages of no more than `rows` rows; null when it is no such page, or one that never ends. */
export async function readG3(path: string, rows: number, kernels: FaxKernels): Promise<readonly Bitmap[] | null> {
  const decoder = kernels.openFaxDecoder();
  const pieces: Uint8Array[] = [];
  let octets = 0;
  let first = true;
  const keep = (piece: Uint8Array): void => {
    octets += piece.length;
    if (piece.length > 0) pieces.push(Uint8Array.from(piece));
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    keep(decoder.feed(first && chunk.toString('latin1', 1, 17) === 'PC Research, Inc' ? chunk.subarray(DIGIFAX_OCTETS) : chunk));
    first = false;
    if (octets > MOST_ROWS * FAX_ROW_OCTETS) return null;
    if (decoder.ended) break;
  }
  keep(decoder.finish());
  const bits = Buffer.concat(pieces);
  if (bits.length === 0 || decoder.faults * 2 > bits.length / FAX_ROW_OCTETS) return null;
  const pages: Bitmap[] = [];
  for (let at = 0; at < bits.length; at += rows * FAX_ROW_OCTETS) {
    const part = bits.subarray(at, at + rows * FAX_ROW_OCTETS);
    pages.push({ rows: part.length / FAX_ROW_OCTETS, bits: part });
  }
  return pages;
}
