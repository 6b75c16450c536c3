/** LF or CRLF to CRLF, chunk by chunk: for content that programs of this box hand over. A lone CR stays as it is. */
const CR = 0x0d;
const LF = 0x0a;

export interface LineEnds {
  feed(chunk: Uint8Array): Uint8Array;
}

export function createLineEnds(): LineEnds {
  let before = 0;
  return {
    feed(chunk) {
      let bare = 0;
      let last = before;
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
        if ((at === 0 ? last : chunk[at - 1]) !== CR) bare++;
      }
      last = before;
      if (chunk.length > 0) before = chunk[chunk.length - 1] as number;
      if (bare === 0) return chunk;
      const out = new Uint8Array(chunk.length + bare);
      let to = 0;
      let from = 0;
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
        if ((at === 0 ? last : chunk[at - 1]) === CR) continue;
        out.set(chunk.subarray(from, at), to);
        to += at - from;
        out[to++] = CR;
        from = at;
      }
      out.set(chunk.subarray(from), to);
      return out;
    },
  };
}
