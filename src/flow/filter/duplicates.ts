/**
 * dupfilter: refuses content that comes again and again, and calls the earlier copies back from the queue. Only letters of
 * the Subject and of the body's lines count, so that numbers and punctuation put in to differ do not; two hashes, one
 * without the first lines and one without the last, so that other words only there do not either.
 */
import { createHash, type Hash } from 'node:crypto';
import type { MessageId } from '../../core/envelope.ts';
import type { Filter, Inspected } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';

export interface DuplicatesOptions {
  /** How many hashes are remembered, oldest forgotten first. */
  readonly hashes: number;
  /** Which repetition is refused. */
  readonly level: number;
  cancel(ids: readonly MessageId[], reason: string): Promise<void>;
}

/** Lines that a hash leaves out at its end, and below how many the whole message counts instead. */
const MARGIN_LINES = 5;
const SHORT_LINES = 20;
const LINE_LETTERS = 1000;
const REFUSED = refuse('duplicate');

export function createDuplicates({ hashes, level, cancel }: DuplicatesOptions): Filter {
  const top = createMemory(hashes);
  const bottom = createMemory(hashes);
  return {
    name: 'dupfilter',
    whenAbsent: 'pass',
    async inspect(message) {
      const found = await hashContent(message);
      // Nothing but numbers, or an empty mail: everybody's are alike.
      if (found === null) return { kind: 'looked', verdicts: new Map(), addFields: [] };
      const earlier = new Set<MessageId>();
      let refused = false;
      for (const [memory, hash] of [[top, found.top], [bottom, found.bottom]] as const) {
        const same = memory.see(hash, message.id);
        if (same.length + 1 < level) continue;
        refused = true;
        for (const id of same) earlier.add(id);
      }
      if (!refused) return { kind: 'looked', verdicts: new Map(), addFields: [] };
      await cancel([...earlier], 'Message cancelled as a duplicate.');
      return { kind: 'looked', verdicts: new Map([...message.recipients.keys()].map(id => [id, REFUSED])), addFields: [] };
    },
  };
}

interface Memory {
  /** Remembers; answers who had it before. */
  see(hash: string, id: MessageId): readonly MessageId[];
}

function createMemory(most: number): Memory {
  const order: { readonly hash: string; readonly id: MessageId }[] = [];
  const byHash = new Map<string, MessageId[]>();
  let oldest = 0;
  return {
    see(hash, id) {
      const ids = byHash.get(hash) ?? [];
      const before = [...ids];
      byHash.set(hash, [...ids, id]);
      const gone = order[oldest];
      order[oldest] = { hash, id };
      oldest = (oldest + 1) % most;
      if (gone !== undefined) {
        const left = byHash.get(gone.hash)?.slice(1) ?? [];
        if (left.length === 0) byHash.delete(gone.hash);
        else byHash.set(gone.hash, left);
      }
      return before;
    },
  };
}

async function hashContent(message: Inspected): Promise<{ readonly top: string; readonly bottom: string } | null> {
  const hashes = { whole: createHash('sha256'), top: createHash('sha256'), bottom: createHash('sha256') };
  /** The last lines, not yet in `top`. */
  let held: string[] = [];
  let lines = 0;
  const line = (letters: string) => {
    if (letters === '') return;
    put(hashes.whole, letters);
    if (lines++ >= MARGIN_LINES) put(hashes.bottom, letters);
    held.push(letters);
    if (held.length > MARGIN_LINES) put(hashes.top, held.shift() as string);
  };
  let inHeader = true;
  let subject: string | null = null;
  for await (const text of linesOf(message.content())) {
    if (!inHeader) line(lettersOf(text));
    else if (/^[ \t]/.test(text) && text.trim() !== '') subject = subject === null ? null : subject + lettersOf(text);
    else {
      if (subject !== null) line(subject);
      subject = /^subject[ \t]*:/i.test(text) ? lettersOf(text.slice(text.indexOf(':'))) : null;
      inHeader = text !== '';
    }
  }
  if (subject !== null && inHeader) line(subject);
  held = [];
  if (lines === 0) return null;
  if (lines < SHORT_LINES) {
    const whole = hashes.whole.digest('base64');
    return { top: whole, bottom: whole };
  }
  return { top: hashes.top.digest('base64'), bottom: hashes.bottom.digest('base64') };
}

function put(hash: Hash, letters: string): void {
  hash.update(letters).update('\n');
}

function lettersOf(text: string): string {
  return text.replaceAll(/[^a-zA-Z]+/g, '').slice(0, LINE_LETTERS).toLowerCase();
}

/** Without line ends; what is longer than a line may be comes in pieces, each a line. */
async function* linesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of content) {
    rest += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield text.endsWith('\r') ? text.slice(0, -1) : text;
    if (rest.length > LONG_LINE) {
      yield rest;
      rest = '';
    }
  }
  if (rest !== '') yield rest;
}

const LONG_LINE = 65_536;
