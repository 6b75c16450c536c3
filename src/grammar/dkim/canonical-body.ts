/**
 * The body as DKIM hashes it (RFC 6376 §3.4.4, "relaxed"): blanks at a line's end go, blanks within it become one, empty
 * lines at the end go. One pass, in whatever pieces it comes; what it gives out is the caller's until the next call.
 */
export interface CanonicalBody {
  feed(octets: Uint8Array): void;
  finish(): void;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const SLICE_OCTETS = 16 * 1024;
/** Line ends that are put out together; more are there only to keep somebody busy. */
const LINE_ENDS = 1024;
/** A slice, the line ends before it, a blank and a CR that were held. */
const BLOCK_OCTETS = SLICE_OCTETS + 2 * LINE_ENDS + 2;

export function createRelaxedBody(give: (octets: Uint8Array) => void): CanonicalBody {
  const block = new Uint8Array(BLOCK_OCTETS);
  let blank = false;
  let heldCr = false;
  /** Line ends not given yet: at the end of the body they would go. */
  let lineEnds = 0;
  let begun = false;

  /** Everything held is known to stand before text; gives how much of the block is used then. */
  function release(used: number): number {
    let at = used;
    while (lineEnds > LINE_ENDS) {
      if (at > 0) give(block.subarray(0, at));
      for (at = 0; at < 2 * LINE_ENDS; at += 2) {
        block[at] = CR;
        block[at + 1] = LF;
      }
      lineEnds -= LINE_ENDS;
      give(block.subarray(0, at));
      at = 0;
    }
    for (; lineEnds > 0; lineEnds--) {
      block[at++] = CR;
      block[at++] = LF;
    }
    if (blank) block[at++] = SPACE;
    blank = false;
    begun = true;
    return at;
  }

  function slice(octets: Uint8Array, from: number, to: number): void {
    let used = 0;
    let holding = blank || heldCr || lineEnds > 0 || !begun;
    for (let at = from; at < to; at++) {
      const octet = octets[at] as number;
      if (octet > SPACE && !holding) {
        block[used++] = octet;
        continue;
      }
      if (heldCr) {
        heldCr = false;
        if (octet === LF) {
          blank = false;
          lineEnds++;
          continue;
        }
        used = release(used);
        block[used++] = CR;
      }
      if (octet === SPACE || octet === TAB) blank = true;
      else if (octet === CR) heldCr = true;
      else {
        used = release(used);
        block[used++] = octet;
        holding = false;
        continue;
      }
      holding = true;
    }
    if (used > 0) give(block.subarray(0, used));
  }

  return {
    feed(octets) {
      for (let from = 0; from < octets.length; from += SLICE_OCTETS) slice(octets, from, Math.min(octets.length, from + SLICE_OCTETS));
    },
    finish() {
      let used = 0;
      if (heldCr) {
        used = release(used);
        block[used++] = CR;
      }
      // Nothing but empty lines is no body; a last line without its end is given one.
      if (begun) {
        block[used++] = CR;
        block[used++] = LF;
      }
      if (used > 0) give(block.subarray(0, used));
    },
  };
}
