/** reformail -D: Message-IDs of recent mail in a small file, each ended by a NUL, the list by another. */
import { readFile } from 'node:fs/promises';
import { firstValue, parseRawFields } from '../../../grammar/header/edit.ts';
import { takeDotLock } from '../../../kit/file/dot-lock.ts';
import { replaceFile } from '../../../kit/file/replace-file.ts';
import { createSystemClock } from '../../../kit/system-clock.ts';
import { exits, Usage, type Context } from '../command.ts';
import { readMessageInput } from './message-input.ts';

const MOST_OCTETS = 16 * 1024 * 1024;
const PATIENCE_MS = 60_000;

/** 0: it was seen; 1: it is new. */
export async function seenBefore([octets, path, ...more]: readonly string[], context: Context): Promise<number> {
  const most = Number(octets);
  if (path === undefined || more.length > 0 || !(most > 0 && most <= MOST_OCTETS)) throw new Usage('reformail -D OCTETS FILE');
  const id = firstValue(parseRawFields((await readMessageInput(context.stdin, true)).header), 'message-id')?.trim() ?? '';
  context.stdin.destroy();
  if (id === '') return exits.failed;
  const lock = await takeDotLock(`${path}.lock`, { sleepMs: 200, staleMs: PATIENCE_MS, refreshMs: 15_000 }, createSystemClock(), AbortSignal.timeout(PATIENCE_MS));
  if (lock === null) return exits.tryLater;
  try {
    const known = (await readFile(path, 'latin1').catch(() => '')).split('\0').filter(one => one !== '');
    if (known.includes(id)) return exits.ok;
    const kept = [...known, id];
    let size = kept.reduce((sum, one) => sum + one.length + 1, 1);
    while (kept.length > 1 && size > most) size -= kept.shift()!.length + 1;
    await replaceFile(path, kept.map(one => `${one}\0`).join('') + '\0', 'latin1');
    return exits.failed;
  } finally {
    await lock.release();
  }
}
