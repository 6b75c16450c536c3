/**
 * A message taken apart: its structure as a tree, each leaf decoded into a file of its own. Nothing of a part is kept
 * in memory, and no name that a stranger gave becomes a file's.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Codec, MimeKernels } from '../../../core/kernels.ts';
import type { HeaderField } from '../../../grammar/mime/field.ts';
import { LIMITS, Structure, type Entity, type Malformation, type Walker } from '../../../grammar/mime/structure.ts';

export type Part = Leaf | Multipart;

export interface Leaf {
  readonly kind: 'leaf';
  /** Lower case, `text/plain`. */
  readonly type: string;
  readonly charset: string;
  readonly contentId: string;
  /** As the sender calls it; for people only. */
  readonly name: string;
  readonly path: string;
  octets: number;
}

export interface Multipart {
  readonly kind: 'multipart';
  /** A `message/rfc822` is one with its message as the only child. */
  readonly type: string;
  /** multipart/related's. */
  readonly start: string;
  /** Of a message in the message: its header's fields. */
  fields: readonly HeaderField[];
  readonly children: Part[];
}

export type Taken =
  | { readonly kind: 'taken'; readonly root: Part; readonly fields: readonly HeaderField[] }
  | { readonly kind: 'malformed'; readonly why: Malformation };

export async function takeApart(octets: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, folder: string, kernels: MimeKernels, signal: AbortSignal): Promise<Taken> {
  const walk = new TreeWalk(folder, kernels);
  try {
    const structure = new Structure(walk, LIMITS);
    for await (const piece of octets) {
      signal.throwIfAborted();
      structure.feed(piece);
      if (walk.malformation !== null) break;
    }
    if (walk.malformation === null) structure.finish();
    if (walk.malformation !== null) return { kind: 'malformed', why: walk.malformation };
    const [root] = walk.roots;
    if (root === undefined) throw new Error('a message without a part');
    return { kind: 'taken', root, fields: walk.fields };
  } finally {
    walk.close();
  }
}

class TreeWalk implements Walker {
  readonly roots: Part[] = [];
  fields: readonly HeaderField[] = [];
  malformation: Malformation | null = null;
  readonly #folder: string;
  readonly #kernels: MimeKernels;
  /** The multiparts above what comes next, by depth. */
  readonly #open: { readonly depth: number; readonly part: Multipart }[] = [];
  #leaf: OpenLeaf | null = null;
  /** A signed multipart comes as octets, for they must not be touched; here they only have to be read. */
  #inner: Structure | null = null;
  #innerWalk: TreeWalk | null = null;
  #count: { leaves: number };
  #first = true;

  constructor(folder: string, kernels: MimeKernels, count: { leaves: number } = { leaves: 0 }) {
    this.#folder = folder;
    this.#kernels = kernels;
    this.#count = count;
  }

