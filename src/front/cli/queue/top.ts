/** queue top: the queue as it moves, on one screen; where there is no screen, one picture after the other. */
import type { NexthopView, Overview } from '../../../core/operations.ts';
import { exits, print, readArguments } from '../command.ts';
import { formatAge, formatSize } from '../figures.ts';
import type { QueueWord } from './word.ts';

const EVERY_MS = 2000;
const USUAL = { columns: 80, rows: 24 };
/** Alternate screen, cursor hidden; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

export async function top(args: readonly string[], { context, queue, running }: QueueWord): Promise<number> {
  const { values } = readArguments({ args: [...args], options: { once: { type: 'boolean' } } });
  const out = context.stdout as typeof context.stdout & { readonly rows?: number };
  let before: Overview | null = null;
  if (values.once === true || out.isTTY !== true) {
    await print(context.stdout, formatOverview(await queue.overview(), null, { ...USUAL, rows: 10_000 }, running).join('\n'));
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
    `${summary.messages} messages: ${waiting} waiting, ${summary.claimed} being delivered, ${summary.quarantined} in quarantine; oldest ${summary.oldestAcceptedAt === null ? '-' : formatAge(now.at - summary.oldestAcceptedAt)}`,
  ];
  if (!running) return head.map(line => cut(line, size.columns));
  head.push(
    `a second${before === null ? ' since the start' : ''}: ${rate(one => one.accepted)} in, ${rate(one => one.outcomes.delivered)} delivered, ${rate(one => one.outcomes.deferred)} deferred, ${rate(one => one.outcomes.failed)} failed   in all ${outcomes.delivered} / ${outcomes.deferred} / ${outcomes.failed}`,
    '',
    `${'NEXT HOP'.padEnd(34)} ${'ACTIVE'.padStart(6)} ${'WAITS'.padStart(6)} ${'WIDE'.padStart(4)}  STATE`,
  );
  for (const { name, since, until, by } of now.down ?? []) head.push(`${cut(`link ${name}`, 34).padEnd(34)} ${''.padStart(6)} ${''.padStart(6)} ${''.padStart(4)}  down ${formatAge(now.at - since)}${until === undefined ? `: ${by}` : `, for another ${formatAge(until - now.at)}`}`);
  const room = Math.max(1, size.rows - head.length);
  const shown = now.nexthops.length > room ? now.nexthops.slice(0, room - 1) : now.nexthops;
  const lines = [...head, ...shown.map(one => formatNexthop(one, now.at))];
  if (shown.length < now.nexthops.length) lines.push(`… and ${now.nexthops.length - shown.length} more`);
  if (now.nexthops.length === 0) lines.push('nothing is under way');
  return lines.slice(0, size.rows).map(line => cut(line, size.columns));
}

function formatNexthop({ transport, nexthop, active, waiting, width, closedUntil, trouble }: NexthopView, now: number): string {
  const state = closedUntil === undefined ? (trouble === undefined ? '' : `trouble: ${trouble}`) : `left alone ${formatAge(closedUntil - now)}: ${trouble ?? ''}`;
  return `${cut(`${transport} ${nexthop}`, 34).padEnd(34)} ${String(active).padStart(6)} ${String(waiting).padStart(6)} ${String(width).padStart(4)}  ${state}`;
}

function cut(text: string, width: number): string {
  const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trimEnd();
  return plain.length <= width ? plain : `${plain.slice(0, width - 1)}…`;
}
