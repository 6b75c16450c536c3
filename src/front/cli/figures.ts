/** Sizes, times and states as the queue's listings write them. */
import type { QueueEntry } from '../../core/queue-store.ts';

export const STATES: Readonly<Record<QueueEntry['state'], string>> = { waiting: 'waiting', claimed: 'being delivered', held: 'on hold', quarantined: 'in quarantine' };

const KIB = 1024;
const GIB = KIB ** 3;

/** Courier's: bytes below 1 K, then n.nK, n.nnM; it has no name for more. */
export function formatSize(octets: number): string {
  if (octets < KIB) return String(octets);
  return octets < KIB * KIB ? `${(octets / KIB).toFixed(1)}K` : octets < GIB ? `${(octets / KIB / KIB).toFixed(2)}M` : `${(octets / GIB).toFixed(1)}G`;
}

/** In a sentence. */
export function formatOctets(octets: number): string {
  return octets < KIB ? `${octets} ${octets === 1 ? 'byte' : 'bytes'}` : formatSize(octets);
}

export function formatWhen(at: number): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** As the configuration writes times: `1w2d`, `90s` becomes `1m30s`; below a second, milliseconds. */
export function formatSpan(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  let left = Math.round(ms / 1000);
  let text = '';
  for (const [name, seconds] of SPANS) {
    const count = Math.floor(left / seconds);
    if (count > 0) text += `${count}${name}`;
    left -= count * seconds;
  }
  return text;
}

const SPANS = [['w', 604_800], ['d', 86_400], ['h', 3600], ['m', 60], ['s', 1]] as const;

/** No more than two units: for people. */
export function formatAge(ms: number): string {
  const span = formatSpan(ms);
  return /^(?:\d+[a-z]+){1,2}/.exec(span)?.[0] ?? span;
}
