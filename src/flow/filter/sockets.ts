/**
 * The folders where filters put their sockets: `filters` for those that spare mail whose recipients want it unread,
 * `allfilters` for those that see everything. Listed anew only when a folder has changed, so that a look costs two stats.
 */
import { mkdirSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

export interface FoundSocket {
  readonly name: string;
  readonly path: string;
  readonly optional: boolean;
}

export interface Sockets {
  /** The folders, where they are not there yet. */
  make(): void;
  /** Optional ones first, each kind in byte order. */
  list(): readonly FoundSocket[];
  /** What a filter that is no longer wanted has left. */
  remove(name: string): void;
}

const FOLDERS = [{ name: 'filters', optional: true }, { name: 'allfilters', optional: false }] as const;
/** A folder's time stamp is coarse: what changed so shortly before a listing may not be in it. */
const COARSE_MS = 1000;
const MODE = 0o750;

export function openSockets(root: string, now: () => number): Sockets {
  const folders = FOLDERS.map(({ name, optional }) => ({ path: join(root, name), optional, stamp: -1, found: [] as readonly FoundSocket[] }));
  return {
    make() {
      for (const { path } of folders) mkdirSync(path, { recursive: true, mode: MODE });
    },
    list() {
      let all: readonly FoundSocket[] = [];
      for (const folder of folders) {
        const stamp = statSync(folder.path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
        if (stamp !== folder.stamp) {
          folder.found = stamp === 0 ? [] : listed(folder.path, folder.optional);
          folder.stamp = Math.abs(now() - stamp) < COARSE_MS ? -1 : stamp;
        }
        if (folder.found.length > 0) all = all.length === 0 ? folder.found : [...all, ...folder.found];
      }
      return all;
    },
    remove(name) {
      for (const { path } of folders) {
        for (const file of [name, `.${name}`]) {
          try {
            unlinkSync(join(path, file));
          } catch {
            // It was not there.
          }
        }
      }
    },
  };
}

function listed(folder: string, optional: boolean): readonly FoundSocket[] {
  return readdirSync(folder).filter(name => !name.startsWith('.')).map(name => ({ name, path: join(folder, name), optional })).toSorted((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
}
