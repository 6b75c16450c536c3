/**
 * The message under a recipe: octets with LF line ends, in memory while it is small, else in a file without a name.
 * Searchable lines are made when the first pattern asks, and kept for a small message.
 */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SearchText, type Line } from '../../grammar/maildrop/search-text.ts';
import { createLfLines } from '../../grammar/line-ends.ts';
import type { View } from './world.ts';

/** A larger message lies in a file; patterns read it in pieces. */
export const IN_MEMORY_OCTETS = 4 * 1024 * 1024;
const CHUNK_OCTETS = 256 * 1024;
const LONGEST_HEADER = 1_048_576;
/** A filter that never ends must not fill the disk. */
const MOST_OCTETS = 512 * 1024 * 1024;

export class TooLarge extends Error {}

export interface Message extends View {
  /** With the line end that the last line may have lacked. */
  readonly contentOctets: number;
  /** As it would be delivered. */
  content(): readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  /** The first line of a field's value, as it is written; '' when there is none. */
  firstLine(name: string): string;
  /** For a program's standard input: octets, or a file to be read from its beginning. */
  input(): { readonly octets: Buffer } | { readonly file: FileHandle };
  close(): Promise<void>;
}

/** `fields`: lines to stand before it. Lines are counted without them. */
export async function openMessage(fields: readonly string[], content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Message> {
  const lines = createLfLines();
  const before = Buffer.from(fields.map(field => `${field}\n`).join(''), 'latin1');
  let held: Buffer[] = [before];
  let size = before.length;
  let lineCount = 0;
  let last = 0x0a;
  let file: FileHandle | null = null;
  let header = '';
  let unended = 0;
  try {
    const take = async (piece: Buffer): Promise<void> => {
      if (piece.length === 0) return;
      for (let at = piece.indexOf(0x0a); at >= 0; at = piece.indexOf(0x0a, at + 1)) lineCount++;
      last = piece[piece.length - 1]!;
      size += piece.length;
      if (size > MOST_OCTETS) throw new TooLarge(`more than ${MOST_OCTETS} octets`);
      if (file === null && size > IN_MEMORY_OCTETS) {
        header = Buffer.concat(held).toString('latin1', 0, LONGEST_HEADER);
        file = await openNameless();
        await file.writev(held);
        held = [];
      }
      if (file === null) held.push(piece);
      else await file.write(piece);
    };
    for await (const piece of content) await take(lines.feed(piece));
    await take(lines.finish());
    // A line without its end gets one, and is not counted; mailboxes want it so.
    if (last !== 0x0a) {
      await take(Buffer.from('\n'));
      lineCount--;
      unended = 1;
    }
  } catch (error) {
    await (file as FileHandle | null)?.close();
    throw error;
  }
  return file === null ? inMemory(Buffer.concat(held), lineCount, unended) : inFile(file, header, size, lineCount, unended);
}

function inMemory(octets: Buffer, lines: number, unended: number): Message {
  const text = octets.toString('latin1');
  const top = createTop(text);
  let all: readonly Line[] | null = null;
  return {
    sizeOctets: octets.length - unended, contentOctets: octets.length, lines,
    fields: names => top.fields(names),
    firstLine: name => top.firstLine(name),
    batch(index, wanted) {
      if (index > 0) return null;
      if (wanted === 'top' || (wanted === 'header' && !top.hasParts())) return top.lines();
      return (all ??= searchAll(text));
    },
    content: () => [octets],
    input: () => ({ octets }),
    close: () => Promise.resolve(),
  };
}

function searchAll(text: string): readonly Line[] {
  const search = new SearchText();
  return [...search.feed(text), ...search.finish()];
}

function inFile(file: FileHandle, header: string, contentOctets: number, lines: number, unended: number): Message {
  const top = createTop(header);
  let reading: { index: number; at: number; search: SearchText } | null = null;
  return {
    sizeOctets: contentOctets - unended, contentOctets, lines,
    fields: names => top.fields(names),
    firstLine: name => top.firstLine(name),
    batch(index, wanted) {
      if (wanted === 'top' || (wanted === 'header' && !top.hasParts())) return index > 0 ? null : top.lines();
      return next(index);
    },
    content: () => readFrom(file),
    input: () => ({ file }),
    close: () => file.close(),
  };

  async function next(index: number): Promise<readonly Line[] | null> {
    // Patterns read from the beginning, batch by batch.
    if (index === 0 || reading === null || reading.index !== index) reading = { index: 0, at: 0, search: new SearchText() };
    for (;;) {
      if (reading.at < 0) return null;
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_OCTETS), 0, CHUNK_OCTETS, reading.at);
      const found = bytesRead === 0 ? reading.search.finish() : reading.search.feed(buffer.toString('latin1', 0, bytesRead));
      reading.at = bytesRead === 0 ? -1 : reading.at + bytesRead;
      if (found.length === 0 && bytesRead > 0) continue;
      reading.index++;
      return found;
    }
  }
}

async function* readFrom(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0; ;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_OCTETS), 0, CHUNK_OCTETS, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

interface Top {
  lines(): readonly Line[];
  hasParts(): boolean;
  fields(names: ReadonlySet<string>): readonly string[];
  firstLine(name: string): string;
}

/** The message's own header. */
function createTop(text: string): Top {
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n');
  const header = text.slice(0, end < 0 ? LONGEST_HEADER : Math.min(end + 1, LONGEST_HEADER));
  let lines: readonly Line[] | null = null;
  let parts: boolean | null = null;
  const raw = (): string[] => header.replaceAll(/\n(?=[ \t])/g, ' ').split('\n');
  const fields = (names: ReadonlySet<string>): readonly string[] => raw().flatMap(field => {
    const colon = field.indexOf(':');
    return colon > 0 && names.has(field.slice(0, colon).trimEnd().toLowerCase()) ? [field.slice(colon + 1).trim()] : [];
  });
  return {
    lines() {
      if (lines !== null) return lines;
      const search = new SearchText();
      // The empty line behind it keeps the header's end from being searched for texts.
      return (lines = [...search.feed(`${header}\n`), ...search.finish()].filter(one => one.where === 'top'));
    },
    hasParts: () => (parts ??= fields(new Set(['content-type'])).some(value => /^\s*(?:multipart|message)\b/i.test(value) || value.includes('('))),
    fields,
    firstLine(name) {
      for (const line of header.split('\n')) {
        const colon = line.indexOf(':');
        if (colon > 0 && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
      }
      return '';
    },
  };
}

/** A file that is gone with the last who holds it. */
async function openNameless(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-'));
  try {
    return await open(join(folder, 'message'), 'wx+', 0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
