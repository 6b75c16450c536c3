/** Bare CR and bare LF become CRLF; octets above 127 stay as they are. For peers whose mail is taken as it was meant. */
const CR = 0x0d;

export interface LineMender {
  mend(piece: Uint8Array): Uint8Array;
  /** A CR that was held back because its LF might still have come. */
  finish(): Uint8Array;
}

const NOTHING = new Uint8Array(0);
const LINE_END = Buffer.from('\r\n');

export function createLineMender(): LineMender {
  let heldCr = false;
  return {
    mend(piece) {
      if (piece.length === 0) return piece;
      const last = piece[piece.length - 1] === CR;
      const octets = Buffer.from(piece.buffer, piece.byteOffset, piece.length - (last ? 1 : 0));
      const text = (heldCr ? '\r' : '') + octets.toString('latin1');
      heldCr = last;
      return Buffer.from(text.replaceAll(/\r\n|\r|\n/g, '\r\n'), 'latin1');
    },
    finish() {
      if (!heldCr) return NOTHING;
      heldCr = false;
      return LINE_END;
    },
  };
}
