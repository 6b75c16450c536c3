/** Dot-stuffing without WASM, for tests of what is said around it: correct for any cut of the content, and quick. */
import type { Kernels, Stuffing } from '../../src/core/kernels.ts';

const DOT = 0x2e;

export const plainKernels: Pick<Kernels, 'openStuffing'> = { openStuffing };

function openStuffing(): Stuffing {
  /** The last two octets of the content so far; it begins as if behind a CRLF. */
  let tail = '\r\n';
  return {
    feed(chunk) {
      const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      const pieces: Buffer[] = [];
      let from = 0;
      for (let at = octets.indexOf(DOT); at >= 0; at = octets.indexOf(DOT, at + 1)) {
        const before = at >= 2 ? octets.toString('latin1', at - 2, at) : (tail + octets.toString('latin1', 0, at)).slice(-2);
        if (before !== '\r\n') continue;
        pieces.push(octets.subarray(from, at + 1));
        from = at;
      }
      tail = (tail + octets.toString('latin1', Math.max(0, octets.length - 2))).slice(-2);
      if (pieces.length === 0) return octets;
      pieces.push(octets.subarray(from));
      return Buffer.concat(pieces);
    },
    finish: () => Buffer.from(tail === '\r\n' ? '.\r\n' : '\r\n.\r\n'),
  };
}
