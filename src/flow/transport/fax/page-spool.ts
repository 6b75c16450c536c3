/**
 * A fax on its way: its pages and how far it came, in a folder of its own, kept from one attempt to the next. What was
 * confirmed is on disk before the next call, so that no page goes out twice for want of memory.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaxResolution } from '../../../core/fax.ts';
import type { StoredPage } from './page-store.ts';

export interface FaxJob {
  readonly resolution: FaxResolution;
  readonly pages: readonly StoredPage[];
  readonly coverPages: number;
  /** For the report: what was left out, what could not be drawn. */
  readonly notes: readonly string[];
  /** Confirmed, from the first. */
  readonly sent: number;
  /** Pages, counted from 1, that may be on paper twice. */
  readonly twice: readonly number[];
  readonly calls: number;
  readonly freeTries: number;
  readonly paidTries: number;
  /** It is through, and this is what the sender hears: kept, so that a crash before the queue knew it costs no second call. */
  readonly receipt?: string;
}

export interface SpooledFax {
  readonly folder: string;
  /** Null: nothing is here yet, or nothing that can be used. */
  load(): Promise<FaxJob | null>;
  /** Empties the folder for new pages. */
  begin(): Promise<void>;
  save(job: FaxJob): Promise<void>;
  /** Removes the pages, and keeps the job. Neither this nor the next fails: what stays is swept later. */
  clear(): Promise<void>;
  remove(): Promise<void>;
}

export interface PageSpool {
  fax(name: string): SpooledFax;
  /** Removes what nobody came for since. */
  sweep(olderThan: number): Promise<void>;
}

const VERSION = 1;
const JOB = 'job.json';

export function createPageSpool(root: string): PageSpool {
  return {
    fax(name) {
      if (!/^[\w.-]+$/.test(name) || name.startsWith('.')) throw new Error(`${name} is no name for a folder`);
      const folder = join(root, name);
      return {
        folder,
        async load() {
          try {
            const job = JSON.parse(await readFile(join(folder, JOB), 'utf8')) as FaxJob & { readonly version: number };
            if (job.version !== VERSION) return null;
          if (job.receipt !== undefined) return job;
            const present = new Set(await readdir(folder));
            return job.pages.length > 0 && job.pages.every(({ file }) => present.has(file)) ? job : null;
          } catch {
            return null;
          }
        },
        async begin() {
          await rm(folder, { recursive: true, force: true });
          await mkdir(folder, { recursive: true, mode: 0o700 });
        },
        save: job => writeDurably(folder, JSON.stringify({ version: VERSION, ...job })),
        async clear() {
          for (const name of await readdir(folder).catch(() => [])) if (name !== JOB) await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
        },
        remove: () => rm(folder, { recursive: true, force: true }).catch(() => undefined),
      };
    },
    async sweep(olderThan) {
      for (const name of await readdir(root).catch(() => [])) {
        const path = join(root, name);
        const changed = await stat(path).catch(() => null);
        if (changed?.isDirectory() === true && changed.mtimeMs < olderThan) await rm(path, { recursive: true, force: true });
      }
    },
  };
}

async function writeDurably(folder: string, text: string): Promise<void> {
  const temporary = join(folder, `${JOB}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, JOB));
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
