/** The date-time of header fields (RFC 5322 §3.3), both ways; and the one of From_ lines. */
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Milliseconds since the epoch; the fraction of a second is lost. */
export function formatDate(at: number, zoneMinutes = 0): string {
  const date = new Date(at + zoneMinutes * 60_000);
  const zone = Math.abs(zoneMinutes);
  return `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${zoneMinutes < 0 ? '-' : '+'}${two(Math.trunc(zone / 60))}${two(zone % 60)}`;
}

/** `Wed Nov 15 06:13:20 2023`, in UTC, as ctime(3) has it. */
export function formatCtime(at: number): string {
  const date = new Date(at);
  return `${DAYS[date.getUTCDay()]} ${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} ${date.getUTCFullYear()}`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

const DATE = /^(?:[A-Za-z]{3},)?\s*(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})\s+(\d{2}):(\d{2})(?::(\d{2}))?\s+(?:([+-])(\d{2})(\d{2})|GMT|UT|UTC|Z)$/;

/** Null when it is none. Comments are taken off; of the obsolete zones (RFC 5322 §4.3) those that are UTC are known. */
export function parseDate(text: string): number | null {
  const found = DATE.exec(text.replaceAll(/\([^()]*\)/g, '').trim());
  if (found === null) return null;
  const [, day, name = '', year, hour, minute, second = '0', sign, zoneHour = '0', zoneMinute = '0'] = found;
  const month = MONTHS.findIndex(one => one.toLowerCase() === name.toLowerCase());
  if (month < 0 || Number(day) < 1 || Number(day) > 31 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60 || Number(zoneMinute) > 59) return null;
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1);
  return Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second)) - zone * 60_000;
}
