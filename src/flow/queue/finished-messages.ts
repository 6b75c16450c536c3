/**
 * Messages that are finished but not yet gone. A deletion asks for no sync of its own: it rides with the next write,
 * or goes after a short linger. Until then they are hidden from everyone who looks. After a crash they are still
 * there, leased by a dead holder, and the last attempt is repeated.
 */
import type { Clock } from '../../core/clock.ts';
import { after } from '../../core/clock.ts';
import type { ContentFacts } from '../../core/content.ts';
import type { MessageId } from '../../core/envelope.ts';
import type { Held } from '../../core/queue-store.ts';
import type { BodyFiles } from './body-files.ts';
import type { LmdbIndex } from './lmdb-index.ts';

export interface Finished {
  readonly id: MessageId;
  readonly token: number;
  /** The facts of a body file to remove. */
  readonly file?: ContentFacts;
  /** Idempotency keys that end with the message. */
  readonly keys?: readonly string[];
}

export interface FinishedMessages {
  /** Returns a promise when too many wait: whoever finishes more has to wait for the disk. */
  add(message: Finished): Promise<unknown> | undefined;
  /** Whether it was still ours to delete, known once the deletion is on the disk. */
  settle(message: Finished): Promise<Held>;
  has(id: MessageId): boolean;
  /** How many of them the index still has. */
  remaining(): number;
  /** Writes the deletions now, into the block of this turn. */
  flush(): void;
  /** All deletions written, their files removed. */
  close(): Promise<void>;
}

interface Options {
  readonly index: LmdbIndex;
  readonly bodies: BodyFiles;
  readonly clock: Clock;
  readonly lingerMs: number;
  /** Waiting deletions that start a write, and eight times as many that make the next one wait. */
  readonly most: number;
  readonly failed: (error: unknown) => void;
}

export function createFinishedMessages({ index, bodies, clock, lingerMs, most, failed }: Options): FinishedMessages {
  const hidden = new Set<MessageId>();
  const written = new Set<Promise<unknown>>();
  const closing = new AbortController();
  let waiting: Finished[] = [];
  let lingering = false;

  function linger(): void {
    if (lingering || closing.signal.aborted) return;
    lingering = true;
    void clock.sleepUntil(after(clock.now(), lingerMs), closing.signal).then(() => {
      lingering = false;
      flush();
    });
  }

  function write(message: Finished): Promise<boolean> {
    const { id, token, file, keys } = message;
    // Only while the lease is still ours: one that ran out may be somebody else's attempt by now.
    return index.leases.ifVersion(id, token, () => {
      void index.messages.remove(id);
      void index.leases.remove(id);
      if (file === undefined) void index.bodies.remove(id);
      else void index.files.remove(id);
      if (keys !== undefined) for (const key of keys) void index.keys.remove(key);
    });
  }

  async function gone(message: Finished, write: Promise<boolean>): Promise<Held> {
    const held = await index.settled(write);
    hidden.delete(message.id);
    // The file goes last: a record without its file would be a message lost.
    if (held && message.file !== undefined) await bodies.remove(message.id, message.file);
    return held ? 'held' : 'lease-lost';
  }

  function flush(): void {
    if (waiting.length === 0) return;
    const batch = waiting;
    waiting = [];
    const writes = batch.map((message) => gone(message, write(message)));
    const all = Promise.allSettled(writes).then((results) => {
      written.delete(all);
      const again = batch.filter((_, at) => results[at]!.status === 'rejected');
      if (again.length === 0) return;
      failed((results.find((result) => result.status === 'rejected') as PromiseRejectedResult).reason);
      waiting = again.concat(waiting); // they linger again; the disk may have room by then
      linger();
    });
    written.add(all);
  }

  return {
    add(message) {
      hidden.add(message.id);
      waiting.push(message);
      if (waiting.length >= most) flush();
      else linger();
      return hidden.size > most * 8 ? Promise.race(written) : undefined;
    },
    async settle(message) {
      hidden.add(message.id);
      try {
        return await gone(message, write(message));
      } catch (error) {
        hidden.delete(message.id);
        throw error;
      }
    },
    has: (id) => hidden.has(id),
    remaining() {
      let count = 0;
      for (const id of hidden) if (index.messages.doesExist(id)) count++;
      return count;
    },
    flush,
    async close() {
      closing.abort();
      flush();
      while (written.size > 0) await Promise.all(written);
    },
  };
}
