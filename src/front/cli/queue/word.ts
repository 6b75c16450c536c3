/** What each word of `posthorn queue` is given. */
import type { Configuration } from '../../../configuration.ts';
import type { Operations } from '../../../core/operations.ts';
import type { Context } from '../command.ts';

export interface QueueWord {
  readonly context: Context;
  readonly configuration: Configuration;
  readonly queue: Operations;
  readonly running: boolean;
}
