/** Numbers, sizes and times as the pages write them. */
import { html, type Html } from '../../kit/html.ts';

const DAY_S = 86_400;

export function formatOctets(octets: number): string {
  if (Number.isNaN(octets)) return '–';
  for (const [unit, size] of [['GiB', 1024 ** 3], ['MiB', 1024 ** 2], ['KiB', 1024]] as const) if (octets >= size) return `${round(octets / size)} ${unit}`;
  return `${Math.round(octets)} B`;
}

export function formatCount(count: number): string {
  return Number.isNaN(count) ? '–' : Math.round(count).toLocaleString('en').replaceAll(',', '\u202f');
}

export function formatRate(perSecond: number): string {
  if (Number.isNaN(perSecond)) return '–';
  return perSecond > 0 && perSecond < 0.1 ? `${round(perSecond * 60)}/min` : `${round(perSecond)}/s`;
}

export function formatSpan(ms: number): string {
  if (Number.isNaN(ms)) return '–';
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${round(seconds)} s`;
  const whole = Math.round(seconds);
  const parts = [[Math.floor(whole / DAY_S), 'd'], [Math.floor(whole / 3600) % 24, 'h'], [Math.floor(whole / 60) % 60, 'min'], [whole % 60, 's']] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(' ');
}

/** The box's own time, as its log and its clock on the wall have it. */
export function formatTime(at: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '–';
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A time with how long ago or ahead it is. */
export function when(at: number, now: number): Html {
  const apart = at - now;
  const relative = Math.abs(apart) < 1000 ? 'now' : apart > 0 ? `in ${formatSpan(apart)}` : `${formatSpan(-apart)} ago`;
  const date = new Date(at);
  return html`<time datetime="${Number.isNaN(date.getTime()) ? '' : date.toISOString()}">${formatTime(at)}</time> <span class="quiet">${relative}</span>`;
}

/** Two digits that count. */
function round(value: number): string {
  return value >= 9.95 || value === 0 ? String(Math.round(value)) : value >= 0.995 ? value.toFixed(1) : value.toFixed(2);
}
