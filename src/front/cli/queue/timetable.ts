/** When a message is tried, warned about and given up, as the settings in force have it. */
import type { QueueSettings } from '../../../configuration.ts';
import { formatSpan } from '../figures.ts';

/** After these the pattern is clear. */
const SHOWN = 20;

/** `attempts`: when each attempt begins that ends at once, in ms since acceptance. */
export function formatTimetable(attempts: readonly number[], { queueTimeMs, warnTimeMs, submitDelayMs }: Pick<QueueSettings, 'queueTimeMs' | 'warnTimeMs' | 'submitDelayMs'>): string {
  const lines: string[] = [`attempt  pause     after`];
  let warned = warnTimeMs === 0;
  for (const [at, ms] of attempts.entries()) {
    const before = attempts[at - 1];
    const due = !warned && ms >= warnTimeMs;
    if (at < SHOWN || due) {
      if (due && at > SHOWN) lines.push('       ...');
      lines.push(`${String(at + 1).padStart(7)}  ${(before === undefined ? '' : formatSpan(ms - before)).padEnd(8)}  ${before === undefined && ms === 0 ? 'at once' : formatSpan(ms)}${due ? '   its sender is told of the delay (warntime)' : ''}`);
    }
    warned ||= due;
  }
  if (attempts.length > SHOWN) lines.push('       ...');
  lines.push(`${attempts.length} attempts; what is still pending after ${formatSpan(queueTimeMs)} fails (queuetime).`);
  if (warnTimeMs === 0) lines.push('Nobody is told of a delay (warntime is 0).');
  if (submitDelayMs > 0) lines.push(`The first attempt waits ${formatSpan(submitDelayMs)} (submitdelay).`);
  lines.push('Each pause is counted from the end of the attempt before; a next hop in trouble may add to it.');
  return lines.join('\n');
}
