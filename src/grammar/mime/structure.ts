/**
 * Walks a MIME message as it comes (RFC 2046): headers whole, bodies in slices, never more in memory than one
 * header and a line that may turn out to be a delimiter.
 *
 *   header ──▶ leaf ─────────────┐
 *      ▲ ├──▶ message ──▶ header │ delimiter of any open multipart
 *      │ └──▶ preamble ──────────┤
 *      └──────── --boundary ◀────┘──▶ --boundary-- ──▶ epilogue
 */
import { parseContentType, parseFields, parseToken } from './field.ts';
import type { ContentType, HeaderField } from './field.ts';

export interface Limits {
  /** Levels of nesting (courier: 20) and entities in all (courier: 300). */
  readonly depth: number;
  readonly parts: number;
  readonly headerOctets: number;
}

export const LIMITS: Limits = { depth: 20, parts: 300, headerOctets: 1_048_576 };

export type Malformation =
  | 'too deep' | 'too many parts' | 'header too long' | 'duplicate field' | 'unknown encoding' | 'bad boundary';

export interface Entity {
  /** With the empty line, when there is one. */
  readonly header: Buffer;
  readonly fields: readonly HeaderField[];
  /** Signed: its octets are what the signature covers (RFC 1847 §2.1), so nothing in it is an entity of ours. */
  readonly kind: 'leaf' | 'multipart' | 'message' | 'signed';
  readonly contentType: ContentType | null;
  /** Content-Transfer-Encoding, lower case; empty when there is none. */
  readonly encoding: string;
  readonly depth: number;
  /** A message of its own: the whole, or what a message/rfc822 holds. */
  readonly root: boolean;
  /** In a multipart/digest an absent Content-Type means message/rfc822 (RFC 2046 §5.1.5). */
  readonly inDigest: boolean;
}

export interface Walker {
  entity(entity: Entity): void;
  /** Octets of the leaf (or the signed multipart) begun last. */
  body(octets: Buffer): void;
  /** `delimited`: the CRLF of a delimiter follows, which is no part of the body. */
  end(delimited: boolean): void;
  /** Preamble, delimiters, epilogue. */
  between(octets: Buffer, delimiter: boolean): void;
  /** From `rest` on the walk goes no further: what comes is given to rest() as it is. */
  malformed(why: Malformation): void;
  rest(octets: Buffer): void;
}

interface Frame {
  readonly boundary: string;
  readonly digest: boolean;
  readonly depth: number;
}

const LINE_DASHES = Buffer.from('\r\n--');
const HEADER_END = Buffer.from('\r\n\r\n');
const LINE_OCTETS = 998; // RFC 5322 §2.1.1; a longer line is no delimiter
const ENCODINGS = new Set(['', '7bit', '8bit', 'binary', 'quoted-printable', 'base64']);

export class Structure {
  readonly #walker: Walker;
  readonly #limits: Limits;
  readonly #frames: Frame[] = [];
  #mode: 'header' | 'body' | 'between' | 'rest' = 'header';
  #held: Buffer = Buffer.alloc(0);
  /** The next octet begins a line. */
  #lineStart = true;
  #depth = 1;
  #inDigest = false;
  #root = true;
  #parts = 0;

  constructor(walker: Walker, limits: Limits) {
    this.#walker = walker;
    this.#limits = limits;
  }

  feed(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#take(this.#held.length === 0 ? octets : Buffer.concat([this.#held, octets]), false);
  }

