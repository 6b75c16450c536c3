/** A page as mgetty keeps it: T.4, highest bit first; fine or normal by the second letter of the file's name. */
import { basename } from 'node:path';
import { FAX_ROW_OCTETS } from '../../core/fax.ts';
import type { ArrivedPage } from '../../core/fax-arrival.ts';
import type { FaxKernels } from '../../core/kernels.ts';

const DIGIFAX = Buffer.from('PC Research, Inc', 'latin1');
const DIGIFAX_HEAD = 64;
const MOST_ROWS = 10_000;
const PIECE_OCTETS = 8192;

/** Null: no row can be read. */
export function readG3(octets: Buffer, name: string, kernels: FaxKernels): Pick<ArrivedPage, 'resolution' | 'rows' | 'badRows' | 'coded'> | null {
  const digifax = octets.subarray(1, 1 + DIGIFAX.length).equals(DIGIFAX);
  const fine = digifax ? octets[29] !== 0 : basename(name)[1] !== 'n';
  const body = digifax ? octets.subarray(DIGIFAX_HEAD) : octets;
  const decoder = kernels.openFaxDecoder();
  const encoder = kernels.openFaxEncoder();
  const coded: Uint8Array[] = [];
  let rows = 0;
  const take = (bitmap: Uint8Array): void => {
    const kept = bitmap.subarray(0, (MOST_ROWS - rows) * FAX_ROW_OCTETS);
    rows += kept.length / FAX_ROW_OCTETS;
    if (kept.length > 0) coded.push(encoder.feed(kept));
  };
  for (let at = 0; at < body.length; at += PIECE_OCTETS) {
    if (decoder.ended || rows >= MOST_ROWS) break;
    take(decoder.feed(body.subarray(at, at + PIECE_OCTETS)));
  }
  take(decoder.finish());
  coded.push(encoder.finish());
  return rows === 0 ? null : { resolution: fine ? 'fine' : 'normal', rows, badRows: Math.min(rows, decoder.faults), coded: Buffer.concat(coded) };
}
