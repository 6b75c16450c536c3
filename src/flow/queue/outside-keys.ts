/** Idempotency keys whose parent is no message: a file that somebody left, a fax. They stand until they are forgotten, a crash or two included. */
import type { Instant } from '../../core/clock.ts';
import { keysFrom, type LmdbIndex } from './lmdb-index.ts';
import { instantOf, isMessageId, MESSAGE_ID_LENGTH } from './message-id.ts';

/** Whatever it stood for is not offered again after so long. */
const OUTSIDE_MS = 30 * 86_400_000;
/** Keys of one parent. */
const MOST_KEYS = 1000;

/** Of a key that was found in the index. */
export function keyStands(index: LmdbIndex, key: string, now: Instant): boolean {
  const parent = key.slice(0, MESSAGE_ID_LENGTH);
  if (isMessageId(parent)) return index.messages.doesExist(parent);
  const first = index.keys.getBinary(key)?.toString('latin1') ?? '';
  return isMessageId(first) && now - instantOf(first) < OUTSIDE_MS;
}

export async function forgetKeys(index: LmdbIndex, parents: readonly string[]): Promise<void> {
  await index.transaction(() => {
    for (const parent of parents) {
      // `fax:1` is no parent of `fax:12:final`.
      for (const key of [parent, ...keysFrom(index.keys, `${parent}:`, MOST_KEYS, `${parent};`)]) void index.keys.remove(key);
    }
  });
}
