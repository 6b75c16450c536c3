/** Explicit locks around blocks: a dot-lock file that is kept fresh, or flock(2) by the flock program, as Node has none. */
import { spawn } from 'node:child_process';
import { link, open, stat, unlink, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { after, type Clock } from '../../core/clock.ts';
import { settingOf } from './functions.ts';
import type { Lock, Variables } from './world.ts';

const SLEEP_S = 5;
const STALE_S = 60;
const REFRESH_S = 15;
const FLOCK = '/usr/bin/flock';

/** Null: it cannot be had before `signal` ends the wait, or not at all. */
export async function takeDotLock(path: string, variables: Variables, clock: Clock, signal: AbortSignal): Promise<Lock | null> {
  const sleepMs = Math.max(100, settingOf(variables, 'LOCKSLEEP', SLEEP_S) * 1000);
  const staleMs = settingOf(variables, 'LOCKTIMEOUT', STALE_S) * 1000;
  const refreshMs = Math.max(1000, settingOf(variables, 'LOCKREFRESH', REFRESH_S) * 1000);
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
        const age = await ageOf(path);
        if (age !== null && age > staleMs) await unlink(path).catch(() => undefined);
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
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, refreshMs);
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

async function ageOf(path: string): Promise<number | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : Date.now() - found.mtimeMs;
}

/** A child holds the lock for as long as we hold its standard input open. */
export function takeFlock(path: string, signal: AbortSignal): Promise<Lock | null> {
  return new Promise(resolve => {
    const child = spawn(FLOCK, ['-x', path, '-c', 'echo locked; cat >/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    child.stdin.on('error', () => undefined);
    const gone = new Promise<void>(done => child.once('close', () => done()));
    const giveUp = (): void => {
      child.stdin.end();
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It ended meanwhile.
      }
      resolve(null);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    child.once('error', () => resolve(null));
    child.once('exit', () => resolve(null));
    child.stdout.once('data', () => resolve({
      async release() {
        signal.removeEventListener('abort', giveUp);
        child.stdin.end();
        await gone;
      },
    }));
  });
}
