/**
 * Every moment at which the plug may be pulled: before and after each commit of the index, each step of the file system,
 * each call that somebody awaits. Found mechanically, by standing between; at each, the disk is copied as it is.
 *
 * The copy is what a crash would leave: LMDB writes new pages beside the old ones and its meta page last, so a copy made
 * from the front has a state that was committed.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { LmdbIndex } from '../../src/flow/queue/lmdb-index.ts';
import { openLmdbIndex } from '../../src/flow/queue/lmdb-index.ts';
import type { FileSystem, OpenFile } from '../../src/kit/file/durable-file.ts';
import { nodeFileSystem } from '../../src/kit/file/durable-file.ts';

export interface CrashPoints {
  readonly fileSystem: FileSystem;
  readonly openIndex: typeof openLmdbIndex;
  /** The same object; each call of these methods has a moment before it and one after its promise. */
  wrap<T extends object>(name: string, inner: T, methods: readonly (keyof T & string)[]): T;
  /** Real input and output that has not ended. */
  readonly pending: number;
}

/** `at` is called at each moment, before anything else can happen. */
export function createCrashPoints(at: (what: string) => void): CrashPoints {
  let pending = 0;

  async function step<T>(what: string, work: () => T | Promise<T>): Promise<T> {
    at(`before ${what}`);
    pending++;
    try {
      const result = await work();
      at(`after ${what}`);
      return result;
    } finally {
      pending--;
    }
  }

  const file = (inner: OpenFile): OpenFile => ({
    write: (pieces) => step('write', () => inner.write(pieces)),
    writeAt: (pieces, position) => step('write through', () => inner.writeAt(pieces, position)),
    read: (into, position) => step('read', () => inner.read(into, position)),
    sync: () => step('sync', () => inner.sync()),
    close: () => step('close', () => inner.close()),
  });

  return {
    get pending() {
      return pending;
    },
    fileSystem: {
      open: (path, how) => step(`open ${how}`, async () => file(await nodeFileSystem.open(path, how))),
      rename: (from, to) => step('rename', () => nodeFileSystem.rename(from, to)),
      unlink: (path) => step('unlink', () => nodeFileSystem.unlink(path)),
      mkdir: (path) => nodeFileSystem.mkdir(path),
      readdir: (path) => nodeFileSystem.readdir(path),
    },
    openIndex(...args) {
      const index: LmdbIndex = openLmdbIndex(...args);
      return new Proxy(index, {
        get(target, name: keyof LmdbIndex) {
          if (name === 'transaction') return <T>(work: () => T) => step('transaction', () => target.transaction(work));
          if (name === 'settled') return (write: Promise<boolean>) => step('commit', () => target.settled(write));
          return target[name];
        },
      });
    },
    wrap(name, inner, methods) {
      return new Proxy(inner, {
        get(target, property, receiver) {
          const value: unknown = Reflect.get(target, property, receiver);
          if (typeof value !== 'function') return value;
          if (!(methods as readonly (string | symbol)[]).includes(property)) return value.bind(target) as unknown;
          return (...args: unknown[]) => {
            const what = `${name}.${String(property)}`;
            at(`before ${what}`);
            const result: unknown = Reflect.apply(value, target, args);
            if (!(result instanceof Promise)) return result;
            return result.then((given: unknown) => {
              at(`after ${what}`);
              return given;
            });
          };
        },
      });
    },
  };
}

/** A folder's files. Only what is not zero at the end of the index: the rest is ground that nothing was written on. */
export type Image = ReadonlyMap<string, Buffer>;

export function takeImage(folder: string): Image {
  const image = new Map<string, Buffer>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'lock.mdb') continue;
    const path = join(entry.parentPath, entry.name);
    const octets = readFileSync(path);
    image.set(relative(folder, path), entry.name === 'data.mdb' ? Buffer.from(withoutGround(octets)) : octets);
  }
  return image;
}

const PAGE = 4096;

function withoutGround(octets: Buffer): Buffer {
  const empty = Buffer.alloc(PAGE);
  let end = octets.length - (octets.length % PAGE);
  while (end > 2 * PAGE && octets.compare(empty, 0, PAGE, end - PAGE, end) === 0) end -= PAGE;
  return octets.subarray(0, end);
}

export function layImage(image: Image, folder: string): void {
  for (const [path, octets] of image) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), octets);
  }
}

export function digestOf(image: Image): string {
  const hash = createHash('sha256');
  for (const path of [...image.keys()].toSorted()) hash.update(`${path}\0${image.get(path)!.length}\0`).update(image.get(path)!);
  return hash.digest('hex');
}
