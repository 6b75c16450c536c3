/** Content as a source that may be read again: pieces where it is small, a stream where it is not. */
export type Pieces = readonly Uint8Array[] | AsyncIterable<Uint8Array>;
export type Source = () => Pieces;

export function isInMemory(pieces: Pieces): pieces is readonly Uint8Array[] {
  return Array.isArray(pieces);
}

/** Null: there is no end of it within `most` octets. With the CRLF of its last field, without the empty line. */
export async function readHeader(source: Source, most: number): Promise<Buffer | null> {
  let gathered: Buffer = Buffer.alloc(0);
  for await (const piece of source()) {
    const from = Math.max(0, gathered.length - 3);
    gathered = gathered.length === 0 ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength) : Buffer.concat([gathered, piece]);
    const end = gathered.indexOf('\r\n\r\n', from);
    if (end >= 0) return gathered.subarray(0, end + 2);
    if (gathered.length > most) return null;
  }
  return gathered;
}

/** `head` in place of the first `cut` octets. */
export function withHead(source: Source, cut: number, head: Uint8Array): Source {
  return () => {
    const pieces = source();
    return isInMemory(pieces) ? [head, ...behind(pieces, cut)] : streamed(pieces, cut, head);
  };
}

function behind(pieces: readonly Uint8Array[], cut: number): readonly Uint8Array[] {
  if (cut === 0) return pieces;
  const kept: Uint8Array[] = [];
  let left = cut;
  for (const piece of pieces) {
    if (left < piece.length) kept.push(left === 0 ? piece : piece.subarray(left));
    left = Math.max(0, left - piece.length);
  }
  return kept;
}

async function* streamed(pieces: AsyncIterable<Uint8Array>, cut: number, head: Uint8Array): AsyncGenerator<Uint8Array> {
  yield head;
  let left = cut;
  for await (const piece of pieces) {
    if (left < piece.length) yield left === 0 ? piece : piece.subarray(left);
    left = Math.max(0, left - piece.length);
  }
}
