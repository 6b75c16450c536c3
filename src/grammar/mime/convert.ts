/**
 * The message converter, 8-to-7-bit and back (RFC 6152 §3, RFC 2045 §6), one pass over the message as it comes.
 *
 * A leaf's header has to be written before its body is known, so the converter looks at no more than LOOK_OCTETS of
 * a body first. A leaf that fits is decided exactly. A longer one is decided by what was seen and by what it is
 * declared to be: towards 7bit, unencoded leaves past the look are encoded (that is right whatever follows);
 * towards 8bit, leaves past the look keep their encoding (a line that is too long could follow).
 * The label of a multipart must cover a signed part in it that stays 8-bit (RFC 2045 §6.4), so its header waits as long:
 * until its end, a signed part with 8-bit octets, or LOOK_OCTETS of what follows it.
 * Header octets outside the changed fields, delimiters and untouched leaves stay as they came.
 */
import type { MimeKernels } from '../../core/kernels.ts';
import { parseToken } from './field.ts';
import { rewriteHeader } from './header.ts';
import type { HeaderChange } from './header.ts';
import { Leaf, LOOK_OCTETS } from './leaf.ts';
import type { Facts } from './leaf.ts';
import { LIMITS, Structure } from './structure.ts';
import type { Entity, Limits, Malformation, Walker } from './structure.ts';

export interface ConversionOptions {
  /** Courier's MIME setting: 7bit and 8bit convert, unset labels what lacks a label, none leaves all alone. */
  readonly to: '7bit' | '8bit' | 'unset' | 'none';
  readonly kernels: MimeKernels;
  readonly limits?: Partial<Limits>;
  /**
   * What happens to malformed MIME. reject: finish() says so, the output is void. wrap: the same, and the caller
   * sends openWrapping() of the original instead. accept: from there on nothing is touched.
   */
  readonly malformed?: 'reject' | 'wrap' | 'accept';
  /** Also malformed then: octets above 127 in a header, or in a body that is not declared 8bit or binary. */
  readonly refuseRaw8bit?: boolean;
  /** It came as BINARYMIME (RFC 3030): towards 7bit, what is not made of lines is encoded as well. */
  readonly binary?: boolean;
  /** For text that says none. */
  readonly defaultCharset?: string;
}

export type Complaint = Malformation | '8-bit header' | 'undeclared 8-bit content';

export interface ConversionResult {
  readonly kind: 'converted' | 'unchanged' | 'rejected' | 'wrap' | 'accepted';
  /** Why it was rejected, wants wrapping, or was accepted from some place on as it is. */
  readonly why?: Complaint;
  readonly parts: number;
  /** Leaves whose encoding was changed. */
  readonly rewritten: number;
  /** What the output still holds: signed parts, malformed ones. Headers are not counted. */
  readonly left: { readonly has8bit: boolean; readonly longLines: boolean };
  readonly header8bit: boolean;
}

export interface Conversion {
  feed(chunk: Uint8Array): Uint8Array[];
  finish(): { readonly output: Uint8Array[]; readonly result: ConversionResult };
}

export const LINE_OCTETS = 998; // RFC 5321 §4.5.3.1.6, CRLF not counted
const QUESTION_MARK = 0x3f;

export function openConversion(options: ConversionOptions): Conversion {
  return new MessageConversion(options);
}

/** A composite's header of which the label is not decided yet. */
interface Waiting {
  readonly entity: Entity;
  readonly change: HeaderChange;
}

class MessageConversion implements Conversion, Walker {
  readonly #options: ConversionOptions;
  readonly #structure: Structure;
  #output: Uint8Array[] = [];
  /** From the first header that waits on. */
  #held: (Uint8Array | Waiting)[] = [];
  #heldOctets = 0;
  #leaf: Leaf | null = null;
  /** By depth. */
  readonly #mime: boolean[] = [];
  #why: Complaint | null = null;
  #parts = 0;
  #rewritten = 0;
  #changed = false;
  #header8bit = false;
  #left: Facts = { has8bit: false, longLines: false };

  constructor(options: ConversionOptions) {
    this.#options = options;
    this.#structure = new Structure(this, { ...LIMITS, ...options.limits });
  }

