/** One leaf on its way through the converter: looked at, decided, then streamed through at most two codecs. */
import type { Codec, MimeKernels } from '../../core/kernels.ts';
import { autoconverted, rewriteHeader } from './header.ts';
import type { HeaderChange } from './header.ts';
import type { Entity } from './structure.ts';

/** What the converter looks at, and so keeps in memory, before it writes a leaf's header. */
export const LOOK_OCTETS = 262_144;
const LINE_OCTETS = 998; // RFC 2045 §2.8
const SHORT_OCTETS = 57;

export interface Facts {
  readonly has8bit: boolean;
  readonly longLines: boolean;
}

export interface LeafOptions {
  readonly to: '7bit' | '8bit' | 'unset' | 'none';
  readonly kernels: MimeKernels;
  readonly defaultCharset?: string;
  readonly binary?: boolean;
  /** The message says Mime-Version 1.x, so that labels may be put where they are missing. */
  readonly mime: boolean;
}

export interface LeafResult {
  readonly rewritten: boolean;
  readonly changed: boolean;
  /** What the output still holds. */
  readonly facts: Facts;
  /** Octets above 127 in a body declared (or by default) 7bit. */
  readonly undeclared: boolean;
}

/** What is done to the body: nothing, or decoded and encoded anew. */
interface Plan {
  readonly change: HeaderChange | null;
  readonly encoding: string;
  readonly recode: boolean;
}

const CRLF = Buffer.from('\r\n');

export class Leaf {
  readonly #entity: Entity;
  readonly #options: LeafOptions;
  readonly #push: (octets: Uint8Array) => void;
  readonly #look: Uint8Array[] = [];
  #looked = 0;
  #plan: Plan | null = null;
  #decoder: Codec | null = null;
  #encoder: Codec | null = null;
  /** Between two codecs: what the first gives is gone when the next piece comes. */
  #between: Uint8Array | null = null;
  #has8bit = false;
  #survey: ReturnType<MimeKernels['openSurvey']> | null = null;

  constructor(entity: Entity, options: LeafOptions, push: (octets: Uint8Array) => void) {
    this.#entity = entity;
    this.#options = options;
    this.#push = push;
  }

