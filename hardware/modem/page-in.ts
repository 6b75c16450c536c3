/**
 * A page from the modem: octets in either bit order, rows broken by the line. Rows that cannot be read become the row
 * above; what is kept is coded anew, so that every reader of it finds whole rows.
 */
import { FAX_ROW_OCTETS } from '../../src/core/fax.ts';
import type { FaxKernels } from '../../src/core/kernels.ts';
import type { PageData } from './ear.ts';

/** More than half an hour of a line at 14400, and a page of more than a metre. Nobody's page; the rest is cut off. */
const MOST_OCTETS = 2 * 1024 * 1024;
const MOST_ROWS = 10_000;
const SAMPLE_OCTETS = 8192;
const PIECE_OCTETS = 8192;

export interface PageIn extends PageData {
  readonly octetsSoFar: number;
  /** The last octets as text: a modem that hangs up without ending the page says so among them. */
  tail(): string;
  read(): ReadPage;
}

export interface ReadPage {
  readonly rows: number;
  readonly badRows: number;
  readonly coded: Buffer;
  readonly cut: boolean;
}

export function createPageIn(kernels: FaxKernels, arrivesTurned: boolean): PageIn {
  const chunks: Buffer[] = [];
  let size = 0;
  let cut = false;
  return {
    get octetsSoFar() {
      return size;
    },
    octets(chunk) {
      const room = MOST_OCTETS - size;
      if (chunk.length > room) cut = true;
      if (room <= 0) return;
      const kept = Buffer.from(chunk.subarray(0, room)); // a copy: the chunk is the port's
      chunks.push(kept);
      size += kept.length;
    },
    tail: () => Buffer.concat(chunks.slice(-8)).subarray(-200).toString('latin1'),
    read() {
      const wire = Buffer.concat(chunks.splice(0));
      const sample = wire.subarray(0, SAMPLE_OCTETS);
      const straight = legibility(kernels, sample, arrivesTurned);
      const reversed = legibility(kernels, sample, !arrivesTurned) > straight ? !arrivesTurned : arrivesTurned;
      return mend(kernels, wire, reversed, cut);
    },
  };
}

/** Rows that read well: the wrong bit order has next to none. */
function legibility(kernels: FaxKernels, sample: Uint8Array, reversed: boolean): number {
  const decoder = kernels.openFaxDecoder({ reversed });
  const rows = (decoder.feed(sample).length + decoder.finish().length) / FAX_ROW_OCTETS;
  return rows - decoder.faults;
}

function mend(kernels: FaxKernels, wire: Buffer, reversed: boolean, cutBefore: boolean): ReadPage {
  const decoder = kernels.openFaxDecoder({ reversed });
  const encoder = kernels.openFaxEncoder();
  const coded: Uint8Array[] = [];
  let rows = 0;
  let cut = cutBefore;
  const take = (bitmap: Uint8Array) => {
    const room = (MOST_ROWS - rows) * FAX_ROW_OCTETS;
    if (bitmap.length > room) cut = true;
    const kept = bitmap.subarray(0, room);
    rows += kept.length / FAX_ROW_OCTETS;
    if (kept.length > 0) coded.push(encoder.feed(kept));
  };
  for (let at = 0; at < wire.length; at += PIECE_OCTETS) {
    if (rows >= MOST_ROWS || decoder.ended) break;
    take(decoder.feed(wire.subarray(at, at + PIECE_OCTETS)));
  }
  take(decoder.finish());
  const badRows = decoder.faults;
  coded.push(encoder.finish());
  return { rows, badRows: Math.min(badRows, rows), coded: Buffer.concat(coded), cut };
}

/** Local policy (T.30 leaves it to the receiver): a tenth of the rows and a few, never more than 500. */
export function isLegible({ rows, badRows }: Pick<ReadPage, 'rows' | 'badRows'>): boolean {
  return rows > 0 && badRows <= Math.min(500, rows / 10 + 20);
}