  feed(chunk: Uint8Array): Uint8Array[] {
    if (this.#refused) return [];
    if (this.#options.to === 'none') return chunk.length === 0 ? [] : [chunk];
    this.#structure.feed(chunk);
    return this.#drain();
  }

  finish(): { readonly output: Uint8Array[]; readonly result: ConversionResult } {
    if (!this.#refused && this.#options.to !== 'none') this.#structure.finish();
    this.#label(() => true, true);
    const output = this.#drain();
    const why = this.#why;
    const kind = why === null ? (this.#changed ? 'converted' : 'unchanged')
      : ({ reject: 'rejected', wrap: 'wrap', accept: 'accepted' } as const)[this.#options.malformed ?? 'reject'];
    return {
      output,
      result: {
        kind, parts: this.#parts, rewritten: this.#rewritten, left: this.#left, header8bit: this.#header8bit,
        ...(why === null ? {} : { why }),
      },
    };
  }

  get #refused(): boolean {
    return this.#why !== null && (this.#options.malformed ?? 'reject') !== 'accept';
  }

  #drain(): Uint8Array[] {
    const output = this.#refused ? [] : this.#output;
    this.#output = [];
    return output;
  }

  entity(entity: Entity): void {
    // Whoever is not above it has ended, and held nothing.
    this.#label(({ depth }) => depth >= entity.depth, true);
    this.#parts++;
    // Mime-Version speaks for its message, not for one attached (RFC 2045 §4).
    const mime = entity.root
      ? entity.fields.some(({ name, value }) => name === 'mime-version' && parseToken(value).startsWith('1.'))
      : this.#mime[entity.depth - 1] === true;
    this.#mime[entity.depth] = mime;
    if (this.#facts(entity.header).has8bit) {
      this.#header8bit = true;
      if (this.#options.refuseRaw8bit) this.#complain('8-bit header');
    }
    if (entity.kind === 'leaf' || entity.kind === 'signed') {
      this.#leaf = new Leaf(entity, { ...this.#options, mime }, (octets) => this.#emit(octets));
    } else this.#push(entity, this.#containerChange(entity));
  }

  body(octets: Buffer): void {
    this.#leaf!.feed(octets);
  }

  end(delimited: boolean): void {
    const { rewritten, changed, facts, undeclared } = this.#leaf!.finish(delimited);
    this.#leaf = null;
    if (rewritten) this.#rewritten++;
    this.#changed ||= changed;
    this.#note(facts);
    if (facts.has8bit) this.#label(() => true, false);
    if (undeclared && this.#options.refuseRaw8bit) this.#complain('undeclared 8-bit content');
  }

  between(octets: Buffer, delimiter: boolean): void {
    if (delimiter || this.#options.to !== '7bit' || !this.#facts(octets).has8bit) {
      this.#emit(octets);
      return;
    }
    // Preamble and epilogue are for nobody's eyes (RFC 2046 §5.1.1), but they travel.
    this.#changed = true;
    this.#emit(Buffer.from(octets.map((octet) => (octet > 127 ? QUESTION_MARK : octet))));
  }

  malformed(why: Malformation): void {
    this.#complain(why);
  }

  rest(octets: Buffer): void {
    const facts = this.#facts(octets);
    this.#note(facts);
    if (facts.has8bit) this.#label(() => true, false);
    this.#emit(octets);
  }

  #facts(octets: Buffer): Facts {
    const survey = this.#options.kernels.openSurvey();
    survey.feed(octets);
    const { has8bit, longestLine } = survey.facts();
    return { has8bit, longLines: longestLine > LINE_OCTETS };
  }

  #complain(why: Complaint): void {
    this.#why ??= why;
  }

  #note(facts: Facts): void {
    this.#left = {
      has8bit: this.#left.has8bit || facts.has8bit, longLines: this.#left.longLines || facts.longLines,
    };
  }

  #emit(octets: Uint8Array): void {
    if (this.#held.length === 0) {
      this.#output.push(octets);
      return;
    }
    this.#held.push(octets);
    this.#heldOctets += octets.length;
    // What has not come by now is taken for what nearly all mail is: without a signed part in 8-bit.
    if (this.#heldOctets > LOOK_OCTETS) this.#label(() => true, true);
  }

  /** Decides the labels of those that wait. */
  #label(which: (entity: Entity) => boolean, anew: boolean): void {
    if (this.#held.length === 0) return;
    for (const [at, one] of this.#held.entries()) {
      if (one instanceof Uint8Array || !which(one.entity)) continue;
      this.#changed ||= anew;
      this.#held[at] = anew ? rewriteHeader(one.entity.header, one.change) : one.entity.header;
    }
    const open = this.#held.findIndex((one) => !(one instanceof Uint8Array));
    const ready = this.#held.splice(0, open < 0 ? this.#held.length : open) as Uint8Array[];
    for (const octets of ready) {
      this.#output.push(octets);
      this.#heldOctets -= octets.length;
    }
    if (open < 0) this.#heldOctets = 0;
  }

  #push(entity: Entity, change: HeaderChange | null): void {
    // Towards 8bit the label says what may be in it, and that is true of anything.
    if (change !== null && this.#options.to === '7bit') {
      this.#held.push({ entity, change });
      return;
    }
    this.#changed ||= change !== null;
    this.#emit(change === null ? entity.header : rewriteHeader(entity.header, change));
  }

  /** A composite's label has to cover what it holds (RFC 2045 §6.4), and must not say more than a peer may take. */
  #containerChange(entity: Entity): HeaderChange | null {
    const { to } = this.#options;
    if (to === '7bit' && (entity.encoding === '8bit' || entity.encoding === 'binary')) {
      return { fields: entity.fields, encoding: '7bit', append: [] };
    }
    if (to === '8bit' && entity.encoding !== '8bit' && entity.encoding !== 'binary') {
      return { fields: entity.fields, encoding: '8bit', append: [] };
    }
    return null;
  }
}

