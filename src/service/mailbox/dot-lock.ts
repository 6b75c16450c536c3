/**
 * `FILE.lock`, the lock that every mbox program knows and the only one that Node can take. Within this process a turn
 * per file comes first, so that our own deliveries wait for each other without polling.
 */
import { constants } from 'node:fs';
import { hostname } from 'node:os';
import { after, type Clock } from '../../core/clock.ts';
import { isCode, type Files } from './files.ts';

export interface DotLockOptions {
  readonly files: Files;
  readonly clock: Clock;
}

export type Unlock = () => Promise<void>;

const RETRY_MS = 5000;
/** Courier's lockmail gives up then. */
const PATIENCE_MS = 180_000;
const STALE_MS = 5 * 60_000;

/** Null: somebody else keeps it. */
export async function takeDotLock({ files, clock }: DotLockOptions, path: string, signal: AbortSignal): Promise<Unlock | null> {
  const name = `${path}.lock`;
  const last = after(clock.now(), PATIENCE_MS);
  for (;;) {
    signal.throwIfAborted();
    const taken = await tryLock(files, name);
    if (taken !== null) return taken;
    const stale = await findStale(files, name, clock);
    if (stale !== null) await putAside(files, name, stale);
    else if (clock.now() >= last) return null;
    else await clock.sleepUntil(after(clock.now(), RETRY_MS), signal);
  }
}

async function tryLock(files: Files, name: string): Promise<Unlock | null> {
  try {
    const file = await files.open(name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o644);
    let ino: number;
    try {
      await files.write(file, [Buffer.from(`${process.pid}\n${hostname()}\n`)]);
      ino = Number(files.look(file).ino);
    } finally {
      files.close(file);
    }
    return async () => {
      // Held so long that somebody took it for a dead one's: then it is theirs.
      const found = await files.stat(name).catch(() => null);
      if (found?.ino === ino) await files.unlink(name).catch(() => undefined);
    };
  } catch (error) {
    // A folder that is not ours to write in (/var/mail): there is no lock to be had.
    if (isCode(error, 'EACCES', 'EPERM', 'EROFS')) return () => Promise.resolve();
    if (isCode(error, 'EEXIST')) return null;
    throw error;
  }
}

/** The inode of a lock whose holder is dead, or that is older than anybody holds one. */
async function findStale(files: Files, name: string, clock: Clock): Promise<number | null> {
  const found = await files.stat(name).catch(() => null);
  if (found === null) return null;
  const [pid = '', host = ''] = (await files.readFile(name, 'utf8').catch(() => '')).slice(0, 1000).split('\n');
  const ours = host === hostname() && /^\d{1,10}$/.test(pid) && Number(pid) > 0;
  if (ours && !lives(Number(pid))) return found.ino;
  return clock.now() - found.mtimeMs > STALE_MS ? found.ino : null;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

/** Renamed before it is removed: between our look and our hand somebody may have locked anew. */
async function putAside(files: Files, name: string, ino: number): Promise<void> {
  const aside = `${name}.${process.pid}.${ino}`;
  try {
    await files.rename(name, aside);
    const found = await files.stat(aside);
    if (found.ino !== ino) await files.link(aside, name).catch(() => undefined);
    await files.unlink(aside);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

export interface Turns {
  /** One at a time for each path. */
  take<T>(path: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    take(path, work) {
      const before = last.get(path) ?? Promise.resolve();
      const mine = before.then(work, work);
      last.set(path, mine);
      const gone = () => {
        if (last.get(path) === mine) last.delete(path);
      };
      mine.then(gone, gone);
      return mine;
    },
  };
}
