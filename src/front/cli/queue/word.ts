/** What each word of `posthorn queue` is given. */
import type { Configuration } from '../../../configuration.ts';
import type { Operations } from '../../../core/operations.ts';
import type { Context } from '../command.ts';

export interface QueueWord {
  readonly context: Context;
  readonly configuration: Configuration;
  /** Opened when the call is known to be right, and what it needs is there. */
  withQueue<T>(work: (queue: Operations, running: boolean) => Promise<T>): Promise<T>;
}
