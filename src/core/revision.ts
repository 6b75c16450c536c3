/** What rules of the header and of MIME make of a message as it comes in, before filters see it and before it is ours. */
import type { ContentFacts } from './content.ts';
import type { Envelope } from './envelope.ts';
import type { Awaitable } from './intake.ts';
import type { Variables } from './policy.ts';
import type { Refusal } from './status.ts';

export interface ContentSink {
  /** The chunk belongs to the sink from now on. A promise asks to wait before the next one. */
  write(chunk: Uint8Array): Promise<void> | undefined;
}

export interface Revisers {
  /** Null: no rule can touch this message, and its content goes straight on. */
  open(about: { readonly envelope: Envelope; readonly variables: Variables }, into: ContentSink): Revision | null;
}

/** Writes to its sink what is to be kept: mostly the very chunks it was given. */
export interface Revision extends ContentSink {
  /** `facts` are those of what was written; those of what went on are given back, the same object where nothing changed. */
  end(facts: ContentFacts): Awaitable<Revised | Refusal>;
  /** Forgets the content; harmless when repeated. */
  close(): void;
}

export interface Revised {
  readonly kind: 'revised';
  readonly facts: ContentFacts;
  /** The message was put into one that can be read, for this reason. */
  readonly wrapped?: string;
}
