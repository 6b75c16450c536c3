/**
 * Hours of the week: `06:00-06:20`, `Mon-Fri 18:00-20:00 Sat,Sun 00:00-24:00`. Days hold for the hours behind them; a
 * span that ends before it begins runs into the next day. By the local clock, summer time and all.
 */
import { read, shown, wrong, type Parsed } from './parsed.ts';

export interface Span {
  /** On which days it begins: 0 is Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight; the end is larger, and may be in the next day. */
  readonly from: number;
  readonly to: number;
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];
const DAY_MINUTES = 24 * 60;
const EXAMPLE = 'Mon-Fri 18:00-20:00 Sat,Sun 08:00-24:00';

export function parseWeek(text: string): Parsed<readonly Span[]> {
  const spans: Span[] = [];
  let days: readonly number[] = EVERY_DAY;
  for (const word of text.split(/\s+/).filter(one => one !== '')) {
    const hours = parseHours(word);
    const named = hours === null ? parseDays(word) : null;
    if (hours !== null) spans.push({ days, ...hours });
    else if (named !== null) days = named;
    else return wrong(`${shown(word)} is neither days nor hours`, EXAMPLE);
  }
  return spans.length === 0 ? wrong('no hours are named', EXAMPLE) : read(spans);
}

function parseHours(word: string): { readonly from: number; readonly to: number } | null {
  const [, fromHour, fromMinute, toHour, toMinute] = /^(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)$/.exec(word) ?? [];
  const from = minutes(fromHour, fromMinute);
  const to = minutes(toHour, toMinute);
  if (from === null || to === null || from === DAY_MINUTES || from === to) return null;
  return { from, to: to < from ? to + DAY_MINUTES : to };
}

function minutes(hour: string | undefined, minute: string | undefined): number | null {
  const all = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && all <= DAY_MINUTES ? all : null;
}

/** `Mon`, `Mon-Fri`, `Sat,Sun`, `Fri-Mon`, `daily`. */
function parseDays(word: string): readonly number[] | null {
  if (word.toLowerCase() === 'daily') return EVERY_DAY;
  const found = new Set<number>();
  for (const part of word.toLowerCase().split(',')) {
    const [first, last] = part.split('-').map(name => DAYS.findIndex(day => day === name));
    if (first === undefined || first < 0 || part.split('-').length > 2 || (last ?? 0) < 0) return null;
    for (let day = first; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === (last ?? first)) break;
    }
  }
  return [...found].toSorted((one, other) => one - other);
}

export function formatWeek(spans: readonly Span[]): string {
  return spans.map(({ days, from, to }) => `${days.length === 7 ? 'daily' : days.map(day => capital(DAYS[day] as string)).join(',')} ${clock(from)}-${clock(to > DAY_MINUTES ? to - DAY_MINUTES : to)}`).join(' ');
}

function capital(day: string): string {
  return `${day[0]?.toUpperCase()}${day.slice(1)}`;
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

/** Whether one of them holds at that moment, and when that changes; null: it never does. */
export function weekAt(spans: readonly Span[], at: number): { readonly open: boolean; readonly until: number | null } {
  const open = spans.some(span => holds(span, at));
  let until: number | null = null;
  // A week and a day on either side has every edge there is.
  for (let day = -1; day <= 8; day++) {
    for (const span of spans) {
      for (const edge of edgesOn(span, at, day)) {
        if (edge > at && (until === null || edge < until) && spans.some(one => holds(one, edge)) !== open) until = edge;
      }
    }
  }
  return { open, until };
}

function holds(span: Span, at: number): boolean {
  for (const day of [-1, 0]) {
    const [from, to] = edgesOn(span, at, day);
    if (from !== undefined && to !== undefined && from <= at && at < to) return true;
  }
  return false;
}

function edgesOn({ days, from, to }: Span, at: number, day: number): readonly number[] {
  const midnight = new Date(at);
  const date = (minute: number) => new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() + day, 0, minute).getTime();
  return days.includes(new Date(date(0)).getDay()) ? [date(from), date(to)] : [];
}
