/** A lock that is a file: linked into place, kept fresh while it is held, taken from the dead when it is stale. */
import { link, open, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { after, type Clock } from '../../core/clock.ts';

export interface DotLockTimes {
  readonly sleepMs: number;
  readonly staleMs: number;
  readonly refreshMs: number;
}

export interface HeldLock {
  release(): Promise<void>;
}

/** Null: it cannot be had before `signal` ends the wait, or not at all. */
export async function takeDotLock(path: string, { sleepMs, staleMs, refreshMs }: DotLockTimes, clock: Clock, signal: AbortSignal): Promise<HeldLock | null> {
  const own = `${path}.${process.pid}.${process.hrtime.bigint().toString(36)}`;
  try {
    // Linked rather than created: that is one step on every file system.
    const file = await open(own, 'wx', 0o644);
    try {
      await file.write(`${process.pid}\n${hostname()}\n`);
    } finally {
      await file.close();
    }
    try {
      while (!(await tryLink(own, path))) {
        if (signal.aborted) return null;
        const found = await stat(path).catch(() => null);
        if (found !== null && clock.now() - found.mtimeMs > staleMs) await unlink(path).catch(() => undefined);
        // Slept in any case: another may have found it stale too, and taken it.
        await clock.sleepUntil(after(clock.now(), sleepMs), signal);
      }
    } finally {
      await unlink(own).catch(() => undefined);
    }
  } catch {
    return null;
  }
  const fresh = setInterval(() => {
    const now = new Date(clock.now());
    utimes(path, now, now).catch(() => undefined);
  }, refreshMs);
  fresh.unref();
  return {
    async release() {
      clearInterval(fresh);
      await unlink(path).catch(() => undefined);
    },
  };
}

async function tryLink(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
