/** A message on standard input: its header at once, its body as it comes. Line ends become LF. */
import type { Readable } from 'node:stream';
import { createLfLines } from '../../../grammar/line-ends.ts';

export interface MessageInput {
  /** Latin-1, up to the empty line, which is not in it. */
  readonly header: string;
  /** Whether there was an empty line. */
  readonly hasBody: boolean;
  /** What follows the empty line. To be read once. */
  body(): AsyncIterable<Buffer>;
}

const LONGEST_HEADER = 4 * 1024 * 1024;

export class HeaderTooLong extends Error {}

/** `skipBlank`: empty lines before the first field are passed over. */
export async function readMessageInput(stdin: Readable, skipBlank = false): Promise<MessageInput> {
  const chunks = lfChunks(stdin)[Symbol.asyncIterator]();
  let text = '';
  for (;;) {
    const next = await chunks.next();
    if (next.done !== true) text += next.value.toString('latin1');
    if (skipBlank) text = text.replace(/^\n+/, '');
    const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n') + 1;
    const found = end > 0 || text.startsWith('\n');
    if (!found && next.done !== true) {
      if (text.length > LONGEST_HEADER) throw new HeaderTooLong(`the header is longer than ${LONGEST_HEADER} octets`);
      continue;
    }
    const header = found ? text.slice(0, end) : text;
    const first = Buffer.from(found ? text.slice(end + 1) : '', 'latin1');
    return {
      header, hasBody: found,
      async* body() {
        if (first.length > 0) yield first;
        for (let more = await chunks.next(); more.done !== true; more = await chunks.next()) yield more.value;
      },
    };
  }
}

async function* lfChunks(stdin: Readable): AsyncGenerator<Buffer> {
  const lines = createLfLines();
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    const ready = lines.feed(chunk);
    if (ready.length > 0) yield ready;
  }
  const rest = lines.finish();
  if (rest.length > 0) yield rest;
}

export async function readAll(chunks: AsyncIterable<Buffer>, most: number): Promise<Buffer | null> {
  const held: Buffer[] = [];
  let octets = 0;
  for await (const chunk of chunks) {
    octets += chunk.length;
    if (octets > most) return null;
    held.push(chunk);
  }
  return Buffer.concat(held);
}
