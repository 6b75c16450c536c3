/** Pages on disk, packed, one file each: a fax of any length costs the memory of one page. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FAX_ROW_OCTETS } from '../../../core/fax.ts';
import type { Bitmap } from './bitmap.ts';

export interface StoredPage {
  readonly file: string;
  readonly rows: number;
}

export interface PageStore {
  /** False when the message has as many pages as it may. */
  add(page: Bitmap): Promise<boolean>;
  readonly pages: readonly StoredPage[];
}

export function createPageStore(folder: string, prefix: string, room: () => number): PageStore {
  const pages: StoredPage[] = [];
  return {
    pages,
    async add({ rows, bits }) {
      if (room() <= 0) return false;
      const file = `${prefix}-${String(pages.length + 1).padStart(4, '0')}.bits`;
      await writeFile(join(folder, file), bits, { mode: 0o600 });
      pages.push({ file, rows });
      return true;
    },
  };
}

export async function readPage(folder: string, { file, rows }: StoredPage): Promise<Bitmap> {
  const bits = await readFile(join(folder, file));
  if (bits.length !== rows * FAX_ROW_OCTETS) throw new Error(`${file} has ${bits.length} octets where ${rows * FAX_ROW_OCTETS} were written`);
  return { rows, bits };
}
