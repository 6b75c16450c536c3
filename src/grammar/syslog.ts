/** A syslog message, of either RFC. Pure. */
export interface SyslogMessage {
  readonly facility: number;
  readonly severity: Severity;
  readonly at: number;
  readonly host: string;
  readonly tag: string;
  readonly pid: number;
  /** What kind of message it is. */
  readonly event: string;
  readonly text: string;
}

/** RFC 5424 §6.2.1: error, warning, informational. */
export type Severity = 3 | 4 | 6;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** RFC 5424 §6; UTF-8 is marked as such (§6.4). */
export function formatRfc5424({ facility, severity, at, host, tag, pid, event, text }: SyslogMessage): string {
  const id = event.replaceAll(/[^!-~]+/g, '-').slice(0, 32) || '-';
  return `<${facility * 8 + severity}>1 ${new Date(at).toISOString()} ${wordOf(host, 255)} ${wordOf(tag, 48)} ${pid} ${id} - \uFEFF${text}`;
}

/** RFC 3164 §4.1: local time, no year. */
export function formatRfc3164({ facility, severity, at, host, tag, pid, text }: SyslogMessage): string {
  return `<${facility * 8 + severity}>${formatTraditional({ at, host, tag, pid, text })}`;
}

/** As syslogd writes it into its files. */
export function formatTraditional({ at, host, tag, pid, text }: Pick<SyslogMessage, 'at' | 'host' | 'tag' | 'pid' | 'text'>): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2, ' ')} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${wordOf(host, 255)} ${tag}[${pid}]: ${text}`;
}

function wordOf(text: string, most: number): string {
  return text.replaceAll(/[^!-~]+/g, '-').slice(0, most) || '-';
}