  feed(octets: Uint8Array): void {
    if (this.#plan !== null) {
      this.#through(octets);
      return;
    }
    this.#look.push(octets);
    this.#looked += octets.length;
    if (this.#looked >= LOOK_OCTETS || this.#entity.kind === 'signed') this.#decide(false);
  }

  finish(delimited: boolean): LeafResult {
    if (this.#plan === null) this.#decide(true);
    const plan = this.#plan!;
    if (this.#decoder !== null) this.#encode(this.#decoder.finish());
    if (this.#encoder !== null) this.#give(this.#encoder.finish());
    // The encoder ends its last line only where a delimiter's CRLF does not.
    if (plan.recode && plan.encoding === 'base64' && !delimited) this.#push(CRLF);
    const facts = this.#survey?.facts();
    const left = { has8bit: facts?.has8bit ?? false, longLines: (facts?.longestLine ?? 0) > LINE_OCTETS };
    return {
      rewritten: plan.recode,
      changed: plan.recode || plan.change !== null,
      facts: left,
      undeclared: (this.#has8bit || (left.has8bit && !plan.recode)) && !['8bit', 'binary'].includes(this.#entity.encoding),
    };
  }

  #decide(whole: boolean): void {
    const { kernels } = this.#options;
    const plan = this.#makePlan(whole);
    this.#plan = plan;
    const { header } = this.#entity;
    this.#push(plan.change === null ? header : rewriteHeader(header, plan.change));
    if (plan.recode) {
      if (this.#entity.encoding === 'quoted-printable') this.#decoder = kernels.openQuotedPrintableDecoder();
      else if (this.#entity.encoding === 'base64') this.#decoder = kernels.openBase64Decoder();
      if (plan.encoding === 'quoted-printable') this.#encoder = kernels.openQuotedPrintable();
      else if (plan.encoding === 'base64') this.#encoder = kernels.openBase64();
    }
    if (this.#decoder !== null && this.#encoder !== null) this.#between = Buffer.allocUnsafe(longest(this.#look));
    // What leaves unencoded is watched, so that the result tells what the output holds.
    if (this.#encoder === null) this.#survey = kernels.openSurvey();
    for (const octets of this.#look) this.#through(octets);
    this.#look.length = 0;
  }

  #through(octets: Uint8Array): void {
    if (this.#decoder === null) this.#encode(octets);
    else this.#encode(this.#decoder.feed(octets, this.#between ?? undefined));
  }

  #encode(octets: Uint8Array): void {
    if (octets.length > 0) this.#give(this.#encoder === null ? octets : this.#encoder.feed(octets));
  }

  #give(octets: Uint8Array): void {
    if (octets.length === 0) return;
    this.#survey?.feed(octets);
    this.#push(octets);
  }

  #makePlan(whole: boolean): Plan {
    const { encoding, kind, fields } = this.#entity;
    const { to } = this.#options;
    const untouched: Plan = { change: null, encoding, recode: false };
    if (kind === 'signed') return untouched;
    const survey = this.#options.kernels.openSurvey();
    for (const octets of this.#look) survey.feed(octets);
    const { has8bit, longestLine, hasNul, bareCr, bareLf } = survey.facts();
    this.#has8bit = has8bit;
    const identity = encoding !== 'quoted-printable' && encoding !== 'base64';
    const lineless = this.#options.binary === true && (hasNul || bareCr > 0 || bareLf > 0);
    const unfit = has8bit || hasNul || longestLine > LINE_OCTETS || lineless;
    if (to === '7bit' && (identity ? unfit || !whole : whole && unfit)) {
      const next = !identity ? encoding : lineless ? 'base64' : this.#choose();
      if (next === encoding) return { ...untouched, recode: true };
      const from = has8bit || encoding === '' ? (has8bit ? '8bit' : '7bit') : encoding;
      return {
        encoding: next,
        recode: true,
        change: { ...this.#labels(true), fields, encoding: next, append: [...this.#mimeVersion(), autoconverted(from, next)] },
      };
    }
    if (to === '8bit' && encoding === 'quoted-printable' && whole) {
      const next = this.#decodedFits();
      if (next !== null) {
        return {
          encoding: next,
          recode: true,
          change: { ...this.#labels(false), fields, encoding: next, append: [autoconverted(encoding, next)] },
        };
      }
    }
    const labels = this.#labels(false);
    const relabel = this.#label(whole, has8bit);
    return relabel === null && labels.contentType === undefined ? untouched
      : { ...untouched, change: { ...labels, fields, append: [], ...(relabel === null ? {} : { encoding: relabel }) } };
  }

  /** Missing or overstated Content-Transfer-Encoding, of what leaves unencoded. */
  #label(whole: boolean, has8bit: boolean): string | null {
    const { encoding } = this.#entity;
    // Nothing that a 7bit peer takes is binary (RFC 6152 §3).
    if (encoding === 'binary' && this.#options.to === '7bit') return '7bit';
    if (!this.#options.mime) return null;
    if (encoding === '') return whole ? (has8bit ? '8bit' : '7bit') : '8bit';
    return encoding === '8bit' && whole && !has8bit ? '7bit' : null;
  }

  /** Missing Content-Type, or text without charset. */
  #labels(encoded: boolean): { contentType?: string } {
    const { contentType, fields, inDigest } = this.#entity;
    const charset = this.#options.defaultCharset ?? 'utf-8';
    const field = fields.find(({ name }) => name === 'content-type');
    if ((!this.#options.mime && !encoded) || inDigest) return {};
    if (field === undefined) return { contentType: `text/plain; charset=${charset}` };
    if (this.#options.mime && contentType?.type.startsWith('text/') === true && !contentType.parameters.has('charset')) {
      return { contentType: `${field.value.replace(/;\s*$/, '')}; charset=${charset}` };
    }
    return {};
  }

  /** An encoded message without Mime-Version would not be read as one (RFC 2045 §4). */
  #mimeVersion(): string[] {
    const { root, fields } = this.#entity;
    return root && !fields.some(({ name }) => name === 'mime-version') ? ['Mime-Version: 1.0\r\n'] : [];
  }

  /** By size, from what was seen; text stays readable for longer, because people read raw mail. */
  #choose(): 'quoted-printable' | 'base64' {
    let escapes = 0;
    for (const octets of this.#look) escapes += this.#options.kernels.countEscapes(octets);
    const text = (this.#entity.contentType?.type ?? 'text/plain').startsWith('text/');
    // A body of less than a line gains nothing from base64.
    return this.#looked > SHORT_OCTETS && escapes * (text ? 3 : 6) > this.#looked ? 'base64' : 'quoted-printable';
  }

  /** The label of the decoded body, null when it must stay encoded. */
  #decodedFits(): '8bit' | '7bit' | null {
    const decoder = this.#options.kernels.openQuotedPrintableDecoder();
    const survey = this.#options.kernels.openSurvey();
    const seen = Buffer.allocUnsafe(longest(this.#look));
    for (const octets of this.#look) survey.feed(decoder.feed(octets, seen));
    survey.feed(decoder.finish());
    const { has8bit, hasNul, bareCr, bareLf, longestLine } = survey.facts();
    if (hasNul || bareCr > 0 || bareLf > 0 || longestLine > LINE_OCTETS) return null;
    return has8bit ? '8bit' : '7bit';
  }
}

function longest(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((most, { length }) => Math.max(most, length), 0);
}
