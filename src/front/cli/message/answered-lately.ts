/** mailbot -d: who was answered when; a line each, `address<TAB>seconds`, under a lock. */
import { open, readFile, rename, unlink } from 'node:fs/promises';
import { takeDotLock } from '../../../kit/file/dot-lock.ts';
import { createSystemClock } from '../../../kit/system-clock.ts';

const PATIENCE_MS = 60_000;
const DAY_S = 86_400;
const MOST_LINES = 100_000;

/** 'new' is remembered at once: an answer that fails is not worth two. */
export async function answeredLately(path: string, address: string, days: number): Promise<'answered' | 'new' | 'trouble'> {
  const clock = createSystemClock();
  const lock = await takeDotLock(`${path}.lock`, { sleepMs: 200, staleMs: PATIENCE_MS, refreshMs: 15_000 }, clock, AbortSignal.timeout(PATIENCE_MS));
  if (lock === null) return 'trouble';
  try {
    const key = address.toLowerCase().replaceAll(/[\t\n\r]/g, ' ');
    const now = Math.trunc(clock.now() / 1000);
    const known = new Map((await readFile(path, 'utf8').catch(() => '')).split('\n').flatMap((line): [string, number][] => {
      const [who, at] = line.split('\t');
      return who === undefined || who === '' || at === undefined ? [] : [[who, Number(at)]];
    }));
    const before = known.get(key);
    if (before !== undefined && now - before < days * DAY_S) return 'answered';
    known.delete(key);
    known.set(key, now);
    // Whoever may be answered again need not be remembered.
    const kept = [...known].filter(([, at]) => now - at < Math.max(days, 1) * DAY_S).slice(-MOST_LINES);
    return await replace(path, kept.map(([who, at]) => `${who}\t${at}\n`).join('')) ? 'new' : 'trouble';
  } finally {
    await lock.release();
  }
}

async function replace(path: string, text: string): Promise<boolean> {
  const beside = `${path}.${process.pid}.new`;
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    return true;
  } catch {
    await unlink(beside).catch(() => undefined);
    return false;
  }
}
