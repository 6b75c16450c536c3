/** BOFHBADMIME=wrap: a message is kept until its last octet has been judged, and then goes on as it is or wrapped. */
import type { ContentFacts } from '../../core/content.ts';
import type { Kernels, MimeKernels } from '../../core/kernels.ts';
import type { ContentSink, Revised, Revision } from '../../core/revision.ts';
import { refuse, type Refusal } from '../../core/status.ts';
import { openJudgement, type Judgement } from '../../grammar/mime/judgement.ts';
import { openWrapping } from '../../grammar/mime/wrapping.ts';
import type { Holding } from '../../kit/file/holding.ts';
import type { MessageRules } from './rules.ts';

export interface WrappingOptions {
  readonly kernels: Pick<Kernels, 'openScan'> & MimeKernels;
  readonly rules: MessageRules;
  readonly holding: Holding;
  readonly into: ContentSink;
  /** The other rules, for what needs no wrapping. */
  open(into: ContentSink): Revision;
}

export class WrappingRevision implements Revision {
  readonly #options: WrappingOptions;
  readonly #judgement: Judgement;

  constructor(options: WrappingOptions) {
    this.#options = options;
    const { rules: { mime, smtputf8 }, kernels } = options;
    const { limits, refuseBase64Text, refuseRaw8bit } = mime;
    this.#judgement = openJudgement({ kernels, limits, refuseBase64Text, refuse8bitHeaders: refuseRaw8bit && !smtputf8, refuse8bitBodies: refuseRaw8bit });
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#judgement.feed(chunk);
    return this.#options.holding.write(chunk);
  }

  async end(facts: ContentFacts): Promise<Revised | Refusal> {
    try {
      return await this.#settle(facts);
    } catch (cause) {
      // The disk is full, or takes nothing: the message is still the sender's.
      return refuse('ourFault', { why: `a message cannot be held to be judged: ${cause instanceof Error ? cause.message : String(cause)}` });
    } finally {
      this.close();
    }
  }

  async #settle(facts: ContentFacts): Promise<Revised | Refusal> {
    const { holding, into, open } = this.#options;
    const fault = this.#judgement.finish();
    if (fault !== null) return { kind: 'revised', facts: await this.#wrapped(facts, fault), wrapped: fault };
    const revision = open(into);
    try {
      for await (const chunk of holding.read()) await revision.write(chunk);
      return await revision.end(facts);
    } finally {
      revision.close();
    }
  }

  close(): void {
    this.#options.holding.close();
  }

  async #wrapped({ digest }: ContentFacts, why: string): Promise<ContentFacts> {
    const { kernels, holding, into } = this.#options;
    const scan = kernels.openScan();
    let found: ContentFacts | null = null;
    try {
      // The original's own digest: nobody can have put this line into it.
      const wrapping = openWrapping({ kernels, why, boundary: `=_${Buffer.from(digest).toString('hex')}` });
      const give = async (pieces: readonly Uint8Array[]) => {
        for (const piece of pieces) {
          if (piece.length === 0) continue;
          scan.feed(piece);
          await into.write(piece);
        }
      };
      for await (const chunk of holding.read()) await give(wrapping.feed(chunk));
      await give(wrapping.finish());
      found = scan.facts();
      return found;
    } finally {
      if (found === null) scan.facts(); // closes it
    }
  }
}
