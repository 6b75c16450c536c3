/**
 * Content too large for the index: one file a message, `bodies/<first hex digit of the digest>/<queue id>`.
 * A file is durable under its name before a record names it; a file without a record is an orphan, and swept.
 */
import { dirname } from 'node:path';
import type { ContentFacts } from '../../core/content.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { FileSystem } from '../../kit/file/durable-file.ts';
import { openDurableFile, openFolderSync } from '../../kit/file/durable-file.ts';
import { isMessageId } from './message-id.ts';

const READ_OCTETS = 128 * 1024;
/** Read whole, so that the octets that were checked are the octets handed out. */
const WHOLE_OCTETS = 1024 * 1024;
const folderNames = '0123456789abcdef'.split('');

export type BodyRead =
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'stream'; open(): AsyncIterable<Uint8Array> }
  | { readonly kind: 'corrupt'; readonly why: string };

export interface BodyWriter {
  write(pieces: readonly Uint8Array[]): Promise<void>;
  /** Durable once this resolves. */
  commit(facts: ContentFacts): Promise<void>;
  discard(): Promise<void>;
}

export interface BodyFiles {
  create(id: MessageId): Promise<BodyWriter>;
  /** Checks the digest over the whole file first. */
  read(id: MessageId, facts: ContentFacts): Promise<BodyRead>;
  /** True when it is gone, or was never there. */
  remove(id: MessageId, facts: ContentFacts): Promise<boolean>;
  /** The file of a message whose facts are lost; null when it has none. */
  find(id: MessageId): Promise<string | null>;
  /** Its octets as they are, unchecked. */
  octets(path: string): AsyncIterable<Uint8Array>;
  /** Every file, folder by folder. Names that are not ours are left alone. */
  list(): AsyncIterable<{ readonly id: MessageId; readonly path: string; readonly temporary: boolean }>;
  unlink(path: string): Promise<void>;
  close(): Promise<void>;
}

export async function openBodyFiles(root: string, files: FileSystem, kernels: Kernels): Promise<BodyFiles> {
  const folders = openFolderSync(files);
  const drafts = `${root}/drafts`;
  await files.mkdir(drafts);
  for (const name of folderNames) await files.mkdir(`${root}/${name}`);
  await folders.sync(root);
  await folders.sync(dirname(root)); // the name of this folder, and of what lies beside it

  const folderOf = (facts: ContentFacts): string => `${root}/${folderNames[facts.digest[0]! >> 4]!}`;

  async function* pieces(path: string, sizeOctets: number): AsyncGenerator<Uint8Array> {
    const file = await files.open(path, 'read');
    try {
      for (let position = 0; position < sizeOctets; ) {
        const into = Buffer.allocUnsafe(Math.min(READ_OCTETS, sizeOctets - position));
        const size = await file.read(into, position);
        if (size < into.length) throw new Error(`body file ends at ${position + size} of ${sizeOctets} octets`);
        yield into;
        position += size;
      }
    } finally {
      await file.close();
    }
  }

  async function readWhole(path: string, facts: ContentFacts): Promise<BodyRead> {
    const octets = Buffer.allocUnsafe(facts.sizeOctets);
    const file = await files.open(path, 'read');
    try {
      const size = await file.read(octets, 0);
      if (size < octets.length) return { kind: 'corrupt', why: `body file ends at ${size} of ${octets.length} octets` };
    } finally {
      await file.close();
    }
    return same(kernels.digest(octets), facts.digest) ? { kind: 'octets', octets } : { kind: 'corrupt', why: 'body file digest does not match' };
  }

  async function readInPasses(path: string, facts: ContentFacts): Promise<BodyRead> {
    const scan = kernels.openScan();
    let digest: Uint8Array | null = null;
    try {
      for await (const piece of pieces(path, facts.sizeOctets)) scan.feed(piece);
    } finally {
      digest = scan.facts().digest; // closes the scan, whatever happened
    }
    if (!same(digest, facts.digest)) return { kind: 'corrupt', why: 'body file digest does not match' };
    return { kind: 'stream', open: () => checkedAgain(path, facts) };
  }

  /** The card may lie at the second reading too: the last piece is handed out only when all of them were right. */
  async function* checkedAgain(path: string, facts: ContentFacts): AsyncGenerator<Uint8Array> {
    const scan = kernels.openScan();
    let open = true;
    let held: Uint8Array | null = null;
    try {
      for await (const piece of pieces(path, facts.sizeOctets)) {
        scan.feed(piece);
        if (held !== null) yield held;
        held = piece;
      }
      open = false;
      if (!same(scan.facts().digest, facts.digest)) throw new Error('body file changed between two readings');
      if (held !== null) yield held;
    } finally {
      if (open) scan.facts(); // closes it
    }
  }

  return {
    async create(id) {
      const file = await openDurableFile(files, folders, `${drafts}/${id}`);
      return {
        write: (piecesToWrite) => file.write(piecesToWrite),
        commit: (facts) => file.commit(folderOf(facts), id),
        discard: () => file.discard(),
      };
    },
    async read(id, facts) {
      const path = `${folderOf(facts)}/${id}`;
      try {
        return await (facts.sizeOctets <= WHOLE_OCTETS ? readWhole(path, facts) : readInPasses(path, facts));
      } catch (error) {
        return { kind: 'corrupt', why: `body file cannot be read: ${String(error)}` };
      }
    },
    async remove(id, facts) {
      try {
        await files.unlink(`${folderOf(facts)}/${id}`);
        return true;
      } catch (error) {
        return isAbsent(error);
      }
    },
    async find(id) {
      for (const name of folderNames) if ((await files.readdir(`${root}/${name}`)).includes(id)) return `${root}/${name}/${id}`;
      return null;
    },
    async *octets(path) {
      const file = await files.open(path, 'read');
      try {
        for (let position = 0; ; ) {
          const into = Buffer.allocUnsafe(READ_OCTETS);
          const size = await file.read(into, position);
          if (size > 0) yield into.subarray(0, size);
          if (size < into.length) return;
          position += size;
        }
      } finally {
        await file.close();
      }
    },
    async *list() {
      for (const name of ['drafts', ...folderNames]) {
        const folder = `${root}/${name}`;
        for (const file of await files.readdir(folder)) {
          if (isMessageId(file)) yield { id: file, path: `${folder}/${file}`, temporary: name === 'drafts' };
        }
      }
    },
    async unlink(path) {
      await files.unlink(path).catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
      });
    },
    close: () => folders.close(),
  };
}

export function same(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
