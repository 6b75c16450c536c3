/**
 * Pictures as grey pages. The only file that knows sharp, which is optional and loaded when the first picture comes.
 * Loaders that nobody needs for a fax are closed, and a picture that is small as a file and huge in memory is refused
 * by what its header says, before a pel of it is read.
 */
import type { Sharp, SharpOptions } from 'sharp';
import { FAX_PELS, toBitmap, type Bitmap } from './bitmap.ts';
import { trouble, unfit, type Converted, type Limits } from './conversion.ts';
import { PELS_PER_INCH, type PageForm } from './paper.ts';

type Library = typeof import('sharp').default;

export interface Pictures {
  print(path: string, form: PageForm, options: { readonly limits: Limits; readonly signal: AbortSignal }, take: (page: Bitmap) => Promise<boolean>): Promise<Converted>;
}

const LOADERS = ['Jpeg', 'Png', 'Webp', 'Tiff', 'Nsgif'].map(name => `VipsForeignLoad${name}`);
const MARGIN = 24;
/** A picture made for a screen is enlarged to its size on a screen, and half as much again. */
const LARGEST_SCALE = (PELS_PER_INCH / 96) * 1.5;
/** Beyond one page by this share, a picture goes over several instead of being shrunk. */
const TALL = 1.4;
const NARROW_FAX = 0.6;

/** `find`: where the library comes from; it is optional. */
export function createPictures(find: () => Promise<{ readonly default: Library }> = () => import('sharp')): Pictures {
  let library: Promise<Library | null> | null = null;
  const load = async (): Promise<Library | null> => {
    try {
      const { default: sharp } = await find();
      sharp.cache(false);
      sharp.concurrency(1);
      sharp.block({ operation: ['VipsForeignLoad'] });
      sharp.unblock({ operation: LOADERS });
      return sharp;
    } catch {
      return null;
    }
  };
  return {
    async print(path, form, { limits, signal }, take) {
      const sharp = await (library ??= load());
      if (sharp === null) return trouble('pictures cannot be drawn here: the package sharp is not installed');
      const open = (page: number): Sharp => sharp(path, optionsFor(page, limits)).timeout({ seconds: Math.max(1, Math.round(limits.timeMs / 1000)) });
      try {
        return await printAll(open, form, { limits, signal }, take);
      } catch (cause) {
        if (signal.aborted) return trouble('we are stopping');
        return unfit(`the picture cannot be read: ${reasonOf(cause, limits)}`);
      }
    },
  };
}

function optionsFor(page: number, { pixels }: Limits): SharpOptions {
  return { limitInputPixels: pixels, failOn: 'truncated', sequentialRead: true, page, pages: 1 };
}

async function printAll(open: (page: number) => Sharp, form: PageForm, { limits, signal }: { readonly limits: Limits; readonly signal: AbortSignal }, take: (page: Bitmap) => Promise<boolean>): Promise<Converted> {
  const first = await open(0).metadata();
  // Of an animation, the first picture; of a scan, all its pages.
  const count = first.format === 'tiff' ? (first.pages ?? 1) : 1;
  let pages = 0;
  for (let n = 0; n < count; n++) {
    const { autoOrient, format } = n === 0 ? first : await open(n).metadata();
    if (autoOrient.width * autoOrient.height > limits.pixels) return unfit(`the picture has more than ${limits.pixels} pixels`);
    const place = placeOf(autoOrient.width, autoOrient.height, format === 'tiff', form);
    for (let top = 0; top < place.height; top += form.contentRows) {
      if (signal.aborted) return trouble('we are stopping');
      if (!(await take(await slice(open(n), place, top, form)))) return unfit(`it has more than ${limits.pages} pages`);
      pages++;
    }
  }
  return { kind: 'drawn', pages };
}

interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

function placeOf(width: number, height: number, scan: boolean, form: PageForm): Place {
  const high = form.rowsPerInch / PELS_PER_INCH;
  if (scan && width === FAX_PELS) {
    // It was a fax before; at 98 lines an inch where it has so few.
    const share = height < form.contentRows * NARROW_FAX ? 2 : 1;
    return { left: 0, top: 0, width, height: Math.max(1, Math.round(height * (form.resolution === 'fine' ? share : share / 2))) };
  }
  const room = FAX_PELS - 2 * MARGIN;
  const across = Math.min(room / width, LARGEST_SCALE);
  const tall = height * across * high > form.contentRows * TALL;
  const scale = tall ? across : Math.min(across, (form.contentRows - MARGIN) / (height * high));
  const wide = Math.max(1, Math.round(width * scale));
  return { left: (FAX_PELS - wide) >> 1, top: tall ? 0 : Math.round(MARGIN * high), width: wide, height: Math.max(1, Math.round(height * scale * high)) };
}

async function slice(picture: Sharp, place: Place, from: number, form: PageForm): Promise<Bitmap> {
  const height = Math.min(place.height - from, form.contentRows);
  let drawn = picture.autoOrient().flatten({ background: '#ffffff' }).greyscale().resize(place.width, place.height, { fit: 'fill', kernel: 'lanczos3' });
  if (height < place.height) drawn = drawn.extract({ left: 0, top: from, width: place.width, height });
  const grey = await drawn.toColourspace('b-w').raw({ depth: 'uchar' }).toBuffer();
  const page = new Uint8Array(FAX_PELS * form.contentRows).fill(255);
  for (let row = 0; row < height && row + place.top < form.contentRows; row++) page.set(grey.subarray(row * place.width, (row + 1) * place.width), (row + place.top) * FAX_PELS + place.left);
  return toBitmap(page, form.contentRows);
}

function reasonOf(cause: unknown, { pixels }: Limits): string {
  const text = cause instanceof Error ? cause.message : '';
  if (/pixel limit/i.test(text)) return `it has more than ${pixels} pixels`;
  if (/timeout/i.test(text)) return 'it takes too long';
  if (/unsupported image format|no known saver|is not a known/i.test(text)) return 'it is of no format that is drawn here';
  return 'it is broken';
}
