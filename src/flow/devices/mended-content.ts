/**
 * A device's message on its way to the intake: its header is put right, and letters beyond ASCII get a charset. Only what
 * says nothing of its body is held back, and no more of it than is needed to guess; everything else passes as it comes.
 */
import type { ContentFacts } from '../../core/content.ts';
import type { ContentWriter, Queued } from '../../core/intake.ts';
import type { Kernels, Scan } from '../../core/kernels.ts';
import type { Refusal } from '../../core/status.ts';
import { parseFields } from '../../grammar/mime/field.ts';
import { describesBody, hasHeader, mendHeader, type HeaderWishes } from '../../grammar/mime/mended-header.ts';

export type ContentWishes = Omit<HeaderWishes, 'bodyCharset'>;

/** A header longer than this is none that a device writes; the intake has a limit of its own. */
const HEADER_OCTETS = 256 * 1024;
/** Of a body without Content-Type: enough to know its charset by. */
const GUESSED_OCTETS = 64 * 1024;
const HEADER_END = Buffer.from('\r\n\r\n');
const EMPTY_LINE = Buffer.from('\r\n');

export class MendedContent implements ContentWriter {
  readonly kind = 'writer';
  readonly #to: ContentWriter;
  readonly #kernels: Pick<Kernels, 'openScan'>;
  readonly #wishes: ContentWishes;
  #held: Uint8Array[] = [];
  #decided = false;
  /** Of a message that was changed: its facts are not those of what came in. */
  #scan: Scan | null = null;

  constructor(to: ContentWriter, kernels: Pick<Kernels, 'openScan'>, wishes: ContentWishes) {
    this.#to = to;
    this.#kernels = kernels;
    this.#wishes = wishes;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#decided) return this.#pass(chunk);
    this.#held.push(chunk);
    return this.#decide(false);
  }

  async end(facts: ContentFacts): Promise<Queued | Refusal> {
    if (!this.#decided) await this.#decide(true);
    const scan = this.#scan;
    this.#scan = null;
    return this.#to.end(scan === null ? facts : scan.facts());
  }

  /** Whatever was begun is given back; harmless afterwards. */
  close(): void {
    this.#scan?.facts();
    this.#scan = null;
    this.#held = [];
    this.#decided = true;
  }

  #pass(chunk: Uint8Array): Promise<void> | undefined {
    if (chunk.length === 0) return undefined;
    this.#scan?.feed(chunk);
    return this.#to.write(chunk);
  }

  #decide(whole: boolean): Promise<void> | undefined {
    const content = this.#held.length === 1 ? asBuffer(this.#held[0] as Uint8Array) : Buffer.concat(this.#held);
    this.#held = [content];
    const bodyAt = bodyStart(content);
    if (bodyAt < 0 && !whole && content.length < HEADER_OCTETS) return undefined;
    // Not a header at all, or one without an end.
    const headerEnd = bodyAt < 0 ? content.length : bodyAt;
    const header = headerOf(content, headerEnd);
    const fields = parseFields(header);
    if (!hasHeader(fields)) {
      if (!whole && content.length < GUESSED_OCTETS) return undefined;
      const text = header.length === 0 && bodyAt === EMPTY_LINE.length ? content.subarray(bodyAt) : content;
      return this.#begin(mendHeader(Buffer.alloc(0), [], { ...this.#wishes, bodyCharset: this.#charsetOf(text, whole) }), text);
    }
    const body = content.subarray(headerEnd);
    const silent = !describesBody(fields);
    if (silent && !whole && body.length < GUESSED_OCTETS) return undefined;
    const mended = mendHeader(header, fields, { ...this.#wishes, bodyCharset: silent ? this.#charsetOf(body, whole) : null });
    return mended === null ? this.#begin(null, content) : this.#begin(mended, body);
  }

  /** `mended`: what stands before `rest`; null: `rest` is the message as it came. */
  #begin(mended: Buffer | null, rest: Buffer): Promise<void> | undefined {
    this.#decided = true;
    this.#held = [];
    if (mended === null) return this.#pass(rest);
    this.#scan = this.#kernels.openScan();
    return this.#pass(Buffer.concat([mended, EMPTY_LINE, rest]));
  }

  /** Null: ASCII, as far as was looked. */
  #charsetOf(body: Buffer, whole: boolean): string | null {
    if (!whole && body.length >= GUESSED_OCTETS && isPlain(body)) return 'utf-8';
    if (isPlain(body)) return null;
    try {
      // A character that the border of what was seen cuts is not wrong yet.
      new TextDecoder('utf-8', { fatal: true }).decode(body, { stream: !whole });
      return 'utf-8';
    } catch {
      return this.#wishes.charset;
    }
  }
}

function isPlain(octets: Buffer): boolean {
  return octets.every(octet => octet < 0x80);
}

function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}

/** Offset behind the empty line; -1: not seen. */
function bodyStart(content: Buffer): number {
  if (content.subarray(0, 2).equals(EMPTY_LINE)) return 2;
  const at = content.indexOf(HEADER_END);
  return at < 0 ? -1 : at + HEADER_END.length;
}

/** Without its empty line. */
function headerOf(content: Buffer, headerEnd: number): Buffer {
  if (content.subarray(0, headerEnd).equals(EMPTY_LINE)) return content.subarray(0, 0);
  const ends = content.subarray(Math.max(0, headerEnd - HEADER_END.length), headerEnd).equals(HEADER_END);
  return content.subarray(0, ends ? headerEnd - EMPTY_LINE.length : headerEnd);
}
