/**
 * Messages that wait for a neighbour's next batch: a file each, durable before its recipients are 'relayed'. A batch
 * takes files by moving them into a folder of its own, so that a gateway and a `posthorn uucp poll` never take the same.
 *
 *   <folder>/NODE/waiting/NAME      <folder>/NODE/batch-PID-N/NAME, gone when uux has it, back when it has not
 */
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFileSystem, openDurableFile, openFolderSync } from '../../../kit/file/durable-file.ts';

export interface Waiting {
  readonly messages: number;
  readonly octets: number;
  /** When the oldest came; null when there is none. */
  readonly oldestAt: number | null;
  readonly names: readonly string[];
}

export interface Taken {
  readonly messages: number;
  readonly octets: number;
  read(): AsyncGenerator<Uint8Array>;
  /** uux has it. */
  done(): Promise<void>;
  giveBack(): Promise<void>;
}

export interface BatchSpool {
  /** Under a name that was used before, the earlier text gives way. */
  add(node: string, name: string, text: AsyncIterable<Uint8Array>): Promise<{ readonly octets: number }>;
  nodes(): Promise<readonly string[]>;
  waiting(node: string): Promise<Waiting>;
  /** The oldest ones up to so many octets, one at least; null when none waits. */
  take(node: string, octets: number): Promise<Taken | null>;
  /** Takes one back for good: its text; null when it is not there. */
  recall(node: string, name: string): Promise<Uint8Array | null>;
  /** Batches of those who died are given back. */
  recover(): Promise<void>;
  close(): Promise<void>;
}

const BATCH = /^batch-(\d+)-\d+$/;
/** A part file of somebody who died is nobody's. */
const STALE_MS = 24 * 3_600_000;

export function openBatchSpool({ folder, now }: { readonly folder: string; readonly now: () => number }): BatchSpool {
  const sync = openFolderSync(nodeFileSystem);
  let count = 0;
  const homeOf = (node: string) => join(folder, node.toLowerCase());
  const waitingOf = (node: string) => join(homeOf(node), 'waiting');

  async function list(node: string): Promise<{ readonly name: string; readonly octets: number; readonly at: number }[]> {
    const names = await readdir(waitingOf(node)).catch(emptyWhenAbsent);
    const found = await Promise.all(names.filter(name => !name.startsWith('.')).map(async name => {
      const facts = await stat(join(waitingOf(node), name)).catch(() => null);
      return facts === null ? null : { name, octets: facts.size, at: facts.mtimeMs };
    }));
    return found.filter(one => one !== null).toSorted((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
  }

  async function giveBack(node: string, batch: string): Promise<void> {
    for (const name of await readdir(batch).catch(emptyWhenAbsent)) await rename(join(batch, name), join(waitingOf(node), name));
    await sync.sync(waitingOf(node));
    await rmdir(batch).catch(() => undefined);
  }

  const nodes = () => readdir(folder).catch(emptyWhenAbsent);

  return {
    async add(node, name, text) {
      const home = waitingOf(node);
      const temporary = join(home, `.${name}.${process.pid}.${count++}`);
      const file = await openDurableFile(nodeFileSystem, sync, temporary).catch(async () => {
        await mkdir(home, { recursive: true, mode: 0o700 });
        await sync.sync(homeOf(node));
        return openDurableFile(nodeFileSystem, sync, temporary);
      });
      let octets = 0;
      try {
        let pieces: Uint8Array[] = [];
        let held = 0;
        for await (const piece of text) {
          pieces.push(piece);
          held += piece.length;
          octets += piece.length;
          if (held < WRITE_OCTETS) continue;
          await file.write(pieces);
          pieces = [];
          held = 0;
        }
        await file.write(pieces);
        await file.commit(home, name);
      } catch (error) {
        await file.discard();
        throw error;
      }
      return { octets };
    },
    nodes,
    async waiting(node) {
      const files = await list(node);
      return { messages: files.length, octets: files.reduce((sum, one) => sum + one.octets, 0), oldestAt: files[0]?.at ?? null, names: files.map(one => one.name) };
    },
    async take(node, most) {
      const files = await list(node);
      if (files.length === 0) return null;
      const batch = join(homeOf(node), `batch-${process.pid}-${count++}`);
      await mkdir(batch, { mode: 0o700 });
      const names: string[] = [];
      let octets = 0;
      for (const file of files) {
        if (names.length > 0 && octets + file.octets > most) break;
        // Another one may have taken it since we looked.
        if (!(await rename(join(waitingOf(node), file.name), join(batch, file.name)).then(() => true, () => false))) continue;
        names.push(file.name);
        octets += file.octets;
      }
      if (names.length === 0) {
        await rmdir(batch).catch(() => undefined);
        return null;
      }
      return {
        messages: names.length,
        octets,
        async *read() {
          for (const name of names) yield* createReadStream(join(batch, name)) as AsyncIterable<Uint8Array>;
        },
        done: () => rm(batch, { recursive: true, force: true }),
        giveBack: () => giveBack(node, batch),
      };
    },
    async recall(node, name) {
      if (name.includes('/') || name.startsWith('.')) return null;
      const aside = join(homeOf(node), `.recalled-${process.pid}-${count++}`);
      if (!(await rename(join(waitingOf(node), name), aside).then(() => true, () => false))) return null;
      const text = await readFile(aside);
      await unlink(aside);
      return text;
    },
    async recover() {
      for (const node of await nodes()) {
        for (const name of await readdir(homeOf(node)).catch(emptyWhenAbsent)) {
          const owner = BATCH.exec(name)?.[1];
          if (owner !== undefined && !(Number(owner) !== process.pid && isAlive(Number(owner)))) await giveBack(node, join(homeOf(node), name));
        }
        for (const name of await readdir(waitingOf(node)).catch(emptyWhenAbsent)) {
          const path = join(waitingOf(node), name);
          if (name.startsWith('.') && now() - ((await stat(path).catch(() => null))?.mtimeMs ?? now()) > STALE_MS) await unlink(path).catch(() => undefined);
        }
      }
    },
    close: () => sync.close(),
  };
}

const WRITE_OCTETS = 256 * 1024;

function emptyWhenAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
