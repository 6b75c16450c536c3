/** The empty journal that an orderly end leaves: who opens the queue has one from the start. */
import { mkdirSync, writeFileSync } from 'node:fs';

/** Gives the size of a segment. */
export function layJournal(folder: string, segmentOctets = 256 * 1024): number {
  mkdirSync(`${folder}/journal`, { recursive: true });
  writeFileSync(`${folder}/journal/spare`, Buffer.alloc(2 * segmentOctets));
  return segmentOctets;
}
