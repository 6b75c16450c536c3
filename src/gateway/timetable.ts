/** The retry timetable of a configuration, for who wants to see it. */
import type { Configuration } from '../configuration.ts';
import { attemptTimes } from '../flow/schedule/index.ts';
import { calendarOf } from './rules.ts';

export function attemptsBy(configuration: Configuration): readonly number[] {
  const { submitDelayMs } = configuration.queue;
  return attemptTimes(calendarOf(configuration)).map(ms => ms + submitDelayMs);
}
