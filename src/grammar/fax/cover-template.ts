/**
 * `faxcover`: the cover page, a line at a time.
 *
 *   = HEADING          large and bold
 *   ---                a rule across the page
 *   Label: value       a row of the table
 *   %TEXT%             the message's text, in a fixed font, on further pages when it must
 *   anything else      a line of text; an empty line is a gap
 *
 * %FROM% %TO% %SUBJECT% %DATE% %PAGES% are the message's, %NAME% and %STATION% ours, %NUMBER% is whom we call.
 */
import { splitLines } from '../config/control-file.ts';
import { nearestName } from '../config/nearest-name.ts';
import { settle, shown, type Parsed, type Problem } from '../config/parsed.ts';

export type CoverLine =
  | { readonly kind: 'heading' | 'text'; readonly text: string }
  | { readonly kind: 'row'; readonly label: string; readonly text: string }
  | { readonly kind: 'rule' | 'gap' }
  | { readonly kind: 'body' };

export const coverWords = ['FROM', 'TO', 'SUBJECT', 'DATE', 'PAGES', 'NAME', 'STATION', 'NUMBER'] as const;
export type CoverWords = Readonly<Record<(typeof coverWords)[number], string>>;

/** %PAGES% counts what follows the cover, as Courier's does. */
export const shippedCover = `= FAX
---
To:      %TO%
Fax:     %NUMBER%
From:    %FROM%
Date:    %DATE%
Subject: %SUBJECT%
Pages:   %PAGES%, not counting the cover
---

%TEXT%
`;

export function parseCoverTemplate(text: string): Parsed<readonly CoverLine[]> {
  const problems: Problem[] = [];
  const lines: CoverLine[] = [];
  for (const [index, whole] of splitLines(text.trimEnd()).entries()) {
    const entry = whole.trimEnd();
    if (entry.startsWith('#')) continue;
    for (const [, word = ''] of entry.matchAll(/%(\w+)%/g)) {
      if (word === 'TEXT' ? entry.trim() !== '%TEXT%' : !coverWords.some(one => one === word)) {
        problems.push({ line: index + 1, what: word === 'TEXT' ? '%TEXT% is more than a line, and stands alone' : `there is no ${shown(`%${word}%`)}`, right: word === 'TEXT' ? '%TEXT%' : `%${nearestName(word, [...coverWords]) ?? 'FROM'}%` });
      }
    }
    lines.push(lineOf(entry));
  }
  if (lines.filter(({ kind }) => kind === 'body').length > 1) problems.push({ line: 1, what: '%TEXT% stands there twice', right: 'one %TEXT%' });
  return settle(lines, problems);
}

function lineOf(entry: string): CoverLine {
  if (entry.trim() === '') return { kind: 'gap' };
  if (entry.trim() === '%TEXT%') return { kind: 'body' };
  if (/^-{3,}$/.test(entry)) return { kind: 'rule' };
  const heading = /^=+\s+(.*)$/.exec(entry);
  if (heading !== null) return { kind: 'heading', text: heading[1] as string };
  const row = /^([^\s:%][^:%]{0,30}):\s+(.*)$/.exec(entry);
  return row === null ? { kind: 'text', text: entry } : { kind: 'row', label: row[1] as string, text: row[2] as string };
}

/** What a word stands for is never read as a template again. */
export function fillCover(text: string, words: CoverWords): string {
  return text.replaceAll(/%(\w+)%/g, (whole, word: string) => (words as Readonly<Record<string, string>>)[word] ?? whole);
}
