/** One part made into pages: by the site's filter, by a program, by a library, or as text. */
import { createReadStream } from 'node:fs';
import { access, constants, link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaxKernels } from '../../../core/kernels.ts';
import type { CoverWords } from '../../../grammar/fax/cover-template.ts';
import { decodeCharset } from '../../../grammar/mime/words.ts';
import type { Bitmap } from './bitmap.ts';
import { trouble, unfit, type Converted, type Limits } from './conversion.ts';
import { failureOf, runFenced } from './fenced-program.ts';
import type { FontFile } from './fonts.ts';
import { readG3 } from './g3-page.ts';
import { printDocument } from './ghostscript.ts';
import { readHtml } from './html-text.ts';
import { filterName, isVague, mediumByOctets, mediumOf, officeEnding, type Medium } from './media.ts';
import type { Leaf } from './message-parts.ts';
import { pointsOf, type PageForm } from './paper.ts';
import type { Pictures } from './pictures.ts';
import { openSheets } from './sheets.ts';
import { drawFlow, type TextFlow } from './text-flow.ts';

export interface Workshop {
  readonly ghostscript: string;
  /** Words with {file} and {folder}; absent: office documents are not drawn. */
  readonly office?: readonly string[];
  /** Where the site's filters are. */
  readonly filters: string;
  readonly fonts: readonly FontFile[];
  readonly limits: Limits;
  readonly kernels: FaxKernels;
  readonly pictures: Pictures;
  readonly signal: AbortSignal;
  readonly form: PageForm;
  /** A folder of its own for the part, gone when it is drawn. */
  readonly folder: string;
  /** Characters that no font has, gathered. */
  readonly missing: Map<string, number>;
}

type Take = (page: Bitmap) => Promise<boolean>;

const TEXT_OCTETS = 4 * 1024 * 1024;
const NO_WORDS: CoverWords = { FROM: '', TO: '', SUBJECT: '', DATE: '', PAGES: '', NAME: '', STATION: '', NUMBER: '' };

/** What would draw it. */
export async function findPrinter(leaf: Leaf, shop: Pick<Workshop, 'filters' | 'office'>): Promise<'filter' | Medium | null> {
  if ((await filterOf(leaf.type, shop.filters)) !== null) return 'filter';
  const medium = mediumOf(leaf.type) ?? (isVague(leaf.type) ? mediumByOctets(await headOf(leaf.path)) : null);
  return medium === 'office' && shop.office === undefined ? null : medium;
}

export async function printPart(leaf: Leaf, how: 'filter' | Medium, shop: Workshop, take: Take): Promise<Converted> {
  await mkdir(shop.folder, { mode: 0o700 });
  try {
    switch (how) {
      case 'filter':
        return await printByFilter(leaf, shop, take);
      case 'document':
        return await printFile(leaf.path, shop, take);
      case 'picture':
        return await shop.pictures.print(leaf.path, shop.form, shop, take);
      case 'office':
        return await printOffice(leaf, shop, take);
      case 'text':
      case 'html': {
        const text = await readText(leaf);
        return text === null ? unfit('it is too long for a text') : await printText({ lines: [], words: NO_WORDS, body: text, notes: [] }, shop, take);
      }
      default:
        return how satisfies never;
    }
  } finally {
    await rm(shop.folder, { recursive: true, force: true });
  }
}

/** Null: more than anybody would fax. */
export async function readText(leaf: Leaf): Promise<string | null> {
  if (leaf.octets > TEXT_OCTETS) return null;
  const octets = await readFile(leaf.path);
  const text = decodeCharset(octets, leaf.charset);
  const plain = (leaf.type === 'text/html' ? await readHtml(text) : text).replaceAll(/\r\n?/g, '\n');
  // Of marks on one letter no language has more than a few; a tower of them is a burden for every program behind us.
  return plain.replaceAll(/[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\ufeff]/g, '').replaceAll(/(\p{M}{8})\p{M}+/gu, '$1').replaceAll(/(\p{Cf}{8})\p{Cf}+/gu, '$1').trimEnd();
}

