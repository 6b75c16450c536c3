/** PDF and PostScript to pages, by Ghostscript as a program: strangers' documents never share our memory. */
import type { Ran } from '../../../kit/run-program.ts';
import type { Bitmap } from './bitmap.ts';
import { FAX_PELS, toBitmap } from './bitmap.ts';
import { trouble, unfit, type Converted, type Limits } from './conversion.ts';
import { failureOf, runFenced } from './fenced-program.ts';
import { PELS_PER_INCH, type PageForm } from './paper.ts';
import { readPortableMaps } from './portable-map.ts';

export interface Document {
  /** In the folder that the program runs in. */
  readonly file: string;
  readonly folder: string;
  readonly rows: number;
  /** A foreign page is made to fit, and has shades; ours is drawn to measure, in black. */
  readonly foreign: boolean;
}

export interface Press {
  readonly program: string;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

const ARGUMENTS = [
  '-q', '-dSAFER', '-dNOPAUSE', '-dBATCH', '-dNOPROMPT', '-dFIXEDMEDIA',
  // In bands: a page as a whole costs four megabytes more.
  '-dMaxBitmap=0', '-dBufferSpace=250000',
  // What a document prints must not come between the pages.
  '-sstdout=%stderr', '-sOutputFile=%stdout', '-dTextAlphaBits=1', '-dGraphicsAlphaBits=1', '-dInterpolateControl=1',
] as const;

/** `take` keeps a page, or answers false when it has room for no more. */
export async function printDocument(document: Document, form: PageForm, { program, limits, signal }: Press, take: (page: Bitmap) => Promise<boolean>): Promise<Converted> {
  let pages = 0;
  let full = false;
  let unkept: { readonly cause: unknown } | null = null;
  // It does not mind a reader who has gone, and would go on for all its time.
  const enough = new AbortController();
  const keep = async (page: Bitmap): Promise<boolean> => {
    try {
      full = !(await take(page));
      if (!full) pages++;
    } catch (cause) {
      unkept = { cause };
    }
    if (full || unkept !== null) enough.abort();
    return !full && unkept === null;
  };
  const args = [
    ...ARGUMENTS, ...(document.foreign ? ['-sDEVICE=pgmraw', '-dFitPage'] : ['-sDEVICE=pbmraw']), `-K${Math.floor(limits.memoryOctets / 1024)}`,
    `-r${PELS_PER_INCH}x${form.rowsPerInch}`, `-g${FAX_PELS}x${document.rows}`, `-dLastPage=${limits.pages + 1}`, '-f', document.file,
  ];
  let ran: Ran | null = null;
  try {
    ran = await runFenced(program, args, {
      folder: document.folder, limits, signal: AbortSignal.any([signal, enough.signal]),
      take: stdout => readPortableMaps(stdout, ({ kind, octets, rows }) => keep(kind === 'bits' ? { rows, bits: Uint8Array.from(octets) } : toBitmap(octets, rows))).catch((cause: unknown) => {
        enough.abort();
        throw cause;
      }),
    });
  } catch {
    // It was cut off in the middle of a page, or the document wrote something of its own between the pages.
  }
  if (signal.aborted) return trouble('we are stopping');
  const cause = thrownBy(unkept);
  if (cause !== null) return trouble('its pages cannot be kept', cause.cause);
  if (full) return unfit(`it has more than ${limits.pages} pages`);
  if (ran === null) return unfit('Ghostscript broke on it');
  return failureOf(ran, 'Ghostscript', limits, signal) ?? (pages === 0 ? unfit('it has no pages') : { kind: 'drawn', pages });
}

/** What a callback assigned is out of the type checker's sight. */
function thrownBy(unkept: { readonly cause: unknown } | null): { readonly cause: unknown } | null {
  return unkept;
}
