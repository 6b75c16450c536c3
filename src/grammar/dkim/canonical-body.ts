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
const BLOCK_OCTETS = 16 * 1024;

export function createRelaxedBody(give: (octets: Uint8Array) => void): CanonicalBody {
  const block = Buffer.allocUnsafe(BLOCK_OCTETS);
  let used = 0;
  let blank = false;
  let heldCr = false;
  /** Line ends not given yet: at the end of the body they would go. */
  let lineEnds = 0;
  let begun = false;

  function put(octet: number): void {
    if (used === BLOCK_OCTETS) flush();
    block[used++] = octet;
  }
  function flush(): void {
    if (used > 0) give(block.subarray(0, used));
    used = 0;
  }
  function putText(octet: number): void {
    for (; lineEnds > 0; lineEnds--) {
      put(CR);
      put(LF);
    }
    if (blank) put(SPACE);
    blank = false;
    begun = true;
    put(octet);
  }

  return {
    feed(octets) {
      for (let at = 0; at < octets.length; at++) {
        const octet = octets[at] as number;
        if (heldCr) {
          heldCr = false;
          if (octet === LF) {
            blank = false;
            lineEnds++;
            continue;
          }
          putText(CR);
        }
        if (octet === SPACE || octet === TAB) blank = true;
        else if (octet === CR) heldCr = true;
        else putText(octet);
      }
    },
    finish() {
      if (heldCr) putText(CR);
      // Nothing but empty lines is no body; a last line without its end is given one.
      if (begun) {
        put(CR);
        put(LF);
      }
      flush();
    },
  };
}
