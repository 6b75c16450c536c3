/** Whether a message is MIME that everybody reads alike; its octets are only looked at, in one pass. */
import type { Decoder, MimeKernels, Survey } from '../../core/kernels.ts';
import type { Complaint } from './convert.ts';
import { LIMITS, Structure, type Entity, type Limits, type Malformation, type Walker } from './structure.ts';

export interface JudgementOptions {
  readonly kernels: Pick<MimeKernels, 'openSurvey' | 'openBase64Decoder'>;
  readonly limits?: Partial<Limits>;
  /** Octets above 127 in a header are a fault; what SMTPUTF8 announced is none (RFC 6532 §3). */
  readonly refuse8bitHeaders?: boolean;
  /** Octets above 127 in a body that does not say 8bit or binary are a fault (RFC 2045 §6.2). */
  readonly refuse8bitBodies?: boolean;
  /** Text in base64 that needed no encoding is a fault: it is written so to hide from scanners. */
  readonly refuseBase64Text?: boolean;
}

export type Fault = Complaint | 'unnecessary base64';

export interface Judgement {
  feed(chunk: Uint8Array): void;
  /** The first fault, or null. */
  finish(): Fault | null;
}

export function openJudgement(options: JudgementOptions): Judgement {
  const judge = new Judge(options);
  const structure = new Structure(judge, { ...LIMITS, ...options.limits });
  return {
    feed(chunk) {
      if (judge.fault === null) structure.feed(chunk);
    },
    finish() {
      if (judge.fault === null) structure.finish();
      return judge.fault;
    },
  };
}

class Judge implements Walker {
  fault: Fault | null = null;
  readonly #options: JudgementOptions;
  #body: Survey | null = null;
  #text: { readonly decoder: Decoder; readonly survey: Survey } | null = null;

  constructor(options: JudgementOptions) {
    this.#options = options;
  }

  entity({ header, kind, encoding, contentType }: Entity): void {
    const { kernels, refuse8bitHeaders, refuse8bitBodies, refuseBase64Text } = this.#options;
    if (refuse8bitHeaders === true) this.#say(has8bit(kernels.openSurvey(), header), '8-bit header');
    // What is signed is its signer's, and is judged by who reads it.
    if (kind !== 'leaf') return;
    this.#body = refuse8bitBodies === true && encoding !== '8bit' && encoding !== 'binary' ? kernels.openSurvey() : null;
    const text = contentType === null || contentType.type.startsWith('text/');
    this.#text = refuseBase64Text === true && encoding === 'base64' && text ? { decoder: kernels.openBase64Decoder(), survey: kernels.openSurvey() } : null;
  }

  body(octets: Buffer): void {
    this.#body?.feed(octets);
    if (this.#text !== null) this.#text.survey.feed(this.#text.decoder.feed(octets));
  }

  end(): void {
    if (this.#body !== null) this.#say(this.#body.facts().has8bit, 'undeclared 8-bit content');
    if (this.#text !== null) {
      const { decoder, survey } = this.#text;
      survey.feed(decoder.finish());
      const { has8bit: foreign, hasNul, longestLine, sizeOctets } = survey.facts();
      // Long lines need an encoding too (RFC 5321 §4.5.3.1.6).
      this.#say(!foreign && !hasNul && longestLine <= LINE_OCTETS && sizeOctets > 0, 'unnecessary base64');
    }
    this.#body = null;
    this.#text = null;
  }

  between(): void {
    // Preamble and epilogue are for nobody's eyes (RFC 2046 §5.1.1).
  }

  malformed(why: Malformation): void {
    this.#say(true, why);
  }

  rest(): void {
    // Behind a fault nothing is looked at.
  }

  #say(is: boolean, fault: Fault): void {
    if (is) this.fault ??= fault;
  }
}

const LINE_OCTETS = 998;

function has8bit(survey: Survey, octets: Buffer): boolean {
  survey.feed(octets);
  return survey.facts().has8bit;
}
