/** A file system that fails where a test says so, and remembers in which order it was asked. */
import type { FileSystem, OpenFile } from '../../src/kit/file/durable-file.ts';
import { nodeFileSystem } from '../../src/kit/file/durable-file.ts';

export type DiskStep = 'open' | 'write' | 'read' | 'sync' | 'close' | 'rename' | 'unlink';

export interface FailingDisk extends FileSystem {
  /** Asked before every step; a code makes the step fail with it. */
  fail: (step: DiskStep, path: string) => string | null;
  readonly steps: readonly string[];
}

export function createFailingDisk(): FailingDisk {
  const steps: string[] = [];

  function ask(step: DiskStep, path: string): void {
    steps.push(`${step} ${path}`);
    const code = disk.fail(step, path);
    if (code !== null) throw Object.assign(new Error(`${code}: ${step} ${path}`), { code });
  }

  function watched(file: OpenFile, path: string): OpenFile {
    return {
      async write(pieces) {
        ask('write', path);
        await file.write(pieces);
      },
      async writeAt(pieces, position) {
        ask('write', path);
        await file.writeAt(pieces, position);
      },
      async read(into, position) {
        ask('read', path);
        return file.read(into, position);
      },
      async sync() {
        ask('sync', path);
        await file.sync();
      },
      async close() {
        await file.close();
        ask('close', path);
      },
    };
  }

  const disk: FailingDisk = {
    steps,
    fail: () => null,
    async open(path, how) {
      ask('open', path);
      return watched(await nodeFileSystem.open(path, how), path);
    },
    async rename(from, to) {
      ask('rename', to);
      await nodeFileSystem.rename(from, to);
    },
    async unlink(path) {
      ask('unlink', path);
      await nodeFileSystem.unlink(path);
    },
    mkdir: (path) => nodeFileSystem.mkdir(path),
    readdir: (path) => nodeFileSystem.readdir(path),
  };
  return disk;
}
