/** `alarms`: when somebody should look at the queue. `messages 10000`, `oldest 4h`, `free 1G`, `quarantine 1`; one a line, `off` switches one off. */
import { parseLines, parseWholeNumber } from './control-file.ts';
import { parseDuration } from './duration.ts';
import { noting, read, settle, shown, type Parsed, type Problem } from './parsed.ts';
import { parseSize } from './size.ts';

export interface AlarmLimits {
  /** More messages than that are in the queue; null: never mind. */
  readonly messages: number | null;
  /** The oldest message is older than that, ms. */
  readonly oldest: number | null;
  /** Less room than that above the watermark, octets. */
  readonly free: number | null;
  /** So many messages are in quarantine. */
  readonly quarantine: number | null;
}

export const usualAlarms: AlarmLimits = { messages: 10_000, oldest: 86_400_000, free: 64 * 1024 * 1024, quarantine: 1 };

const EXAMPLES: Readonly<Record<keyof AlarmLimits, string>> = { messages: 'messages 10000', oldest: 'oldest 1d', free: 'free 64M', quarantine: 'quarantine 1' };
const MOST = 1_000_000_000;

export function parseAlarms(text: string): Parsed<AlarmLimits> {
  const problems: Problem[] = [];
  let limits = usualAlarms;
  const seen = new Map<string, number>();
  for (const { line, text: entry } of parseLines(text)) {
    const [name = '', value = '', more] = entry.split(/\s+/);
    if (!isAlarm(name) || value === '' || more !== undefined) {
      problems.push({ line, what: `${shown(entry)} is not ${Object.keys(EXAMPLES).join(', ')} and a limit`, right: Object.values(EXAMPLES)[0] as string });
      continue;
    }
    const earlier = seen.get(name);
    if (earlier !== undefined) problems.push({ line, what: `a second limit for ${name}, the first is in line ${earlier}`, right: 'one' });
    seen.set(name, line);
    const limit = value === 'off' ? null : noting(parseLimit(name, value), line, problems);
    if (limit !== undefined) limits = { ...limits, [name]: limit };
  }
  return settle(limits, problems);
}

function isAlarm(name: string): name is keyof AlarmLimits {
  return Object.hasOwn(EXAMPLES, name);
}

function parseLimit(name: keyof AlarmLimits, value: string): Parsed<number> {
  switch (name) {
    case 'messages':
    case 'quarantine':
      return parseWholeNumber(value, 1, MOST, EXAMPLES[name]);
    case 'oldest':
      return parseDuration(value, EXAMPLES.oldest);
    case 'free':
      return parseSize(value, EXAMPLES.free);
    default:
      return read(name satisfies never);
  }
}
