/** Comparing secrets: in the same time wherever the first difference is. */
import { timingSafeEqual } from 'node:crypto';

export type Comparison = 'same' | 'different' | { readonly unavailable: string };

/** Lengths are no secret; contents are. */
export function compareOctets(left: Uint8Array, right: Uint8Array): Comparison {
  return left.length === right.length && timingSafeEqual(left, right) ? 'same' : 'different';
}

export function compareText(left: string, right: string): Comparison {
  return compareOctets(Buffer.from(left, 'utf8'), Buffer.from(right, 'utf8'));
}
