/** Explicit locks around blocks: a dot-lock file that is kept fresh, or flock(2) by the flock program, as Node has none. */
import { spawn } from 'node:child_process';
import type { Clock } from '../../core/clock.ts';
import { takeDotLock } from '../../kit/file/dot-lock.ts';
import { settingOf } from './functions.ts';
import type { Lock, Variables } from './world.ts';

const SLEEP_S = 5;
const STALE_S = 60;
const REFRESH_S = 15;
const FLOCK = '/usr/bin/flock';

/** LOCKSLEEP, LOCKTIMEOUT and LOCKREFRESH say how. */
export function takeOwnDotLock(path: string, variables: Variables, clock: Clock, signal: AbortSignal): Promise<Lock | null> {
  return takeDotLock(path, {
    sleepMs: Math.max(100, settingOf(variables, 'LOCKSLEEP', SLEEP_S) * 1000),
    staleMs: settingOf(variables, 'LOCKTIMEOUT', STALE_S) * 1000,
    refreshMs: Math.max(1000, settingOf(variables, 'LOCKREFRESH', REFRESH_S) * 1000),
  }, clock, signal);
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