/** Text is drawn as PDF, and printed like any other. */
export async function printText(flow: TextFlow, shop: Workshop, take: Take, last?: (missing: ReadonlyMap<string, number>) => string | null): Promise<Converted> {
  const { form, folder, limits } = shop;
  const sheets = await openSheets(pointsOf(form.contentRows, form), shop.fonts);
  const drawn = await drawFlow(sheets, flow, limits.pages, last);
  if (drawn === 'too many') return unfit(`it has more than ${limits.pages} pages`);
  const octets = await sheets.finish();
  for (const [character, count] of sheets.missing) shop.missing.set(character, (shop.missing.get(character) ?? 0) + count);
  const file = 'text.pdf';
  await writeNew(join(folder, file), octets);
  return printDocument({ file, folder, rows: form.contentRows, foreign: false }, form, press(shop), take);
}

async function printFile(path: string, shop: Workshop, take: Take): Promise<Converted> {
  // Under a name of ours: Ghostscript must not read a stranger's as an option, or as a pipe.
  await link(path, join(shop.folder, 'document'));
  return printDocument({ file: 'document', folder: shop.folder, rows: shop.form.contentRows, foreign: true }, shop.form, press(shop), take);
}

function press({ ghostscript, limits, signal }: Workshop) {
  return { program: ghostscript, limits, signal };
}

async function printByFilter(leaf: Leaf, shop: Workshop, take: Take): Promise<Converted> {
  const { folder, limits, signal, form } = shop;
  const filter = await filterOf(leaf.type, shop.filters);
  if (filter === null) return trouble('the filter is gone');
  const out = join(folder, 'pages');
  await mkdir(out, { mode: 0o700 });
  const ran = await runFenced(filter, [out], { folder, limits, signal, openMemory: true, input: createReadStream(leaf.path), environment: { FAXRES: form.resolution === 'fine' ? 'hi' : 'lo' } });
  const failure = failureOf(ran, 'the filter', limits, signal);
  if (failure !== null) return failure;
  const files = (await readdir(out)).filter(name => !name.startsWith('.')).toSorted();
  let pages = 0;
  for (const name of files) {
    const drawn = await printProduct(join(out, name), `${folder}/${pages}`, shop, take);
    if (drawn.kind !== 'drawn') return drawn;
    pages += drawn.pages;
  }
  return pages === 0 ? unfit('the filter made no page of it') : { kind: 'drawn', pages };
}

/** Courier's filters leave G3; one that leaves PDF or a picture is understood as well. */
async function printProduct(path: string, folder: string, shop: Workshop, take: Take): Promise<Converted> {
  const medium = mediumByOctets(await headOf(path));
  const inner: Workshop = { ...shop, folder };
  if (medium === 'picture') return shop.pictures.print(path, shop.form, shop, take);
  if (medium === 'document') {
    await mkdir(folder, { mode: 0o700 });
    return printFile(path, inner, take);
  }
  const pages = await readG3(path, shop.form.contentRows, shop.kernels);
  if (pages === null) return unfit('the filter left something that is no page');
  for (const page of pages) if (!(await take(page))) return unfit(`it has more than ${shop.limits.pages} pages`);
  return { kind: 'drawn', pages: pages.length };
}

async function printOffice(leaf: Leaf, shop: Workshop, take: Take): Promise<Converted> {
  const { folder, limits, signal } = shop;
  const [program = '', ...words] = shop.office ?? [];
  const file = join(folder, `document.${officeEnding(leaf.type)}`);
  const out = join(folder, 'converted');
  await mkdir(out, { mode: 0o700 });
  await link(leaf.path, file);
  const ran = await runFenced(program, words.map(word => word.replaceAll('{file}', file).replaceAll('{folder}', out)), { folder, limits, signal, openMemory: true });
  const failure = failureOf(ran, 'the converter', limits, signal);
  if (failure !== null) return failure;
  const product = (await readdir(out)).filter(name => !name.startsWith('.')).toSorted()[0];
  return product === undefined ? unfit('the converter made nothing of it') : printProduct(join(out, product), join(folder, 'product'), shop, take);
}

async function filterOf(type: string, folder: string): Promise<string | null> {
  const name = filterName(type);
  if (name === null) return null;
  try {
    await access(join(folder, name), constants.X_OK);
    return join(folder, name);
  } catch {
    return null;
  }
}

const HEAD_OCTETS = 1024;

async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_OCTETS), 0, HEAD_OCTETS, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function writeNew(path: string, octets: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(octets);
  } finally {
    await file.close();
  }
}
