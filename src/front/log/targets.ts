/** One place that log lines go to, in one format. */
import type { Log, LogFields } from '../../core/log.ts';
import type { LogTarget, Syslog } from '../../grammar/config/log-targets.ts';
import { formatEventText } from '../../grammar/log-text.ts';
import { formatRfc3164, formatRfc5424, formatTraditional, type Severity } from '../../grammar/syslog.ts';
import { openDatagrams } from '../../kit/net/datagrams.ts';
import { openLineFile } from '../../kit/log/line-file.ts';
import { openLineSink, type Gathered, type LineSink } from '../../kit/log/line-sink.ts';
import { openLogLines } from '../../kit/log/log-lines.ts';

export interface OpenTarget extends Log {
  readonly dropped: number;
  flush(): void;
  /** Begins to write what is gathered. */
  hurry(): void;
  /** After a file was moved away. Throws what the system said. */
  reopen(): void;
  close(): Promise<void>;
}

export interface TargetOptions {
  /** What this box is called. */
  readonly host: string;
  readonly pid: number;
  /** Most that is written at once, where several processes write to one place. */
  readonly blockOctets?: number;
  /** In every JSON line. */
  readonly base?: LogFields;
  /** Of a JSON target. */
  readonly gathered?: Gathered;
}

const SEVERITIES = { info: 6, warn: 4, error: 3 } as const satisfies Record<string, Severity>;
const STDOUT = 1;
const GATHER_MS = 200;
const NO_FIELDS: LogFields = {};

/** Throws what the system said when a file cannot be opened. */
export function openTarget(target: LogTarget, options: TargetOptions): OpenTarget {
  switch (target.kind) {
    case 'stdout': {
      const sink = openLineSink(STDOUT, options.blockOctets, options.gathered);
      return toSink(target, options, sink, () => undefined, () => sink.end());
    }
    case 'file': {
      const file = openLineFile(target.path, options.blockOctets, options.gathered);
      return toSink(target, options, file, () => file.reopen(), () => file.end());
    }
    case 'syslog':
      return toSyslog(target, options);
    default:
      return target satisfies never;
  }
}

function toSink(target: Exclude<LogTarget, Syslog>, options: TargetOptions, sink: LineSink, reopen: () => void, end: () => Promise<void>): OpenTarget {
  const log = target.format === 'json'
    ? openLogLines({ to: sink, level: target.level, ...(options.base === undefined ? {} : { base: options.base }) })
    : filtered(target.level, openTextLines(sink, target.kind === 'file' ? options : null));
  return {
    get dropped() { return sink.dropped; },
    flush: () => sink.flushNow(),
    hurry: () => sink.flush(),
    reopen, close: end,
    info: (event, fields) => log.info(event, fields),
    warn: (event, fields) => log.warn(event, fields),
    error: (event, fields) => log.error(event, fields),
  };
}

/** `from`: a file has the time and the name of who wrote it before each line; what reads standard output adds its own. */
function openTextLines(sink: LineSink, from: TargetOptions | null): Log {
  let timer: NodeJS.Timeout | null = null;
  const gathered = () => {
    timer = null;
    sink.flush();
  };
  const write = (event: string, fields: LogFields = NO_FIELDS) => {
    for (const text of formatEventText(event, fields)) {
      sink.write(from === null ? `${text}\n` : `${formatTraditional({ at: Date.now(), host: from.host, tag: 'posthorn', pid: from.pid, text })}\n`);
    }
  };
  const gather = (event: string, fields?: LogFields) => {
    write(event, fields);
    timer ??= setTimeout(gathered, GATHER_MS).unref();
  };
  return {
    info: gather,
    warn: gather,
    error(event, fields) {
      write(event, fields);
      sink.flush();
    },
  };
}

function toSyslog({ host, port, protocol, facility, tag, format, level }: Syslog, options: TargetOptions): OpenTarget {
  const datagrams = openDatagrams(host, port);
  const formatMessage = protocol === '5424' ? formatRfc5424 : formatRfc3164;
  const send = (name: keyof typeof SEVERITIES) => (event: string, fields: LogFields = NO_FIELDS) => {
    const texts = format === 'text' ? formatEventText(event, fields) : [jsonOf(name, event, fields, options.base)];
    for (const text of texts) datagrams.send(formatMessage({ facility, severity: SEVERITIES[name], at: Date.now(), host: options.host, tag, pid: options.pid, event, text }));
  };
  return {
    ...filtered(level, { info: send('info'), warn: send('warn'), error: send('error') }),
    get dropped() { return datagrams.dropped; },
    flush: () => undefined,
    hurry: () => undefined,
    reopen: () => undefined,
    close: () => datagrams.close(),
  };
}

function filtered(level: LogTarget['level'], { info, warn, error }: Log): Log {
  const nothing = () => undefined;
  return { info: level === 'info' ? info : nothing, warn: level === 'error' ? nothing : warn, error };
}

function jsonOf(level: string, event: string, fields: LogFields, base: LogFields | undefined): string {
  const plain = (_name: string, value: unknown) => (value instanceof Error ? { type: value.name, message: value.message, stack: value.stack } : value);
  try {
    return JSON.stringify({ level, ...base, ...fields, event }, plain);
  } catch {
    return JSON.stringify({ level, ...base, event });
  }
}
