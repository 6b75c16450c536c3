/**
 * Files that are there after a power cut: written under a temporary name, synced, renamed, and the folder synced.
 * The file system is an argument, so that a test can fail each step.
 */
import { constants, writev } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';

export interface FileSystem {
  /** 'new' fails when the name is taken; 'through' is there already, for writeAt(); 'folder' can only be synced. */
  open(path: string, how: 'new' | 'read' | 'through' | 'folder'): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  mkdir(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
}

export interface OpenFile {
  /** All octets of all pieces, in order, after what was written before. */
  write(pieces: readonly Uint8Array[]): Promise<void>;
  /** The same from `position` on, and through to the disk: it is there after a power cut once this resolves. */
  writeAt(pieces: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills `into` from `position` on; fewer octets only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const howToOpen = { new: 'wx', read: 'r', folder: 'r', through: constants.O_WRONLY | constants.O_DSYNC } as const;

export const nodeFileSystem: FileSystem = {
  async open(path, how) {
    return openFile(await open(path, howToOpen[how], 0o600));
  },
  rename,
  unlink,
  async mkdir(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  readdir,
};

function openFile(file: FileHandle): OpenFile {
  return {
    async write(pieces) {
      for (const piece of pieces) {
        let written = 0;
        while (written < piece.length) written += (await file.write(piece, written)).bytesWritten;
      }
    },
    async writeAt(pieces, position) {
      let left = pieces;
      for (let at = position; left.length > 0;) {
        const written = await new Promise<number>((resolve, reject) => {
          writev(file.fd, left, at, (error, octets) => (error === null ? resolve(octets) : reject(error)));
        });
        at += written;
        left = behind(left, written);
      }
    },
    async read(into, position) {
      let filled = 0;
      while (filled < into.length) {
        const { bytesRead } = await file.read(into, filled, into.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    },
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

/** Without the first octets of all. */
function behind(pieces: readonly Uint8Array[], octets: number): readonly Uint8Array[] {
  let skip = octets;
  for (let at = 0; at < pieces.length; at++) {
    const piece = pieces[at]!;
    if (skip < piece.length) return [piece.subarray(skip), ...pieces.slice(at + 1)];
    skip -= piece.length;
  }
  return [];
}

export interface FolderSync {
  /** Resolves after a sync that began after the call: names made before are then durable. */
  sync(folder: string): Promise<void>;
  close(): Promise<void>;
}

/** Syncs folders, one sync at a time each; who comes while one runs shares the next. Folders stay open. */
export function openFolderSync(files: FileSystem): FolderSync {
  interface Folder {
    readonly file: Promise<OpenFile>;
    running: Promise<void> | null;
    next: Promise<void> | null;
  }
  const folders = new Map<string, Folder>();

  function start(folder: Folder): Promise<void> {
    const run = folder.file.then((file) => file.sync()).finally(() => {
      folder.running = null;
    });
    folder.running = run;
    return run;
  }

  return {
    async sync(path) {
      let folder = folders.get(path);
      if (folder === undefined) {
        folder = { file: files.open(path, 'folder'), running: null, next: null };
        folders.set(path, folder);
        folder.file.catch(() => folders.delete(path)); // the next caller tries to open it again
      }
      const mine = folder;
      if (mine.running === null) return start(mine);
      mine.next ??= mine.running
        .catch(() => undefined) // that was another's sync; ours is still to come
        .then(() => {
          mine.next = null;
          return start(mine);
        });
      return mine.next;
    },
    async close() {
      for (const folder of folders.values()) {
        await (folder.next ?? folder.running ?? Promise.resolve()).catch(() => undefined);
        await folder.file.then((file) => file.close()).catch(() => undefined);
      }
      folders.clear();
    },
  };
}

export interface DurableFile {
  write(pieces: readonly Uint8Array[]): Promise<void>;
  /** Durable under its final name once this resolves. A failure leaves neither name behind. */
  commit(folder: string, name: string): Promise<void>;
  /** Closes, and removes what was written. Never fails: what stays is swept later. */
  discard(): Promise<void>;
}

/** The whole file in one go, in a folder that is made when it is not there. What lay under that name is replaced. */
export async function keepFile(files: FileSystem, folder: string, name: string, octets: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  await files.mkdir(folder);
  const folders = openFolderSync(files);
  try {
    await files.unlink(`${folder}/${name}.part`).catch(() => undefined);
    const file = await openDurableFile(files, folders, `${folder}/${name}.part`);
    try {
      for await (const piece of octets) await file.write([piece]);
    } catch (error) {
      await file.discard();
      throw error;
    }
    await file.commit(folder, name);
    return `${folder}/${name}`;
  } finally {
    await folders.close();
  }
}

/** So much is synced while more comes, so that the last sync finds little to do: a disk works while a network talks. */
const SYNC_AHEAD_OCTETS = 4 * 1024 * 1024;

export async function openDurableFile(files: FileSystem, folders: FolderSync, temporary: string): Promise<DurableFile> {
  const file = await files.open(temporary, 'new');
  let path = temporary;
  let open = true;
  let unsynced = 0;
  /** A sync under way; never rejects. */
  let ahead: Promise<void> | null = null;
  /** The kernel tells of a page that it lost to one sync and forgets it: what one said, no later one can mend. */
  let lost: { readonly cause: unknown } | null = null;

  function syncAhead(): void {
    if (unsynced < SYNC_AHEAD_OCTETS || ahead !== null) return;
    unsynced = 0;
    ahead = file.sync().catch((cause: unknown) => {
      lost ??= { cause };
    }).finally(() => {
      ahead = null;
    });
  }

  async function discard(): Promise<void> {
    await ahead;
    if (open) {
      open = false;
      await file.close().catch(() => undefined);
    }
    await files.unlink(path).catch(() => undefined);
  }

  return {
    async write(pieces) {
      await file.write(pieces);
      for (const { length } of pieces) unsynced += length;
      syncAhead();
    },
    async commit(folder, name) {
      try {
        await ahead;
        if (lost !== null) throw lost.cause;
        await file.sync();
        open = false;
        await file.close();
        const final = `${folder}/${name}`;
        await files.rename(path, final);
        path = final;
        await folders.sync(folder);
      } catch (error) {
        await discard();
        throw error;
      }
    },
    discard,
  };
}
