/** A message made into the pages of a fax: cover first, then its parts in order. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaxResolution } from '../../../core/fax.ts';
import type { FaxKernels, MimeKernels } from '../../../core/kernels.ts';
import type { Status } from '../../../core/status.ts';
import type { CoverLine, CoverWords } from '../../../grammar/fax/cover-template.ts';
import type { FaxOptions } from '../../../grammar/fax/fax-address.ts';
import type { HeaderField } from '../../../grammar/mime/field.ts';
import { decodeText, fieldText, readNames } from '../../../grammar/mime/words.ts';
import type { Bitmap } from './bitmap.ts';
import type { Converted, Limits } from './conversion.ts';
import { parseFontPath } from './fonts.ts';
import { takeApart, type Leaf } from './message-parts.ts';
import { createPageStore, type StoredPage } from './page-store.ts';
import { pageForm, type Paper } from './paper.ts';
import { findPrinter, printPart, printText, readText, type Workshop } from './part-printer.ts';
import { orderParts, type Item } from './part-order.ts';
import { createPictures } from './pictures.ts';
import { missingNote } from './text-flow.ts';
import { printStrips, type StripText } from './transmission-line.ts';

/** What the configuration says of pages; asked at each fax. */
export interface PagePlan {
  readonly paper: Paper;
  readonly resolution: FaxResolution;
  readonly cover: readonly CoverLine[];
  readonly stationName: string;
  readonly stationId: string;
  /** Paths, a font of a collection behind `#`. */
  readonly fonts: readonly string[];
  readonly ghostscript: string;
  readonly office?: readonly string[];
  /** Folder of the site's filters. */
  readonly filters: string;
  readonly limits: Limits;
}

export interface PageRequest {
  readonly octets: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly options: FaxOptions;
  readonly number: string;
  /** Pages are left here; it exists, and nothing else is in it. */
  readonly folder: string;
  readonly plan: PagePlan;
}

export type Made =
  | { readonly kind: 'made'; readonly resolution: FaxResolution; readonly pages: readonly StoredPage[]; readonly coverPages: number; readonly notes: readonly string[] }
  /** The message cannot be faxed. */
  | { readonly kind: 'unfit'; readonly status: Status<5>; readonly why: string }
  | { readonly kind: 'trouble'; readonly why: string; readonly cause?: unknown };

export interface StripRequest {
  readonly texts: readonly StripText[];
  readonly resolution: FaxResolution;
  readonly plan: PagePlan;
  /** For the time it takes. */
  readonly folder: string;
}

export interface PageMaker {
  make(request: PageRequest, signal: AbortSignal): Promise<Made>;
  /** The transmission line of each page of a call; or why they cannot be made. */
  strips(request: StripRequest, signal: AbortSignal): Promise<readonly Bitmap[] | string>;
}

