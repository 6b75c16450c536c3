/** LF or CRLF to CRLF and back, chunk by chunk: between content and the programs and files of this box. A lone CR stays as it is. */
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

export interface LfLines {
  /** Always a copy. */
  feed(chunk: Uint8Array): Buffer;
  /** The CR that might have been half a line end. */
  finish(): Buffer;
}

export function createLfLines(): LfLines {
  let heldCr = false;
  return {
    feed(chunk) {
      if (chunk.length === 0) return Buffer.alloc(0);
      const from = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      const out = Buffer.allocUnsafe(chunk.length + 1);
      let to = 0;
      let at = 0;
      if (heldCr && from[0] !== LF) out[to++] = CR;
      heldCr = false;
      for (let cr = from.indexOf(CR); cr >= 0; cr = from.indexOf(CR, cr + 1)) {
        if (cr === from.length - 1) heldCr = true;
        else if (from[cr + 1] !== LF) continue;
        to += from.copy(out, to, at, cr);
        at = cr + 1;
      }
      to += from.copy(out, to, at);
      return out.subarray(0, to);
    },
    finish() {
      const rest = Buffer.from(heldCr ? '\r' : '');
      heldCr = false;
      return rest;
    },
  };
}
