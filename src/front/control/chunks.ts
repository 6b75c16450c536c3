/** Octets as lines: base64, in pieces that fit a control line. */
const CHUNK_OCTETS = 48 * 1024;

export async function* chunked(octets: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const piece of octets) {
    for (let at = 0; at < piece.length; at += CHUNK_OCTETS) {
      const part = piece.subarray(at, at + CHUNK_OCTETS);
      yield Buffer.from(part.buffer, part.byteOffset, part.length).toString('base64');
    }
  }
}
