/** A journal that nobody needs any more, as an earlier gateway leaves it: who opens the queue has one from the start. */
import { mkdirSync, writeFileSync } from 'node:fs';

/** Gives the size of a segment. */
export function layJournal(folder: string, segmentOctets = 256 * 1024): number {
  mkdirSync(`${folder}/journal`, { recursive: true });
  writeFileSync(`${folder}/journal/00000000`, Buffer.alloc(2 * segmentOctets));
  return segmentOctets;
}
