/** A card that lies: bits of a closed queue flipped in its files. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Flips one bit in every copy of `marker` that the index's file holds; gives how many there were. */
export function flipInIndex(folder: string, marker: string, at = 0, bit = 0): number {
  return flipIn(join(folder, 'data.mdb'), marker, at, bit);
}

/** The same in every body file. */
export function flipInBodies(folder: string, marker: string, at = 0, bit = 0): number {
  const root = join(folder, 'bodies');
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + flipIn(join(parentPath, name), marker, at, bit), 0);
}

function flipIn(path: string, marker: string, at: number, bit: number): number {
  const octets = readFileSync(path);
  let count = 0;
  for (let found = octets.indexOf(marker, 0, 'latin1'); found >= 0; found = octets.indexOf(marker, found + marker.length, 'latin1')) {
    octets[found + at]! ^= 1 << bit;
    count++;
  }
  if (count > 0) writeFileSync(path, octets);
  return count;
}
