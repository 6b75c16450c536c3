/** Content as files and programs of this system want it: LF line ends. The CR of a CRLF goes, any other stays. */
import type { FileHandle } from 'node:fs/promises';
import type { StoredContent } from '../../../core/queue-store.ts';

/** What to do to the octets once more on their way: mbox quoting. */
export type Change = (piece: Buffer) => Buffer;

/** Gives the octets written. */
export async function writeContent(file: FileHandle, before: Uint8Array, content: StoredContent, signal: AbortSignal, change?: Change): Promise<number> {
  let size = 0;
  let heldCr = false;
  const write = async (octets: Buffer) => {
    let written = 0;
    while (written < octets.length) written += (await file.write(octets, written)).bytesWritten;
    size += octets.length;
  };
  const put = async (chunk: Uint8Array) => {
    const out = Buffer.allocUnsafe(chunk.length + 1);
    let to = 0;
    let from = 0;
    if (heldCr && chunk[0] !== 0x0a && chunk.length > 0) out[to++] = 0x0d;
    heldCr &&= chunk.length === 0;
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    for (let cr = view.indexOf(0x0d); cr >= 0; cr = view.indexOf(0x0d, cr + 1)) {
      if (cr === view.length - 1) heldCr = true;
      else if (view[cr + 1] !== 0x0a) continue;
      out.set(view.subarray(from, cr), to);
      to += cr - from;
      from = cr + 1;
    }
    out.set(view.subarray(from), to);
    to += view.length - from;
    const octets = out.subarray(0, to);
    await write(change === undefined ? octets : change(octets));
  };
  await put(before);
  for await (const piece of content.read()) {
    signal.throwIfAborted();
    await put(piece);
  }
  if (heldCr) await write(Buffer.from('\r'));
  return size;
}
