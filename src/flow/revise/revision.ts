/**
 * One message on its way in. The header is waited for, then decided on; from there on each chunk goes through at once:
 * as it is, or through the converter. Only `wrap` has to keep a message until it is known to be well-formed.
 */
import type { ContentFacts } from '../../core/content.ts';
import type { Envelope } from '../../core/envelope.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { Kernels, MimeKernels, Scan } from '../../core/kernels.ts';
import type { Variables } from '../../core/policy.ts';
import type { ContentSink, Revised, Revisers, Revision } from '../../core/revision.ts';
import type { Refusal } from '../../core/status.ts';
import { applyHeaderRules, isSigned } from '../../grammar/header/rules.ts';
import { openConversion, type Conversion } from '../../grammar/mime/convert.ts';
import { openJudgement, type Judgement } from '../../grammar/mime/judgement.ts';
import type { Holding } from '../../kit/file/holding.ts';
import { faultRefusal } from './faults.ts';
import type { MessageRules } from './rules.ts';
import { WrappingRevision } from './wrapping-revision.ts';

export interface RevisionOptions {
  readonly kernels: Pick<Kernels, 'openScan'> & MimeKernels;
  rules(envelope: Envelope, variables: Variables): MessageRules | null;
  /** For a message that must be whole before anything of it goes on. */
  hold(): Holding;
}

/** A header that is longer is refused anyway, and none of our rules is for it. */
const HEADER_OCTETS = 262_144;
const HEADER_END = Buffer.from('\r\n\r\n');
const MIME_FIELDS = /^(?:mime-version|content-[a-z-]+)[ \t]*:/im;

export function createRevisers({ kernels, rules, hold }: RevisionOptions): Revisers {
  return {
    open({ envelope, variables }, into) {
      const found = rules(envelope, variables);
      if (found === null) return null;
      const open = (sink: ContentSink, judged: boolean) => new MessageRevision(kernels, found, sink, judged);
      return found.mime.malformed === 'wrap' ? new WrappingRevision({ kernels, rules: found, holding: hold(), into, open: sink => open(sink, true) }) : open(into, false);
    },
  };
}

class MessageRevision implements Revision {
  readonly #kernels: RevisionOptions['kernels'];
  readonly #rules: MessageRules;
  readonly #into: ContentSink;
  readonly #judged: boolean;
  /** Until the header is whole. */
  #head: Uint8Array[] | null = [];
  #headOctets = 0;
  #judgement: Judgement | null = null;
  #conversion: Conversion | null = null;
  /** Of what goes on, where that is not what came. */
  #scan: Scan | null = null;

  /** `judged`: somebody else has looked for faults. */
  constructor(kernels: RevisionOptions['kernels'], rules: MessageRules, into: ContentSink, judged: boolean) {
    this.#kernels = kernels;
    this.#rules = rules;
    this.#into = into;
    this.#judged = judged;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#head === null) return this.#through(chunk);
    this.#head.push(chunk);
    this.#headOctets += chunk.length;
    const all = this.#head.length === 1 ? bufferOf(chunk) : Buffer.concat(this.#head);
    const end = headerEnd(all);
    if (end < 0 && this.#headOctets <= HEADER_OCTETS) return undefined;
    return this.#begin(all, end);
  }

  end(facts: ContentFacts): Awaitable<Revised | Refusal> {
    if (this.#head !== null) {
      const all = Buffer.concat(this.#head);
      void this.#begin(all, all.length);
    }
    const conversion = this.#conversion;
    const last = conversion === null ? undefined : this.#emit(conversion.finish().output);
    this.#conversion = null;
    const fault = this.#judgement?.finish() ?? null;
    if (fault !== null) {
      this.close();
      return faultRefusal(fault);
    }
    const found: Revised = { kind: 'revised', facts: this.#scan?.facts() ?? facts };
    this.#scan = null;
    return last === undefined ? found : last.then(() => found);
  }

  close(): void {
    this.#scan?.facts(); // closes it
    this.#scan = null;
    this.#head = null;
    this.#conversion = null;
    this.#judgement = null;
  }

  /** `end`: behind the empty line, or -1 where there is no header that we would look at. */
  #begin(all: Buffer, end: number): Promise<void> | undefined {
    this.#head = null;
    if (end < 0) return this.#through(all);
    const { mime, header } = this.#rules;
    const text = all.toString('latin1', 0, end);
    const revised = applyHeaderRules(text, header);
    const isMime = MIME_FIELDS.test(text);
    const raw = mime.refuseRaw8bit;
    if (!this.#judged && mime.malformed !== 'accept' && (isMime || raw)) {
      const { limits, refuseBase64Text } = mime;
      this.#judgement = openJudgement({ kernels: this.#kernels, limits, refuseBase64Text, refuse8bitHeaders: raw && !this.#rules.smtputf8, refuse8bitBodies: raw });
    }
    // A signature is worth more than a label: what a hop cannot take is converted on the way to that hop.
    if (mime.convert !== 'none' && (isMime || mime.convert === '7bit') && !isSigned(text)) {
      const to = mime.convert === 'labels' ? 'unset' : mime.convert;
      this.#conversion = openConversion({ to, kernels: this.#kernels, limits: mime.limits, malformed: 'accept' });
    }
    if (this.#conversion !== null || revised !== text) this.#scan = this.#kernels.openScan();
    if (revised === text) return this.#through(all);
    this.#judgement?.feed(all);
    const octets = Buffer.concat([Buffer.from(revised, 'latin1'), all.subarray(end)]);
    return this.#emit(this.#conversion === null ? [octets] : this.#conversion.feed(octets));
  }

  #through(chunk: Uint8Array): Promise<void> | undefined {
    this.#judgement?.feed(chunk);
    return this.#conversion === null && this.#scan === null ? this.#into.write(chunk) : this.#emit(this.#conversion?.feed(chunk) ?? [chunk]);
  }

  #emit(pieces: readonly Uint8Array[]): Promise<void> | undefined {
    let wait: Promise<void> | undefined;
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      this.#scan?.feed(piece);
      wait = this.#into.write(piece) ?? wait;
    }
    return wait;
  }
}

function headerEnd(octets: Buffer): number {
  if (octets[0] === 0x0d && octets[1] === 0x0a) return 2;
  const blank = octets.indexOf(HEADER_END);
  return blank < 0 ? -1 : blank + HEADER_END.length;
}

function bufferOf(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}