  entity(entity: Entity): void {
    if (this.#first) this.fields = entity.fields;
    this.#first = false;
    const { depth, kind, contentType } = entity;
    while ((this.#open.at(-1)?.depth ?? 0) >= depth) this.#open.pop();
    const parent = this.#open.at(-1)?.part;
    const children = parent?.children ?? this.roots;
    if (parent?.type.startsWith('message/') === true) parent.fields = entity.fields;
    if (kind === 'leaf') {
      this.#leaf = new OpenLeaf(entity, join(this.#folder, `part-${++this.#count.leaves}`), this.#kernels);
      children.push(this.#leaf.leaf);
      return;
    }
    const part: Multipart = {
      kind: 'multipart', type: contentType?.type ?? 'message/rfc822', start: bare(contentType?.parameters.get('start') ?? ''), children: [], fields: [],
    };
    children.push(part);
    if (kind !== 'signed') {
      this.#open.push({ depth, part });
      return;
    }
    const boundary = contentType?.parameters.get('boundary') ?? '';
    if (boundary === '') {
      this.malformation = 'bad boundary';
      return;
    }
    const inner = new TreeWalk(this.#folder, this.#kernels, this.#count);
    this.#innerWalk = inner;
    this.#inner = new Structure(new SignedWalk(inner, part.children, why => (this.malformation = why)), { ...LIMITS, depth: LIMITS.depth - depth });
    this.#inner.feed(Buffer.from(`Content-Type: multipart/mixed; boundary="${boundary.replaceAll(/["\\]/g, '\\$&')}"\r\n\r\n`));
  }

  body(octets: Buffer): void {
    if (this.#inner !== null) this.#inner.feed(octets);
    else this.#leaf?.feed(octets);
  }

  end(): void {
    this.#inner?.finish();
    this.#inner = null;
    this.#leaf?.finish();
    this.#leaf = null;
  }

  between(): void {
    // Preamble and epilogue are for programs that know no MIME.
  }

  malformed(why: Malformation): void {
    this.malformation = why;
  }

  rest(): void {
    // Said by malformed().
  }

  close(): void {
    this.#innerWalk?.close();
    this.#leaf?.close();
    this.#leaf = null;
  }
}

/** Walks the inside of a signed multipart, and gives its children to the one outside. */
class SignedWalk implements Walker {
  readonly #walk: TreeWalk;
  readonly #children: Part[];
  readonly #malformed: (why: Malformation) => void;

  constructor(walk: TreeWalk, children: Part[], malformed: (why: Malformation) => void) {
    this.#walk = walk;
    this.#children = children;
    this.#malformed = malformed;
  }

  entity(entity: Entity): void {
    this.#walk.entity(entity);
    const [root] = this.#walk.roots;
    if (root?.kind === 'multipart') for (const child of root.children) if (!this.#children.includes(child)) this.#children.push(child);
    if (this.#walk.malformation !== null) this.#malformed(this.#walk.malformation);
  }

  body(octets: Buffer): void {
    this.#walk.body(octets);
  }

  end(): void {
    this.#walk.end();
  }

  between(): void {
    // As outside.
  }

  malformed(why: Malformation): void {
    this.#malformed(why);
  }

  rest(): void {
    // Said by malformed().
  }
}

class OpenLeaf {
  readonly leaf: Leaf;
  readonly #descriptor: number;
  readonly #decoder: Codec | null;
  #closed = false;

  constructor({ contentType, encoding, fields, inDigest }: Entity, path: string, kernels: MimeKernels) {
    const disposition = fields.find(({ name }) => name === 'content-disposition')?.value ?? '';
    this.leaf = {
      kind: 'leaf',
      type: contentType?.type ?? (inDigest ? 'message/rfc822' : 'text/plain'),
      charset: contentType?.parameters.get('charset') ?? '',
      contentId: bare(fields.find(({ name }) => name === 'content-id')?.value ?? ''),
      name: contentType?.parameters.get('name') ?? /;\s*filename\s*=\s*"?([^";]+)/i.exec(disposition)?.[1] ?? '',
      path,
      octets: 0,
    };
    this.#decoder = encoding === 'base64' ? kernels.openBase64Decoder() : encoding === 'quoted-printable' ? kernels.openQuotedPrintableDecoder() : null;
    this.#descriptor = openSync(path, 'wx', 0o600);
  }

  feed(octets: Uint8Array): void {
    this.#write(this.#decoder === null ? octets : this.#decoder.feed(octets));
  }

  finish(): void {
    if (this.#decoder !== null) this.#write(this.#decoder.finish());
    this.close();
  }

  close(): void {
    if (!this.#closed) closeSync(this.#descriptor);
    this.#closed = true;
  }

  #write(octets: Uint8Array): void {
    for (let at = 0; at < octets.length; ) at += writeSync(this.#descriptor, octets, at);
    this.leaf.octets += octets.length;
  }
}

function bare(id: string): string {
  return id.trim().replace(/^<(.*)>$/s, '$1');
}
