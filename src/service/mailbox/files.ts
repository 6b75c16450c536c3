/**
 * The file system as this room uses it: an argument, so that a test can fail each step. Whatever may wait for a disk is
 * a promise; what only looks at an open file is not, since a turn of the event loop costs ten times the call.
 */
import { close, closeSync, constants, fstatSync, fsync, ftruncate, open, openSync, read, writev, writevSync, type BigIntStats } from 'node:fs';
import { link, mkdir, opendir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface Files {
  open(path: string, flags: number, mode?: number): Promise<number>;
  /** All octets, behind what was written before. */
  write(file: number, buffers: readonly Buffer[]): Promise<void>;
  /** The octets read; fewer only at the end of the file. */
  read(file: number, into: Buffer, position: number): Promise<number>;
  sync(file: number): Promise<void>;
  truncate(file: number, octets: number): Promise<void>;
  /** For a folder that was written to a moment ago: nobody has to look for it on the disk. */
  openFolder(path: string): number;
  look(file: number): BigIntStats;
  /** Throws what a file system keeps for the end, as NFS does. */
  close(file: number): void;
  /** Whatever it says, the file is given up. */
  abandon(file: number): void;
  readonly opendir: typeof opendir;
  readonly readFile: typeof readFile;
  readonly stat: typeof stat;
  readonly mkdir: typeof mkdir;
  readonly rename: typeof rename;
  readonly link: typeof link;
  readonly unlink: typeof unlink;
}

const AT_ONCE_OCTETS = 64 * 1024;
const writeMany = promisify(writev);
const readInto = promisify(read);

export const nodeFiles: Files = {
  open: promisify(open),
  async write(file, buffers) {
    let rest = buffers;
    // Small mail goes into the page cache in the time that asking another thread takes; it is the sync that waits.
    if (octetsOf(rest) <= AT_ONCE_OCTETS) {
      for (let left = octetsOf(rest); left > 0; ) {
        const written = writevSync(file, rest);
        left -= written;
        if (left > 0) rest = [Buffer.concat(rest).subarray(written)];
      }
      return;
    }
    // A disk that fills up takes a part first, and says so with the next write.
    for (let left = octetsOf(rest); left > 0; ) {
      const { bytesWritten } = await writeMany(file, rest);
      left -= bytesWritten;
      if (left > 0) rest = [Buffer.concat(rest).subarray(bytesWritten)];
    }
  },
  async read(file, into, position) {
    let octets = 0;
    while (octets < into.length) {
      const { bytesRead } = await readInto(file, into, octets, into.length - octets, position + octets);
      if (bytesRead === 0) break;
      octets += bytesRead;
    }
    return octets;
  },
  sync: promisify(fsync),
  truncate: promisify(ftruncate),
  openFolder: path => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY),
  look: file => fstatSync(file, { bigint: true }),
  close: closeSync,
  abandon: file => close(file, () => undefined),
  opendir, readFile, stat, mkdir, rename, link, unlink,
};

function octetsOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
