/**
 * When and how many: takes what is due from the queue, lets each next hop have as much as it bears, and sees every
 * recipient through to a final outcome that was recorded and reported. RFC 5321 §4.5.4.1, §4.5.4.2; RFC 3463 §3.5.
 * Must never drop a recipient, deliver what the store calls corrupt, or turn a fault of ours into a failure.
 */
export { openRunner, type Runner, type RunnerOptions } from './runner.ts';
export { attemptTimes, courierCalendar, expiresAt, type CalendarSettings } from './calendar.ts';
