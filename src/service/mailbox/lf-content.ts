/** Content as files of this system want it: LF line ends. The CR of a CRLF goes, any other stays. */
import { createLfLines } from '../../grammar/line-ends.ts';
import type { Files } from './files.ts';

export type Pieces = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

/** What to do to the octets once more on their way: mbox quoting. */
export interface Change {
  feed(piece: Buffer): Buffer;
  finish(): Buffer;
}

/** Gathered before a write: small mail is one. */
const BLOCK_OCTETS = 256 * 1024;

/** Gives the octets written. */
export async function writeLf(files: Pick<Files, 'write'>, file: number, before: Uint8Array, pieces: Pieces, signal: AbortSignal, change?: Change): Promise<number> {
  const lines = createLfLines();
  let size = 0;
  let block: Buffer[] = [];
  let held = 0;
  const flush = async () => {
    if (held === 0) return;
    await files.write(file, block);
    size += held;
    block = [];
    held = 0;
  };
  const add = (octets: Buffer) => {
    const ready = change === undefined ? octets : change.feed(octets);
    if (ready.length === 0) return false;
    block.push(ready);
    held += ready.length;
    return held >= BLOCK_OCTETS;
  };
  add(Buffer.from(before));
  for await (const piece of pieces) {
    signal.throwIfAborted();
    // The piece is its giver's: what is kept is a copy.
    if (add(lines.feed(piece))) await flush();
  }
  add(lines.finish());
  const rest = change?.finish();
  if (rest !== undefined && rest.length > 0) {
    block.push(rest);
    held += rest.length;
  }
  await flush();
  return size;
}
