/**
 * The line at the top of each page: when, from whom, to whom, which page of how many. Sender's duty where the law asks
 * for it (47 CFR 68.318(d)), and no class 2 modem does it.
 */
import { rm, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bitmap } from './bitmap.ts';
import type { FontFile } from './fonts.ts';
import { printDocument, type Press } from './ghostscript.ts';
import { pointsOf, type PageForm } from './paper.ts';
import { openSheets, type Sheets, type Style } from './sheets.ts';

export interface StripText {
  readonly at: number;
  readonly name: string;
  readonly stationId: string;
  readonly number: string;
  /** In this call, counted from 1; and in the message, where that is something else. */
  readonly page: number;
  readonly pages: number;
  readonly whole?: { readonly page: number; readonly pages: number };
}

const STYLE: Style = { face: 'bold', points: 8.4 };
const MARGIN = 20;
const GAP = 14;

/** One for each text; the reason when they cannot be printed. */
export async function printStrips(texts: readonly StripText[], form: PageForm, fonts: readonly FontFile[], press: Press, folder: string): Promise<readonly Bitmap[] | string> {
  const sheets = await openSheets(pointsOf(form.stripRows, form), fonts);
  for (const text of texts) {
    sheets.begin();
    drawStrip(sheets, text);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    await writeFile(join(folder, 'strips.pdf'), await sheets.finish(), { mode: 0o600 });
    const strips: Bitmap[] = [];
    const limits = { ...press.limits, pages: texts.length };
    const printed = await printDocument({ file: 'strips.pdf', folder, rows: form.stripRows, foreign: false }, form, { ...press, limits }, strip => {
      strips.push(strip);
      return Promise.resolve(true);
    });
    if (printed.kind !== 'drawn') return printed.why;
    return strips.length === texts.length ? strips : 'Ghostscript left a line out';
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function drawStrip(sheets: Sheets, text: StripText): void {
  const right = formatPages(text);
  const left = formatStamp(text.at);
  const room = sheets.width - 2 * MARGIN;
  // Low in the strip: machines lose the first millimetres of the paper.
  const y = sheets.height - sheets.lineHeight(STYLE) - 0.5;
  const leftWide = sheets.measure(left, STYLE) + GAP;
  const rightWide = sheets.measure(right, STYLE) + GAP;
  const middle = shortened(sheets, formatParties(text), room - leftWide - rightWide);
  sheets.draw(left, { x: MARGIN, y, width: leftWide }, STYLE);
  sheets.draw(middle, { x: MARGIN + leftWide, y, width: room - leftWide - rightWide, align: 'left' }, STYLE);
  sheets.draw(right, { x: MARGIN, y, width: room, align: 'right' }, STYLE);
}

function formatParties({ name, stationId, number }: StripText): string {
  const from = [name, stationId].filter(one => one !== '').join(' ');
  return `${from === '' ? '' : `FROM: ${from}   `}TO: ${number}`;
}

function formatPages({ page, pages, whole }: StripText): string {
  return `P. ${page}/${pages}${whole === undefined ? '' : ` (${whole.page}/${whole.pages})`}`;
}

/** The box's own time, as its clock on the wall has it. */
function formatStamp(at: number): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function shortened(sheets: Sheets, text: string, width: number): string {
  if (sheets.measure(text, STYLE) <= width) return text;
  const characters = Array.from(text);
  while (characters.length > 1 && sheets.measure(`${characters.join('')}…`, STYLE) > width) characters.pop();
  return `${characters.join('')}…`;
}
