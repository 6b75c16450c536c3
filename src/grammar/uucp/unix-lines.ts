/** CRLF content to LF lines, chunk by chunk; with `dots`, doubled at line starts as batched SMTP wants them (RFC 5321 §4.5.2). */
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

export interface UnixLines {
  feed(chunk: Uint8Array): Uint8Array;
  /** What was held back, and a last LF when the content lacks it. */
  finish(): Uint8Array;
}

export function createUnixLines({ dots }: { readonly dots: boolean }): UnixLines {
  let heldCr = false;
  let atStart = true;
  return {
    feed(chunk) {
      if (chunk.length === 0) return chunk;
      // The worst case is a chunk of dots' lines: one octet more for each two.
      const out = Buffer.allocUnsafe(chunk.length + (chunk.length >> 1) + 2);
      const from = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      let to = 0;
      let at = 0;
      if (heldCr) {
        if (from[0] !== LF) {
          out[to++] = CR;
          atStart = false;
        }
        heldCr = false;
      }
      while (at < from.length) {
        if (atStart && dots && from[at] === DOT) out[to++] = DOT;
        const lf = from.indexOf(LF, at);
        if (lf < 0) {
          const end = from[from.length - 1] === CR ? from.length - 1 : from.length;
          to += from.copy(out, to, at, end);
          heldCr = end < from.length;
          atStart &&= end === at;
          break;
        }
        to += from.copy(out, to, at, lf > at && from[lf - 1] === CR ? lf - 1 : lf);
        out[to++] = LF;
        at = lf + 1;
        atStart = true;
      }
      return out.subarray(0, to);
    },
    finish() {
      const text = `${heldCr ? '\r' : ''}${atStart && !heldCr ? '' : '\n'}`;
      heldCr = false;
      atStart = true;
      return Buffer.from(text);
    },
  };
}
