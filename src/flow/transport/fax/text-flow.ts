/** Text onto pages: the cover page, and parts that are text. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fillCover, type CoverLine, type CoverWords } from '../../../grammar/fax/cover-template.ts';
import type { Sheets, Style } from './sheets.ts';

/** What a page of text is made of; a cover page is its template's lines, a part its body alone. */
export interface TextFlow {
  readonly lines: readonly CoverLine[];
  readonly words: CoverWords;
  readonly body: string;
  /** What is not here, said where the reader looks. */
  readonly notes: readonly string[];
}

const MARGIN = 42;
const TOP = 26;
const BOTTOM = 36;
const LABEL = 66;

const HEADING: Style = { face: 'bold', points: 40 };
const PLAIN: Style = { face: 'sans', points: 11.5 };
const STRONG: Style = { face: 'bold', points: 11.5 };
const NOTE: Style = { face: 'sans', points: 9.5 };
/** 84 columns across. */
const FIXED: Style = { face: 'mono', points: 10.2 };
const TAB = 8;
const LINES_A_TURN = 20;

/** Gives the pages drawn. `last` may say one thing more when all else is drawn, and stands below it. */
export async function drawFlow(sheets: Sheets, flow: TextFlow, most: number, last?: (missing: ReadonlyMap<string, number>) => string | null): Promise<number | 'too many'> {
  const page = new Page(sheets, most);
  for (const line of flow.lines) {
    if (line.kind === 'body') await drawBody(page, flow.body);
    else drawLine(page, line, flow);
  }
  if (!flow.lines.some(({ kind }) => kind === 'body')) await drawBody(page, flow.body);
  drawNotes(page, flow.notes);
  const more = page.full ? null : (last?.(sheets.missing) ?? null);
  if (more !== null) drawNotes(page, [more]);
  return page.pages > most ? 'too many' : page.pages;
}

/** After the text, because only drawing tells which characters had no glyph. */
export function missingNote(missing: ReadonlyMap<string, number>): string | null {
  if (missing.size === 0) return null;
  const count = [...missing.values()].reduce((sum, one) => sum + one, 0);
  const codes = [...missing.keys()].map(one => `U+${(one.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`);
  return `${count === 1 ? 'One character' : `${count} characters`} of the text could not be drawn, for want of a font: ${codes.slice(0, 12).join(' ')}${codes.length > 12 ? ' …' : ''}`;
}

class Page {
  readonly sheets: Sheets;
  pages = 0;
  y = 0;
  readonly #most: number;

  constructor(sheets: Sheets, most: number) {
    this.sheets = sheets;
    this.#most = most;
    this.turn();
  }

  get full(): boolean {
    return this.pages > this.#most;
  }

  turn(): void {
    this.pages++;
    this.y = TOP;
    if (!this.full) this.sheets.begin();
  }

  /** Room for a line, on this page or the next. */
  room(height: number): void {
    if (this.y + height > this.sheets.height - BOTTOM) this.turn();
  }

  print(text: string, style: Style, x = MARGIN): void {
    for (const line of this.linesOf(text, style, x)) {
      if (this.full) return;
      this.put(line, style, x);
    }
  }

  linesOf(text: string, style: Style, x = MARGIN): Iterable<string> {
    return this.sheets.wrap(text, this.sheets.width - MARGIN - x, style);
  }

  put(line: string, style: Style, x = MARGIN): void {
    const height = this.sheets.lineHeight(style);
    this.room(height);
    if (this.full) return;
    this.sheets.draw(line, { x, y: this.y, width: this.sheets.width - MARGIN - x }, style);
    this.y += height;
  }
}

function drawLine(page: Page, line: Exclude<CoverLine, { readonly kind: 'body' }>, flow: TextFlow): void {
  switch (line.kind) {
    case 'heading':
      page.print(fillCover(line.text, flow.words), HEADING);
      page.y += 4;
      return;
    case 'text':
      return page.print(fillCover(line.text, flow.words), PLAIN);
    case 'row': {
      page.room(page.sheets.lineHeight(PLAIN));
      const { y } = page;
      page.sheets.draw(`${line.label}:`, { x: MARGIN, y, width: LABEL }, STRONG);
      page.print(fillCover(line.text, flow.words).trim(), PLAIN, MARGIN + LABEL);
      page.y += 4;
      return;
    }
    case 'rule':
      page.room(14);
      page.sheets.rule(page.y + 5, 1.2, MARGIN, page.sheets.width - MARGIN);
      page.y += 16;
      return;
    case 'gap':
      page.y += 9;
      return;
    default:
      return line satisfies never;
  }
}

/** Others have their turn every few lines. */
async function drawBody(page: Page, body: string): Promise<void> {
  let lines = 0;
  for (const paragraph of body.split('\n')) {
    for (const [n, sheet] of paragraph.split('\f').entries()) {
      if (n > 0) page.turn();
      for (const line of page.linesOf(untabbed(sheet), FIXED)) {
        if (page.full) return;
        page.put(line, FIXED);
        if (++lines % LINES_A_TURN === 0) await nextTurn();
      }
    }
  }
}

function drawNotes(page: Page, notes: readonly string[]): void {
  for (const note of notes) {
    page.y += 10;
    page.print(note, NOTE);
  }
}

function untabbed(line: string): string {
  if (!line.includes('\t')) return line.trimEnd();
  let out = '';
  for (const character of line) out += character === '\t' ? ' '.repeat(TAB - (out.length % TAB)) : character;
  return out.trimEnd();
}
