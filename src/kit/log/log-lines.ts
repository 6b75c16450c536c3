/**
 * Log lines: one JSON object a line, by pino. Lines are gathered for a fifth of a second at most, because a write per
 * line would cost more than the mail; errors go out at once.
 */
import { pino } from 'pino';
import type { Log, LogFields } from '../../core/log.ts';
import { openLineSink, type LineSink } from './line-sink.ts';

const GATHER_MS = 200;
/** PIPE_BUF of pipe(7): so much is written to a pipe whole, whoever else writes. */
export const PIPE_BLOCK_OCTETS = 4096;

export interface LogLines extends Log {
  readonly dropped: number;
  flush(): void;
}

export interface LogLinesOptions {
  /** A file descriptor, or what lines go to. */
  readonly to: number | LineSink;
  readonly level?: 'info' | 'warn' | 'error';
  readonly base?: LogFields;
  /** Most that is written at once. */
  readonly blockOctets?: number;
}

export function openLogLines(options: LogLinesOptions): LogLines {
  const sink = typeof options.to === 'number' ? openLineSink(options.to, options.blockOctets) : options.to;
  const log = withQuickLines(pino({
    base: { ...options.base },
    level: options.level ?? 'info',
    timestamp: createTimestamp(),
    messageKey: 'event',
    formatters: { level: label => ({ level: label }) },
    serializers: { cause: (cause: unknown) => (cause instanceof Error ? pino.stdSerializers.err(cause) : cause) },
  }, sink));
  let timer: NodeJS.Timeout | null = null;
  const gathered = () => {
    timer = null;
    sink.flush();
  };
  const gather = () => { timer ??= setTimeout(gathered, GATHER_MS).unref(); };
  return {
    get dropped() { return sink.dropped; },
    flush: () => sink.flushNow(),
    info(event, fields) { log.info(fields ?? {}, event); gather(); },
    warn(event, fields) { log.warn(fields ?? {}, event); gather(); },
    error(event, fields) { log.error(fields ?? {}, event); sink.flush(); },
  };
}

type Format = (this: unknown, fields: object, event: string, level: number, time: string) => string;

interface Insides {
  [pino.symbols.asJsonSym]: Format;
  readonly [pino.symbols.lsCacheSym]: Readonly<Record<number, string>>;
  readonly [pino.symbols.chindingsSym]: string;
}

/**
 * Puts a line together from one JSON.stringify() where pino would join it field by field: half of what a relayed
 * message left to the garbage collector was its log lines. One with an exception, or with what JSON cannot say, is pino's.
 */
function withQuickLines<T extends object>(log: T): T {
  const inner = log as T & Insides;
  const thorough = inner[pino.symbols.asJsonSym];
  const openings = inner[pino.symbols.lsCacheSym];
  const base = inner[pino.symbols.chindingsSym];
  const quick: Format = (fields, event, level, time) => {
    if ('cause' in fields) return thorough.call(inner, fields, event, level, time);
    try {
      const said = JSON.stringify(fields);
      return `${openings[level]}${time}${base}${said.length > 2 ? `,${said.slice(1, -1)}` : ''},"event":${JSON.stringify(event)}}\n`;
    } catch {
      return thorough.call(inner, fields, event, level, time);
    }
  };
  return Object.assign(log, { [pino.symbols.asJsonSym]: quick });
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
