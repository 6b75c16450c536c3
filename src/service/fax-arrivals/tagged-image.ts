/** All pages as one TIFF (RFC 2306, TIFF-F): compression 3, one strip a page, the T.4 octets as they are. */
import { readFile } from 'node:fs/promises';
import type { KeptPage } from './kept-fax.ts';

const HEAD = 8;
const SHORT = 3;
const LONG = 4;
const RATIONAL = 5;
const ENTRY = 12;

export async function* formatTiff(pages: readonly KeptPage[]): AsyncGenerator<Uint8Array> {
  const head = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  head.writeUInt32LE(directoryAt(HEAD, pages[0]!), 4);
  yield head;
  let at = HEAD;
  for (const [index, page] of pages.entries()) {
    const directory = directoryAt(at, page);
    const coded = await readFile(page.file);
    yield coded;
    yield Buffer.alloc(directory - at - coded.length);
    const tags = entries(page, index, pages.length, at, directory);
    const end = directory + tags.length;
    const next = pages[index + 1];
    tags.writeUInt32LE(next === undefined ? 0 : directoryAt(end, next), 2 + COUNT * ENTRY);
    yield tags;
    at = end;
  }
}

const COUNT = 16;

/** On an even octet, behind the page's own. */
function directoryAt(from: number, { sizeOctets }: KeptPage): number {
  return from + sizeOctets + ((from + sizeOctets) % 2);
}

function entries(page: KeptPage, index: number, count: number, strip: number, directory: number): Buffer {
  const rationals = directory + 2 + COUNT * ENTRY + 4;
  const tags: readonly (readonly [tag: number, type: number, count: number, value: number])[] = [
    [254, LONG, 1, 2], // a page of several
    [256, LONG, 1, 1728],
    [257, LONG, 1, page.rows],
    [258, SHORT, 1, 1],
    [259, SHORT, 1, 3], // T.4
    [262, SHORT, 1, 0], // 0 is white
    [266, SHORT, 1, 1], // highest bit first
    [273, LONG, 1, strip],
    [277, SHORT, 1, 1],
    [278, LONG, 1, page.rows],
    [279, LONG, 1, page.sizeOctets],
    [282, RATIONAL, 1, rationals],
    [283, RATIONAL, 1, rationals + 8],
    [292, LONG, 1, 0], // one-dimensional
    [296, SHORT, 1, 2], // inches
    [297, SHORT, 2, index + count * 0x1_0000],
  ];
  const out = Buffer.alloc(2 + COUNT * ENTRY + 4 + 16);
  out.writeUInt16LE(COUNT, 0);
  for (const [at, [tag, type, many, value]] of tags.entries()) {
    const to = 2 + at * ENTRY;
    out.writeUInt16LE(tag, to);
    out.writeUInt16LE(type, to + 2);
    out.writeUInt32LE(many, to + 4);
    out.writeUInt32LE(value, to + 8);
  }
  for (const [at, value] of [204, 1, page.resolution === 'fine' ? 196 : 98, 1].entries()) out.writeUInt32LE(value, 2 + COUNT * ENTRY + 4 + at * 4);
  return out;
}
