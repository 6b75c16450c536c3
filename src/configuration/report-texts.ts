/** Courier's dsn*.txt: what people read in reports, in the operator's words and language. */
import type { Sheet } from './sheet.ts';
import type { ReportTexts } from './types.ts';

const files = {
  header: 'dsnheader.txt', delayed: 'dsndelayed.txt', delivered: 'dsndelivered.txt', relayed: 'dsnrelayed.txt',
  failed: 'dsnfailed.txt', footer: 'dsnfooter.txt', subjectNotice: 'dsnsubjectnotice.txt', subjectWarning: 'dsnsubjectwarn.txt',
} as const satisfies Record<keyof ReportTexts, string>;

/** Names that are filled in. */
const known: ReadonlySet<string> = new Set(['ME', 'FROMTIME', 'FROMMTA', 'RETRYUNTIL']);

export function readReportTexts(sheet: Sheet): Partial<ReportTexts> {
  const texts: { -readonly [part in keyof ReportTexts]?: string } = {};
  for (const part of Object.keys(files) as (keyof ReportTexts)[]) {
    const file = files[part];
    const text = sheet.text(file);
    sheet.setting(file, text === undefined ? 'our own text' : `${text.length} characters`, text === undefined ? undefined : file);
    if (text === undefined) continue;
    for (const [, name = ''] of text.matchAll(/\[#(\w*)#\]/g)) {
      if (!known.has(name)) sheet.problem(sheet.path(file), undefined, `nothing is known of [#${name}#]`, '[#ME#], [#FROMTIME#], [#FROMMTA#] or [#RETRYUNTIL#]');
    }
    texts[part] = part.startsWith('subject') ? subjectOf(text) : withoutFields(text).replaceAll(/\r\n?/g, '\n').trimEnd();
  }
  return texts;
}

/** Courier's header text begins with the part's own fields; we write those ourselves, for UTF-8. */
function withoutFields(text: string): string {
  return text.replace(/^(?:Content-[A-Za-z-]+:.*\r?\n(?:[ \t].*\r?\n)*)+\r?\n/i, '');
}

function subjectOf(text: string): string {
  return text.trim().replace(/^Subject:\s*/i, '').replaceAll(/\s+/g, ' ');
}
