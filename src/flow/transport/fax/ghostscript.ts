/** PDF and PostScript to grey pages, by Ghostscript as a program: strangers' documents never share our memory. */
import type { Bitmap } from './bitmap.ts';
import { FAX_PELS, toBitmap } from './bitmap.ts';
import { trouble, unfit, type Converted, type Limits } from './conversion.ts';
import { failureOf, runFenced } from './fenced-program.ts';
import { PELS_PER_INCH, type PageForm } from './paper.ts';
import { readGreymaps } from './portable-greymap.ts';

export interface Document {
  /** In the folder that the program runs in. */
  readonly file: string;
  readonly folder: string;
  readonly rows: number;
  /** A foreign page is made to fit; ours is drawn to measure. */
  readonly fit: boolean;
}

export interface Press {
  readonly program: string;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

const ARGUMENTS = [
  '-q', '-dSAFER', '-dNOPAUSE', '-dBATCH', '-dNOPROMPT', '-dFIXEDMEDIA', '-sDEVICE=pgmraw',
  // What a document prints must not come between the pages.
  '-sstdout=%stderr', '-sOutputFile=%stdout', '-dTextAlphaBits=1', '-dGraphicsAlphaBits=1', '-dInterpolateControl=1',
] as const;

/** `take` keeps a page, or answers false when it has room for no more. */
export async function printDocument(document: Document, form: PageForm, { program, limits, signal }: Press, take: (page: Bitmap) => Promise<boolean>): Promise<Converted> {
  let pages = 0;
  let full = false;
  const args = [
    ...ARGUMENTS, ...(document.fit ? ['-dFitPage'] : []), `-K${Math.floor(limits.memoryOctets / 1024)}`,
    `-r${PELS_PER_INCH}x${form.rowsPerInch}`, `-g${FAX_PELS}x${document.rows}`, `-dLastPage=${limits.pages + 1}`, '-f', document.file,
  ];
  try {
    const ran = await runFenced(program, args, {
      folder: document.folder, limits, signal,
      take: stdout => readGreymaps(stdout, async ({ grey, rows }) => {
        if (!(await take(toBitmap(grey, rows)))) full = true;
        else pages++;
        return !full;
      }),
    });
    if (full) return unfit(`it has more than ${limits.pages} pages`);
    return failureOf(ran, 'Ghostscript', limits, signal) ?? (pages === 0 ? unfit('it has no pages') : { kind: 'drawn', pages });
  } catch (cause) {
    if (signal.aborted) return trouble('we are stopping');
    // Cut off in the middle of a page: the exit says why, and that was read above when it could be.
    return codeOf(cause) === 'ERR_STREAM_PREMATURE_CLOSE' ? unfit('Ghostscript broke on it') : trouble('its pages cannot be kept', cause);
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : '';
}