export function createPageMaker(kernels: MimeKernels & FaxKernels): PageMaker {
  const pictures = createPictures();
  return {
    strips({ texts, resolution, plan, folder }, signal) {
      return printStrips(texts, pageForm(plan.paper, resolution), plan.fonts.map(parseFontPath), { program: plan.ghostscript, limits: plan.limits, signal }, folder);
    },
    async make(request, signal) {
      const folder = join(request.folder, 'work');
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        return await makeAll(request, { kernels, pictures, signal, folder });
      } catch (cause) {
        return { kind: 'trouble', why: signal.aborted ? 'we are stopping' : 'its pages cannot be made now', cause };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

type Rooms = Pick<Workshop, 'pictures' | 'signal' | 'folder'> & { readonly kernels: MimeKernels & FaxKernels };

async function makeAll({ octets, options, number, folder, plan }: PageRequest, rooms: Rooms): Promise<Made> {
  const taken = await takeApart(octets, rooms.folder, rooms.kernels, rooms.signal);
  // RFC 3463 §3.7: media error, for what is wrong is how the message is put together.
  if (taken.kind === 'malformed') return { kind: 'unfit', status: '5.6.0', why: `The message's MIME structure cannot be read: ${taken.why}` };
  const resolution = options.lowres ? 'normal' : plan.resolution;
  const shop: Workshop = {
    ...rooms, form: pageForm(plan.paper, resolution), fonts: plan.fonts.map(parseFontPath), filters: plan.filters, limits: plan.limits,
    ghostscript: plan.ghostscript, ...(plan.office === undefined ? {} : { office: plan.office }), folder: join(rooms.folder, 'print'), missing: new Map(),
  };
  const printers = new Map<Leaf, Awaited<ReturnType<typeof findPrinter>>>();
  const leaves: Leaf[] = [];
  const gather = (part: typeof taken.root): void => void (part.kind === 'leaf' ? leaves.push(part) : part.children.forEach(gather));
  gather(taken.root);
  for (const leaf of leaves) printers.set(leaf, await findPrinter(leaf, shop));
  const items = orderParts(taken.root, (_, leaf) => {
    const how = printers.get(leaf);
    return how === null || how === undefined ? 'not' : how === 'html' ? 'plainly' : 'well';
  });
  const { text, rest } = await coverText(items, printers);
  const documents = options.cover ? (text === null ? rest.slice(0, 1) : []) : rest;

  const stored: StoredPage[] = [];
  const left: string[] = [];
  const room = (): number => plan.limits.pages - stored.length;
  for (let n = 0; n < documents.length; n++) {
    const item = documents[n] as Item;
    const store = createPageStore(folder, String(n + 1).padStart(4, '0'), () => room() - store.pages.length);
    const add: typeof store.add = page => store.add(page);
    const how = item.kind === 'leaf' ? (printers.get(item.leaf) ?? null) : null;
    if (item.kind === 'leaf' && how === null) {
      if (!options.ignore) return { kind: 'unfit', status: '5.6.1', why: `Nothing here can draw ${named(item.leaf)} on a fax page` };
      left.push(item.leaf.type);
      continue;
    }
    let drawn: Converted;
    if (item.kind === 'leaf') drawn = await printPart(item.leaf, how as NonNullable<typeof how>, shop, add);
    else {
      // Its text stands below its header, on the same page.
      const body = await coverText(documents.slice(n + 1, n + 2), printers);
      drawn = await printForwarded(item.fields, body.text ?? '', shop, add);
      if (body.text !== null) n++;
    }
    const failed = failureFor(drawn, item.kind === 'leaf' ? named(item.leaf) : 'a forwarded message');
    if (failed !== null) return failed;
    stored.push(...store.pages);
  }

  const notes = left.length === 0 ? [] : [`Left out, for nothing here can draw it: ${[...new Set(left)].join(', ')}`];
  const cover = createPageStore(folder, '0000', () => room() - cover.pages.length);
  await mkdir(shop.folder, { mode: 0o700 });
  const words = coverWordsOf(taken.fields, plan, number, stored.length);
  const before = missingNote(shop.missing);
  const drawn = await printText({ lines: plan.cover, words, body: text ?? '', notes: before === null ? notes : [...notes, `In the pages behind: ${before}`] }, shop, page => cover.add(page), missingNote);
  const failed = failureFor(drawn, 'the cover page');
  if (failed !== null) return failed;
  const undrawn = missingNote(shop.missing);
  return { kind: 'made', resolution, pages: [...cover.pages, ...stored], coverPages: cover.pages.length, notes: undrawn === null ? notes : [...notes, undrawn] };
}

/** The first part, when it is text, stands on the cover page (courierfax; HTML is text to us as well). */
async function coverText(items: readonly Item[], printers: ReadonlyMap<Leaf, string | null>): Promise<{ readonly text: string | null; readonly rest: readonly Item[] }> {
  const [first, ...rest] = items;
  if (first?.kind !== 'leaf' || (first.leaf.type !== 'text/plain' && printers.get(first.leaf) !== 'html')) return { text: null, rest: items };
  const text = await readText(first.leaf);
  return text === null ? { text: null, rest: items } : { text, rest };
}

async function printForwarded(fields: readonly HeaderField[], body: string, shop: Workshop, take: Parameters<typeof printText>[2]): Promise<Converted> {
  await mkdir(shop.folder, { mode: 0o700 });
  try {
    const lines: CoverLine[] = [{ kind: 'text', text: 'Forwarded message' }, { kind: 'rule' }];
    for (const word of ['FROM', 'TO', 'DATE', 'SUBJECT'] as const) {
      if (fieldText(fields, word.toLowerCase()) !== '') lines.push({ kind: 'row', label: `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`, text: `%${word}%` });
    }
    return await printText({ lines: [...lines, { kind: 'rule' }], words: coverWordsOf(fields, null, '', 0), body, notes: [] }, shop, take);
  } finally {
    await rm(shop.folder, { recursive: true, force: true });
  }
}

function coverWordsOf(fields: readonly HeaderField[], plan: PagePlan | null, number: string, pages: number): CoverWords {
  // Who has no name but a fax address has its number; the rest of it says nothing to a reader.
  const to = [...readNames(fieldText(fields, 'to')), ...readNames(fieldText(fields, 'cc'))].map(name => name.replace(/@fax[\w-]*$/i, ''));
  return {
    FROM: readNames(fieldText(fields, 'from')).join(', '),
    TO: to.join(to.some(name => name.includes(',')) ? '; ' : ', '),
    SUBJECT: decodeText(fieldText(fields, 'subject')),
    DATE: decodeText(fieldText(fields, 'date')),
    PAGES: String(pages),
    NAME: plan?.stationName ?? '',
    STATION: plan?.stationId ?? '',
    NUMBER: number,
  };
}

function failureFor(drawn: Converted, what: string): Made | null {
  if (drawn.kind === 'drawn') return null;
  if (drawn.kind === 'unfit') return { kind: 'unfit', status: '5.6.1', why: `Cannot draw ${what}: ${drawn.why}` };
  return { kind: 'trouble', why: `${what}: ${drawn.why}`, ...(drawn.cause === undefined ? {} : { cause: drawn.cause }) };
}

function named({ type, name }: Leaf): string {
  const clean = decodeText(name).replaceAll(/[\p{C}"]/gu, '').slice(0, 80);
  return clean === '' ? type : `"${clean}" (${type})`;
}
