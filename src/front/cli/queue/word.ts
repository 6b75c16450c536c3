/** What each word of `posthorn queue` is given. */
import type { Operations } from '../../../core/operations.ts';
import type { Context } from '../command.ts';

export interface QueueWord {
  readonly context: Context;
  /** Opened when the call is known to be right, and what it needs is there. */
  withQueue(work: (queue: Operations, running: boolean) => Promise<number>): Promise<number>;
}
