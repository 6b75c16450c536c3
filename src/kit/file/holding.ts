/** Octets kept while filters look: small ones in memory, large ones in a file that nobody else knows. */
import { open, unlink, type FileHandle } from 'node:fs/promises';

export interface Holding {
  /** The chunk belongs to the holding from now on. A promise asks to wait before the next one. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  readonly sizeOctets: number;
  /** After the last write. */
  read(from?: number): AsyncIterable<Uint8Array>;
  /** At most so many octets from the beginning. */
  head(octets: number): Promise<Buffer>;
  close(): void;
}

/** Beyond it a message goes to disk: so many sessions hold no more than this each. */
export const MEMORY_OCTETS = 256 * 1024;
const READ_OCTETS = 128 * 1024;

export function createHolding(path: string): Holding {
  let chunks: Uint8Array[] = [];
  let buffered = 0;
  let sizeOctets = 0;
  let file: FileHandle | null = null;
  let writing: Promise<void> | null = null;
  let failure: unknown = null;
  let closed = false;

  async function spill(): Promise<void> {
    try {
      file ??= await open(path, 'wx+', 0o600);
      while (chunks.length > 0) {
        const pieces = chunks;
        chunks = [];
        buffered = 0;
        for (const piece of pieces) {
          for (let at = 0; at < piece.length;) at += (await file.write(piece, at)).bytesWritten;
        }
      }
    } catch (error) {
      failure = error;
      chunks = [];
    } finally {
      writing = null;
      if (closed) void remove();
    }
  }

  async function remove(): Promise<void> {
    const open = file;
    file = null;
    if (open === null) return;
    await open.close().catch(() => undefined);
    // What stays is swept at the next start.
    await unlink(path).catch(() => undefined);
  }

  async function settle(): Promise<void> {
    if (file !== null && chunks.length > 0) writing ??= spill();
    if (writing !== null) await writing;
    if (failure !== null) throw failure;
    if (closed) throw new Error('content was asked for after close()');
  }

  return {
    get sizeOctets() {
      return sizeOctets;
    },
    write(chunk) {
      if (failure !== null) return undefined;
      chunks.push(chunk);
      buffered += chunk.length;
      sizeOctets += chunk.length;
      if (buffered <= MEMORY_OCTETS) return undefined;
      writing ??= spill();
      return writing;
    },
    async *read(from = 0) {
      await settle();
      if (file === null) {
        let at = 0;
        for (const chunk of chunks) {
          if (at + chunk.length > from) yield from > at ? chunk.subarray(from - at) : chunk;
          at += chunk.length;
        }
        return;
      }
      for (let at = from; at < sizeOctets;) {
        const into = Buffer.allocUnsafe(Math.min(READ_OCTETS, sizeOctets - at));
        const { bytesRead } = await file.read(into, 0, into.length, at);
        if (bytesRead === 0) throw new Error(`content held in a file ends at ${at} of ${sizeOctets} octets`);
        yield into.subarray(0, bytesRead);
        at += bytesRead;
      }
    },
    async head(octets) {
      const pieces: Uint8Array[] = [];
      let found = 0;
      for await (const chunk of this.read()) {
        pieces.push(chunk);
        found += chunk.length;
        if (found >= octets) break;
      }
      return Buffer.concat(pieces).subarray(0, octets);
    },
    close() {
      if (closed) return;
      closed = true;
      chunks = [];
      if (writing === null) void remove();
    },
  };
}
