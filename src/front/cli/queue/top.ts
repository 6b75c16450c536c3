/** queue top: the queue as it moves, on one screen; where there is no screen, one picture after the other. */
import type { NexthopView, Operations, Overview } from '../../../core/operations.ts';
import { exits, print, readArguments, type Context } from '../command.ts';
import { formatAge, formatSize } from '../figures.ts';
import { visible } from './named-messages.ts';
import type { QueueWord } from './word.ts';

const EVERY_MS = 2000;
const USUAL = { columns: 80, rows: 24 };
/** Of a pipe: nothing is cut. */
const NO_END = 10_000;
/** Alternate screen, cursor hidden; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

export function top(args: readonly string[], { context, withQueue }: QueueWord): Promise<number> {
  const { values } = readArguments({ args: [...args], options: { once: { type: 'boolean' } } });
  return withQueue((queue, running) => watch(context, queue, running, values.once === true));
}

async function watch(context: Context, queue: Operations, running: boolean, once: boolean): Promise<number> {
  const out = context.stdout as typeof context.stdout & { readonly rows?: number };
  let before: Overview | null = null;
  if (once || out.isTTY !== true) {
    await print(context.stdout, formatOverview(await queue.overview(), null, { columns: out.isTTY === true ? (out.columns ?? USUAL.columns) : NO_END, rows: NO_END }, running).join('\n'));
    return exits.ok;
  }
  const ended = new AbortController();
  const end = () => ended.abort();
  const pressed = (key: Buffer) => {
    if (['q', 'Q', '\u0003', '\u0004'].includes(key.toString('latin1'))) end();
  };
  const keyboard = context.stdin as typeof context.stdin & { setRawMode?(raw: boolean): unknown; readonly isTTY?: boolean };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  if (keyboard.isTTY === true) keyboard.setRawMode?.(true);
  keyboard.on('data', pressed);
  out.write(ENTER);
  try {
    while (!ended.signal.aborted) {
      const now = await queue.overview();
      const size = { columns: out.columns ?? USUAL.columns, rows: out.rows ?? USUAL.rows };
      const lines = formatOverview(now, before, size, running);
      out.write(`${HOME}${lines.map(line => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
      before = now;
      await pause(EVERY_MS, ended.signal);
    }
  } finally {
    out.write(LEAVE);
    keyboard.off('data', pressed);
    keyboard.pause();
    if (keyboard.isTTY === true) keyboard.setRawMode?.(false);
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
  return exits.ok;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** Lines that fit: none wider than the screen, no more than it has. */
export function formatOverview(now: Overview, before: Overview | null, size: { readonly columns: number; readonly rows: number }, running: boolean): string[] {
  const { summary, outcomes } = now;
  const seconds = before === null ? (now.at - now.startedAt) / 1000 : (now.at - before.at) / 1000;
  const rate = (of: (one: Overview) => number) => (seconds <= 0 ? 0 : Math.max(0, of(now) - (before === null ? 0 : of(before))) / seconds).toFixed(1);
  const waiting = summary.messages - summary.claimed - summary.quarantined;
  const head = [
    running ? `posthorn, up ${formatAge(now.at - now.startedAt)}   memory ${formatSize(now.residentOctets)}   room ${formatSize(summary.freeOctets)}` : 'No gateway runs: this is the queue as it lies.',
    `${summary.messages} ${summary.messages === 1 ? 'message' : 'messages'}: ${waiting} waiting, ${summary.claimed} being delivered, ${summary.quarantined} in quarantine; oldest ${summary.oldestAcceptedAt === null ? '-' : formatAge(now.at - summary.oldestAcceptedAt)}`,
  ];
  const shown = (lines: readonly string[]) => lines.slice(0, size.rows).map(line => cut(line, size.columns));
  if (!running) return shown(head.flatMap(line => wrap(line, size.columns)));
  head.push(`a second${before === null ? ' since the start' : ''}: ${rate(one => one.accepted)} in, ${rate(one => one.outcomes.delivered)} delivered, ${rate(one => one.outcomes.deferred)} deferred, ${rate(one => one.outcomes.failed)} failed`);
  head.push(`in all: ${outcomes.delivered} delivered, ${outcomes.deferred} deferred, ${outcomes.failed} failed`);
  const row = rowOf(size.columns);
  const lines = [...head.flatMap(line => wrap(line, size.columns)), '', row('NEXT HOP', 'ACTIVE', 'WAITS', 'WIDE', 'STATE')];
  for (const { name, since, until, by } of now.down ?? []) lines.push(row(`link ${name}`, '', '', '', `down ${formatAge(now.at - since)}${until === undefined ? `: ${by}` : `, for another ${formatAge(until - now.at)}`}`));
  const room = Math.max(1, size.rows - lines.length);
  const some = now.nexthops.length > room ? now.nexthops.slice(0, room - 1) : now.nexthops;
  for (const { transport, nexthop, active, waiting: waits, width, ...hop } of some) lines.push(row(`${transport} ${nexthop}`, String(active), String(waits), String(width), stateOf(hop, now.at)));
  if (some.length < now.nexthops.length) lines.push(`... and ${now.nexthops.length - some.length} more`);
  if (now.nexthops.length === 0) lines.push('nothing is under way');
  return shown(lines);
}

/** Three columns of numbers; the name gives way on a narrow screen, and before it the state. */
function rowOf(columns: number): (name: string, active: string, waits: string, wide: string, state: string) => string {
  const room = Math.min(34, Math.max(8, columns - 21 - (columns >= 70 ? 25 : 0)));
  return (name, active, waits, wide, state) => `${cut(name, room).padEnd(room)} ${active.padStart(6)} ${waits.padStart(6)} ${wide.padStart(4)}  ${state}`;
}

function stateOf({ closedUntil, trouble }: Pick<NexthopView, 'closedUntil' | 'trouble'>, now: number): string {
  return closedUntil === undefined ? (trouble === undefined ? '' : `trouble: ${trouble}`) : `left alone ${formatAge(closedUntil - now)}: ${trouble ?? ''}`;
}

/** Between words; what is longer than a line is cut. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/ (?=\S)/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word.trimEnd());
  }
  return lines;
}

function cut(text: string, width: number): string {
  const plain = visible(text).trimEnd();
  return plain.length <= width ? plain : `${plain.slice(0, width - 1)}~`;
}