  finish(): void {
    this.#take(this.#held, true);
    if (this.#mode === 'header') this.#begin(this.#held);
    if (this.#mode === 'body') this.#walker.end(false);
  }

  #take(octets: Buffer, last: boolean): void {
    let at = 0;
    while (at < octets.length) {
      if (this.#mode === 'rest') {
        this.#walker.rest(octets.subarray(at));
        this.#held = NOTHING;
        return;
      }
      const next = this.#mode === 'header' ? this.#takeHeader(octets, at, last) : this.#takeBody(octets, at, last);
      if (next < 0) {
        // Kept as a copy: a slice would keep the whole chunk alive.
        this.#held = Buffer.from(octets.subarray(at + ~next));
        return;
      }
      at = next;
    }
    this.#held = NOTHING;
  }

  /** The offset behind what was taken, or ~n: from n octets on, more is needed. */
  #takeHeader(octets: Buffer, at: number, last: boolean): number {
    const empty = octets[at] === 0x0d && octets[at + 1] === 0x0a;
    const blank = octets.indexOf(HEADER_END, at);
    const bodyAt = empty ? at + 2 : blank < 0 ? -1 : blank + HEADER_END.length;
    // QUIRK: a part whose header is cut short by a delimiter has no body; some generators write it so.
    const limit = bodyAt < 0 ? octets.length : bodyAt - 2;
    const delimiter = this.#frames.length > 0 ? this.#delimiter(octets, at, limit, last) : null;
    if (delimiter !== null && delimiter.end > 0) {
      const start = delimiter.start === at ? at : delimiter.start + 2;
      this.#begin(octets.subarray(at, start));
      if (this.#is('rest')) return start;
      if (this.#is('body')) this.#walker.end(true);
      return this.#pass(octets, { ...delimiter, start });
    }
    if (bodyAt >= 0) {
      this.#begin(octets.subarray(at, bodyAt));
      return bodyAt;
    }
    if (octets.length - at > this.#limits.headerOctets) {
      this.#mode = 'rest';
      this.#walker.malformed('header too long');
      return at;
    }
    if (!last) return ~0;
    this.#begin(octets.subarray(at));
    return octets.length;
  }

  #takeBody(octets: Buffer, at: number, last: boolean): number {
    if (this.#frames.length === 0) {
      this.#give(octets.subarray(at));
      return octets.length;
    }
    const found = this.#delimiter(octets, at, octets.length, last);
    if (found === null) {
      const keep = last ? 0 : openEnd(octets, at);
      this.#give(octets.subarray(at, octets.length - keep));
      return keep === 0 ? octets.length : ~(octets.length - keep - at);
    }
    this.#give(octets.subarray(at, found.start));
    if (found.end === 0) return ~(found.start - at);
    if (this.#mode === 'body') this.#walker.end(true);
    return this.#pass(octets, found);
  }

  /** begin() changes the mode behind the type checker's back. */
  #is(mode: 'body' | 'rest'): boolean {
    return this.#mode === mode;
  }

  #give(octets: Buffer): void {
    if (octets.length === 0) return;
    this.#lineStart = false;
    if (this.#mode === 'body') this.#walker.body(octets);
    else this.#walker.between(octets, false);
  }

  /** The first delimiter line that begins in [at, limit); `end` is 0 while its line is not whole. */
  #delimiter(octets: Buffer, at: number, limit: number, last: boolean): Delimiter | null {
    const open = (start: number): Delimiter => ({ start: Math.max(start, at), end: 0, frame: 0, closes: false });
    let start = octets.indexOf(LINE_DASHES, at);
    if (start < 0) start = at - 3;
    if (this.#lineStart && octets[at] === 0x2d) {
      if (octets[at + 1] === 0x2d) start = at - 2; // its CRLF ended the line before
      else if (octets.length - at === 1 && !last) return open(at);
    }
    while (start >= at - 2 && start < limit) {
      const text = start + 4;
      const cr = octets.indexOf('\r\n', text);
      const line = octets.toString('latin1', text, Math.min(cr < 0 ? octets.length : cr, text + LINE_OCTETS));
      if (cr < 0 && !last) {
        if (line.length < LINE_OCTETS && this.#couldMatch(line)) return open(start);
      } else if (line.length < LINE_OCTETS) {
        // From the innermost out: the delimiter of an outer multipart ends all within (RFC 2046 §5.1.2).
        for (let frame = this.#frames.length - 1; frame >= 0; frame--) {
          const { boundary } = this.#frames[frame]!;
          const tail = line.startsWith(boundary) ? /^(--)?[ \t]*$/.exec(line.slice(boundary.length)) : null;
          if (tail !== null) {
            const end = cr < 0 ? octets.length : cr + 2;
            return { start: Math.max(start, at), end, frame, closes: tail[1] !== undefined };
          }
        }
      }
      start = octets.indexOf(LINE_DASHES, text - 2);
      if (start < 0) return null;
    }
    return null;
  }

  #couldMatch(line: string): boolean {
    const open = line.trimEnd();
    return this.#frames.some(({ boundary }) => boundary.startsWith(line)
      || (open.startsWith(boundary) && /^-{0,2}\s*$/.test(line.slice(boundary.length).replace(/\r$/, ''))));
  }

  /** Closes what lies inside the delimiter's multipart, and goes on behind the delimiter. */
  #pass(octets: Buffer, { start, end, frame, closes }: Delimiter): number {
    const { depth, digest } = this.#frames[frame]!;
    this.#frames.length = closes ? frame : frame + 1;
    this.#walker.between(octets.subarray(start, end), true);
    this.#mode = closes ? 'between' : 'header';
    this.#depth = depth + 1;
    this.#inDigest = digest;
    this.#root = false;
    this.#lineStart = true;
    return end;
  }

  #begin(header: Buffer): void {
    const fields = parseFields(header);
    const typeField = fields.find(({ name }) => name === 'content-type');
    const contentType = typeField === undefined ? null : parseContentType(typeField.value);
    const encodingField = fields.find(({ name }) => name === 'content-transfer-encoding');
    const encoding = encodingField === undefined ? '' : parseToken(encodingField.value);
    const why = this.#judge(fields, contentType, encoding);
    if (why !== null) {
      this.#mode = 'rest';
      this.#walker.malformed(why);
      this.#walker.rest(header);
      return;
    }
    const kind = kindOf(contentType, encoding, this.#inDigest);
    const boundary = contentType?.parameters.get('boundary') ?? '';
    const depth = this.#depth;
    const root = this.#root;
    this.#root = kind === 'message';
    this.#lineStart = true;
    this.#mode = kind === 'multipart' ? 'between' : kind === 'message' ? 'header' : 'body';
    if (kind === 'multipart') {
      this.#frames.push({ boundary, digest: contentType?.type === 'multipart/digest', depth });
    }
    this.#walker.entity({ header, fields, kind, contentType, encoding, depth, root, inDigest: this.#inDigest });
    this.#inDigest = false;
    if (kind === 'message') this.#depth = depth + 1;
  }

  #judge(fields: readonly HeaderField[], contentType: ContentType | null, encoding: string): Malformation | null {
    if (++this.#parts > this.#limits.parts) return 'too many parts';
    if (this.#depth > this.#limits.depth) return 'too deep';
    for (const once of ['content-type', 'content-transfer-encoding']) {
      if (fields.filter(({ name }) => name === once).length > 1) return 'duplicate field';
    }
    if (!ENCODINGS.has(encoding)) return 'unknown encoding';
    if (contentType?.type.startsWith('multipart/') !== true) return null;
    const boundary = contentType.parameters.get('boundary') ?? '';
    // One that begins another cannot be told from it while its line is being read.
    const clash = this.#frames.some((open) => open.boundary.startsWith(boundary) || boundary.startsWith(open.boundary));
    return boundary === '' || clash ? 'bad boundary' : null;
  }
}

interface Delimiter {
  readonly start: number;
  readonly end: number;
  readonly frame: number;
  readonly closes: boolean;
}

const NOTHING = Buffer.alloc(0);

/** How many octets at the end may begin CR LF - -. */
function openEnd(octets: Buffer, at: number): number {
  for (let n = Math.min(3, octets.length - at); n > 0; n--) {
    if (LINE_DASHES.compare(octets, octets.length - n, octets.length, 0, n) === 0) return n;
  }
  return 0;
}

function kindOf(contentType: ContentType | null, encoding: string, inDigest: boolean): Entity['kind'] {
  const type = contentType?.type ?? (inDigest ? 'message/rfc822' : 'text/plain');
  const identity = encoding !== 'quoted-printable' && encoding !== 'base64';
  if (type === 'multipart/signed') return 'signed';
  // RFC 2045 §6.4 forbids an encoding on composite types; one that has it all the same is a leaf to us.
  if (type.startsWith('multipart/')) return identity ? 'multipart' : 'leaf';
  return (type === 'message/rfc822' || type === 'message/global') && identity ? 'message' : 'leaf';
}
