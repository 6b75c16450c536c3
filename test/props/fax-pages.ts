/** Fax pages for tests: lines of something like text, solid rules, a margin, and pels that no run-length coder likes. */
import { FAX_ROW_OCTETS, type FaxPage, type FaxResolution } from '../../src/core/fax.ts';

/** A page that differs with `seed` in nearly every line of writing. */
export function drawnPage(rows: number, seed: number): Buffer {
  const bitmap = Buffer.alloc(rows * FAX_ROW_OCTETS);
  let luck = seed * 2654435761 + 1;
  for (let row = 0; row < rows; row++) {
    const line = row % 40;
    const at = row * FAX_ROW_OCTETS;
    if (row % 200 === 0) bitmap.fill(0xff, at + 12, at + FAX_ROW_OCTETS - 12);
    else if (line > 8 && line < 32) {
      for (let octet = 16; octet < 16 + ((seed * 37 + Math.floor(row / 40) * 53) % 180); octet++) {
        if (line % 5 === 0) luck = Math.imul(luck ^ (luck >>> 13), 1274126177) + octet;
        bitmap[at + octet] = octet % 7 === 0 ? 0 : [0x7e, 0x3c, 0x18, 0xe7, 0xff][(luck >>> 8) % 5]!;
      }
    }
  }
  if (rows > 3) bitmap.fill(0xff, 2 * FAX_ROW_OCTETS, 3 * FAX_ROW_OCTETS); // a row that begins and ends black
  return bitmap;
}

export function pageOf(bitmap: Buffer, resolution: FaxResolution = 'fine'): FaxPage {
  return { resolution, rows: bitmap.length / FAX_ROW_OCTETS, bitmap: () => Promise.resolve(bitmap) };
}
