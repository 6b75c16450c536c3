/** Raw greymaps (`P5`) one after the other, as Ghostscript writes them, a page in memory at a time. */

export interface Greymap {
  readonly width: number;
  readonly rows: number;
  /** Used again for the next page. */
  readonly grey: Uint8Array;
}

const MOST_OCTETS = 64 * 1024 * 1024;

/** `take` answers whether it wants more. Throws at octets that are no greymap: they come from our own program. */
export async function readGreymaps(octets: AsyncIterable<Uint8Array>, take: (page: Greymap) => Promise<boolean>): Promise<void> {
  let head = '';
  let page: { width: number; rows: number; grey: Uint8Array } | null = null;
  let grey = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of octets) {
    let at = 0;
    while (at < chunk.length) {
      if (page === null) {
        head += String.fromCharCode(chunk[at++] as number);
        const found = /^P5\s+(?:#[^\n]*\n\s*)*(\d+)\s+(?:#[^\n]*\n\s*)*(\d+)\s+(?:#[^\n]*\n\s*)*255\s$/.exec(head);
        if (found === null) {
          if (head.length > 500 || (head.length >= 2 && !head.startsWith('P5'))) throw new Error('not a greymap');
          continue;
        }
        const [width, rows] = [Number(found[1]), Number(found[2])];
        if (width * rows > MOST_OCTETS) throw new Error('a greymap larger than was asked for');
        if (grey.length !== width * rows) grey = new Uint8Array(width * rows);
        page = { width, rows, grey };
        filled = 0;
        head = '';
      }
      const part = chunk.subarray(at, at + grey.length - filled);
      grey.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < grey.length) continue;
      const whole = page;
      page = null;
      if (!(await take(whole))) return;
    }
  }
}
