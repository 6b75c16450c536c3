/** Mail that programs left in the pickup folder, and that nobody takes in. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatWhen } from '../figures.ts';

/** A gateway that runs takes it in within moments. */
const MOMENTS_MS = 120_000;
const OFFERED = /^msg\./;
const MOST_LOOKED_AT = 10_000;

/** A sentence; null: none waits, or it is not this account's to know. */
export async function leftMail(stateFolder: string, running: boolean, now = Date.now()): Promise<string | null> {
  const folder = join(stateFolder, 'pickup');
  const names = (await readdir(folder).catch((): string[] => [])).filter(name => OFFERED.test(name));
  const times: number[] = [];
  for (const name of names.slice(0, MOST_LOOKED_AT)) {
    const facts = await lstat(join(folder, name)).catch(() => null);
    if (facts !== null && (!running || now - facts.mtimeMs > MOMENTS_MS)) times.push(facts.mtimeMs);
  }
  if (times.length === 0) return null;
  const count = times.length === MOST_LOOKED_AT ? names.length : times.length;
  const oldest = formatWhen(times.reduce((one, other) => Math.min(one, other)));
  const why = running ? 'the running gateway does not take them in, and its log says why' : 'no gateway runs to take them in';
  return `${count} more ${count === 1 ? 'message waits' : 'messages wait'} in ${folder}, the oldest since ${oldest}: ${why}.`;
}
