/** `1w2d`, `4h`, `90`: whole numbers with w d h m s, concatenated; a bare number is seconds. */
import { read, shown, wrong, type Parsed } from './parsed.ts';

const weekMs = 604_800_000;
const unitMs = new Map([['w', weekMs], ['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]]);

/** Ten years: longer is a typing error, and sums stay exact. */
export const longestDurationMs = 520 * weekMs;

/** In milliseconds. */
export function parseDuration(text: string, example = '4h'): Parsed<number> {
  if (!/^(\d{1,12}|(\d{1,12}[wdhms])+)$/.test(text)) {
    return wrong(`${shown(text)} is not a time: whole numbers with w, d, h, m or s`, example);
  }
  let ms = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)([wdhms]?)/g)) ms += Number(digits) * (unitMs.get(unit ?? '') ?? 1000);
  return ms <= longestDurationMs ? read(ms) : wrong(`${shown(text)} is longer than ten years`, example);
}

/** The shortest spelling; parts below a second are dropped. */
export function formatDuration(ms: number): string {
  let rest = Math.floor(ms / 1000);
  let text = '';
  for (const [unit, sizeMs] of unitMs) {
    const size = sizeMs / 1000;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text === '' ? '0' : text;
}
