/** mailbot -d: who was answered when; a line each, `address<TAB>seconds`, under a lock. */
import { readFile } from 'node:fs/promises';
import { takeDotLock } from '../../../kit/file/dot-lock.ts';
import { replaceFile } from '../../../kit/file/replace-file.ts';
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
    return await replaceFile(path, kept.map(([who, at]) => `${who}\t${at}\n`).join('')).then(() => 'new', () => 'trouble');
  } finally {
    await lock.release();
  }
}
