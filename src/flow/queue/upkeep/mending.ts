/**
 * One flipped bit, flipped back: where a checksum of 64 bits or more covers some octets, the one neighbour that fits it
 * is what was written. Each bit is tried, so this is for what is small; other work gets its turn between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What is larger is not tried: the time goes with the square of the size. */
export const MENDABLE_OCTETS = 16 * 1024;
/** Octets read between two turns. */
const TURN_OCTETS = 2 * 1024 * 1024;

/** The octets as they were, or null when more than a bit is wrong. */
export async function mendBit(octets: Uint8Array, isSound: (octets: Buffer) => boolean): Promise<Buffer | null> {
  if (octets.length > MENDABLE_OCTETS) return null;
  const mended = Buffer.from(octets);
  let read = 0;
  for (let at = 0; at < mended.length; at++) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      mended[at]! ^= bit;
      if (isSound(mended)) return mended;
      mended[at]! ^= bit;
      read += mended.length;
    }
    if (read < TURN_OCTETS) continue;
    read = 0;
    await nextTurn();
  }
  return null;
}
