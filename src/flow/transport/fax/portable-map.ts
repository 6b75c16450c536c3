/** Raw bitmaps (`P4`) and greymaps (`P5`) one after the other, as Ghostscript writes them, a page in memory at a time. */

export interface PortableMap {
  /** bits: rows of width / 8 octets, 1 is black. grey: an octet a pel, 255 is white. */
  readonly kind: 'bits' | 'grey';
  readonly width: number;
  readonly rows: number;
  /** Used again for the next page. */
  readonly octets: Uint8Array;
}

const MOST_OCTETS = 64 * 1024 * 1024;
const BLANK = String.raw`\s+(?:#[^\n]*\n\s*)*`;
const HEAD = new RegExp(`^(?:P4${BLANK}(\\d+)${BLANK}(\\d+)|P5${BLANK}(\\d+)${BLANK}(\\d+)${BLANK}255)\\s$`);
const HEAD_OCTETS = 500;

/** `take` answers whether it wants more. Throws at octets that are no map: they come from our own program. */
export async function readPortableMaps(input: AsyncIterable<Uint8Array>, take: (page: PortableMap) => Promise<boolean>): Promise<void> {
  let head = '';
  let page: PortableMap | null = null;
  let octets = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of input) {
    let at = 0;
    while (at < chunk.length) {
      if (page === null) {
        head += String.fromCharCode(chunk[at++] as number);
        const found = HEAD.exec(head);
        if (found === null) {
          if (head.length > HEAD_OCTETS || (head.length >= 2 && !/^P[45]/.test(head))) throw new Error('not a portable map');
          continue;
        }
        const kind = found[1] === undefined ? 'grey' : 'bits';
        const [width, rows] = [Number(found[1] ?? found[3]), Number(found[2] ?? found[4])];
        const size = (kind === 'bits' ? (width + 7) >> 3 : width) * rows;
        if (size > MOST_OCTETS || size === 0) throw new Error('a page of a size that was not asked for');
        if (octets.length !== size) octets = new Uint8Array(size);
        page = { kind, width, rows, octets };
        filled = 0;
        head = '';
      }
      const part = chunk.subarray(at, at + octets.length - filled);
      octets.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < octets.length) continue;
      const whole = page;
      page = null;
      if (!(await take(whole))) return;
    }
  }
}
