/** Rows as agreed on the line: a fine page in a normal call loses no black pel, a normal page in a fine call keeps its shape. */
import { FAX_ROW_OCTETS } from '../../src/core/fax.ts';

export function fitRows(bitmap: Uint8Array, page: 'fine' | 'normal', agreed: 'fine' | 'normal'): Uint8Array {
  if (page === agreed) return bitmap;
  const rows = Math.floor(bitmap.length / FAX_ROW_OCTETS);
  if (page === 'normal') {
    const found = new Uint8Array(rows * 2 * FAX_ROW_OCTETS);
    for (let row = 0; row < rows; row++) {
      const one = bitmap.subarray(row * FAX_ROW_OCTETS, (row + 1) * FAX_ROW_OCTETS);
      found.set(one, 2 * row * FAX_ROW_OCTETS);
      found.set(one, (2 * row + 1) * FAX_ROW_OCTETS);
    }
    return found;
  }
  const found = new Uint8Array(Math.ceil(rows / 2) * FAX_ROW_OCTETS);
  for (let row = 0; row < rows; row++) {
    const to = (row >> 1) * FAX_ROW_OCTETS;
    for (let at = 0; at < FAX_ROW_OCTETS; at++) found[to + at]! |= bitmap[row * FAX_ROW_OCTETS + at]!;
  }
  return found;
}
