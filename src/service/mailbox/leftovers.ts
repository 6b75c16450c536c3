/** What deliveries that died left in tmp/: removed after the 36 hours that Maildir gives everyone, at a folder's first delivery. */
import { join } from 'node:path';
import type { Files } from './files.ts';

/** Looks once for each folder while it is remembered; a failure is the next one's business. */
export type SweepLeftovers = (folder: string) => Promise<void>;

const AGE_MS = 36 * 3_600_000;
const MOST_REMEMBERED = 10_000;
/** In one go; the rest waits for the next start. */
const MOST_REMOVED = 1000;

export function createLeftoverSweep(files: Pick<Files, 'opendir' | 'stat' | 'unlink'>, now: () => number): SweepLeftovers {
  const swept = new Set<string>();
  return async folder => {
    if (swept.has(folder)) return;
    swept.add(folder);
    const [oldest] = swept;
    if (swept.size > MOST_REMEMBERED && oldest !== undefined) swept.delete(oldest);
    let removed = 0;
    for await (const entry of await files.opendir(join(folder, 'tmp'))) {
      if (!entry.isFile()) continue;
      const path = join(folder, 'tmp', entry.name);
      const found = await files.stat(path).catch(() => null);
      if (found === null || now() - found.mtimeMs < AGE_MS) continue;
      await files.unlink(path).catch(() => undefined);
      if (++removed >= MOST_REMOVED) return;
    }
  };
}
