/** When a message is tried, and until when. */
import type { Configuration } from '../configuration.ts';
import type { QueueEntry } from '../core/queue-store.ts';
import { attemptTimes, expiresAt } from '../flow/schedule/index.ts';
import { calendarOf, type Rules } from './rules.ts';

export function attemptsBy(configuration: Configuration): readonly number[] {
  const { submitDelayMs } = configuration.queue;
  return attemptTimes(calendarOf(configuration)).map(ms => ms + submitDelayMs);
}

export function expiryBy(rules: () => Rules): (entry: QueueEntry) => number {
  return ({ message }) => expiresAt(rules().of(message.envelope.origin).calendar, message.acceptedAt);
}
