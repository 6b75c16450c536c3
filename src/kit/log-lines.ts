/**
 * Log lines: one JSON object a line on a file descriptor, by pino. Lines are gathered for a fifth of a second
 * at most, because a write per line would cost more than the mail; errors go out at once.
 */
import { pino } from 'pino';
import type { Log, LogFields } from '../core/log.ts';

const GATHER_OCTETS = 8 * 1024;
const GATHER_MS = 200;
/** What may wait for a reader that has stalled; beyond it lines are dropped and counted. */
const WAITING_OCTETS = 8 * 1024 * 1024;

export interface LogLines extends Log {
  readonly dropped: number;
  flush(): void;
}

export function openLogLines(options: { readonly descriptor: number; readonly level?: 'info' | 'warn' | 'error'; readonly base?: LogFields }): LogLines {
  const destination = pino.destination({ dest: options.descriptor, sync: false, minLength: GATHER_OCTETS, maxLength: WAITING_OCTETS });
  const log = pino({
    base: { ...options.base },
    level: options.level ?? 'info',
    timestamp: createTimestamp(),
    messageKey: 'event',
    formatters: { level: label => ({ level: label }) },
    serializers: { cause: (cause: unknown) => (cause instanceof Error ? pino.stdSerializers.err(cause) : cause) },
  }, destination);
  let dropped = 0;
  let timer: NodeJS.Timeout | null = null;
  const flush = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    try {
      destination.flushSync();
    } catch {
      // The reader is gone (EPIPE) or slow (EAGAIN): the lines stay in the buffer, and mail does not wait for them.
    }
  };
  destination.on('drop', () => { dropped++; });
  destination.on('error', () => { dropped++; });
  const gather = () => { timer ??= setTimeout(() => { timer = null; destination.flush(); }, GATHER_MS).unref(); };
  return {
    get dropped() { return dropped; },
    flush,
    info(event, fields) { log.info(fields ?? {}, event); gather(); },
    warn(event, fields) { log.warn(fields ?? {}, event); gather(); },
    error(event, fields) { log.error(fields ?? {}, event); flush(); },
  };
}

/** Many lines share a millisecond, and formatting one costs more than the rest of a short line. */
function createTimestamp(): () => string {
  let at = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== at) {
      at = now;
      text = `,"time":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
}
