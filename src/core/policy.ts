/** Decisions about mail before it is ours. */
import type { Awaitable } from './intake.ts';
import type { Content, ContentFacts } from './content.ts';
import type { Address, Envelope, MessageId, Origin, Recipient, RecipientId, ReversePath } from './envelope.ts';
import type { Refusal } from './status.ts';

export type Verdict = Pass | { readonly kind: 'quarantine'; readonly why: string; readonly fields?: readonly TraceField[] } | Refusal;
export const pass: Verdict = { kind: 'pass' };

export interface Pass {
  readonly kind: 'pass';
  /**
   * What a recipient filter says at RCPT: `whitelisted` takes this sender's mail unread, `filtered` looks at the content
   * later and may refuse it for this recipient alone. One transaction has recipients of one kind, unless the client
   * understands an answer for each (EXDATA).
   */
  readonly filtering?: 'whitelisted' | 'filtered';
  /** What was found out, laid over the connection's variables for the rest of this message: later checks and filters see it. */
  readonly variables?: Variables;
  /** For the message's header. */
  readonly fields?: readonly TraceField[];
}

/** A field of ours that stands right above our Received field, or right below it. */
export interface TraceField extends Field {
  readonly place: 'above' | 'below';
}

/** What is known at a stage; later stages know more. */
export interface Facts {
  readonly origin: Origin;
  readonly variables: Variables;
  readonly reversePath?: ReversePath;
  readonly recipient?: Address;
  readonly acceptedRecipients?: number;
  /** At `data`: all of them, aliases resolved. */
  readonly recipients?: readonly Recipient[];
  /** At `data`: as it came, the empty line included. */
  readonly header?: Uint8Array;
}

export interface Check {
  readonly name: string;
  /** `data`: the content is there and nothing of it is queued; asked before any filter. */
  readonly stage: 'connect' | 'helo' | 'mail' | 'rcpt' | 'data';
  judge(facts: Facts, signal?: AbortSignal): Awaitable<Verdict>;
}

/** A connection's environment as the access file sets it (`RELAYCLIENT`, `BLOCK`, `SIZELIMIT` …). */
export type Variables = ReadonlyMap<string, string>;

/** Who may connect, and with which variables. */
export interface Admission {
  admit(peer: { readonly remoteAddress: string; readonly localAddress: string; readonly localPort: number }): Refusal | Admitted;
}

export interface Admitted {
  readonly kind: 'admitted';
  readonly variables: Variables;
  /** Nothing is said to the client before this is known: a refusal turns it away after all. */
  readonly pending?: Promise<Refusal | null>;
}

/** A content filter: sees the message after it was read, before it is queued. */
export interface Filter {
  readonly name: string;
  /** What holds when it is not there or does not answer in time: configuration decides, never a catch block. */
  readonly whenAbsent: 'pass' | 'defer';
  inspect(message: Inspected, signal: AbortSignal): Promise<FilterAnswer>;
}

export type FilterAnswer = Looked | { readonly kind: 'absent'; readonly why: string };

export interface Inspected {
  /** The queue id it will have. */
  readonly id: MessageId;
  readonly origin: Origin;
  readonly reversePath: ReversePath;
  readonly envelope: Envelope;
  readonly recipients: ReadonlyMap<RecipientId, Address>;
  readonly addressees: readonly Recipient[];
  readonly variables: Variables;
  /** Our own fields, which will stand before the content. */
  readonly trace: Uint8Array;
  /** Of the content, changes by earlier filters included. */
  readonly facts: ContentFacts;
  /** As received; may be asked again. */
  content(): AsyncIterable<Uint8Array>;
  /** Room for what a filter makes of it: goes when the message does, whatever becomes of the filter. */
  hold(): Held;
}

/** Octets put aside: a few in memory, more on the disk. */
export interface Held {
  /** The chunk belongs to it from now on. A promise asks to wait before the next one. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  readonly sizeOctets: number;
  read(): AsyncIterable<Uint8Array>;
}

export interface Looked {
  readonly kind: 'looked';
  /** Absent: pass. */
  readonly verdicts: ReadonlyMap<RecipientId, Verdict>;
  readonly addFields: readonly Field[];
  /** Beyond added fields, in this order. Whatever they do not touch keeps its octets. */
  readonly changes?: readonly Change[];
  /** No later filter is asked. */
  readonly final?: true;
}

export interface Field {
  readonly name: string;
  /** Without the line end; folded lines are joined by CRLF and a blank. */
  readonly value: string;
}

export type Change =
  /** The n-th field of that name, from 1; without a value it is taken out. A field that is not there is added. */
  | { readonly kind: 'field'; readonly name: string; readonly nth: number; readonly value: string | null }
  /** At the header's end. */
  | { readonly kind: 'append'; readonly field: Field }
  | { readonly kind: 'body'; readonly octets: Held }
  | { readonly kind: 'recipient'; readonly address: Address }
  | { readonly kind: 'drop'; readonly address: Address };

/** All filters together, as the intake asks them. */
export interface Filtering {
  /** Null: nobody wants to see this mail, and it goes on untouched. Asked before the content comes. */
  open(origin: Origin): Examination | null;
}

/** One message under examination: not accepted yet, and nowhere else kept. */
export interface Examination {
  /** The chunk belongs to the examination from now on. A promise asks to wait before the next one. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** Never rejects: a filter's trouble is its `whenAbsent`. */
  judge(message: Omit<Inspected, 'content' | 'hold' | 'origin' | 'reversePath' | 'recipients'>, about: { readonly whitelisted: boolean }): Promise<Judged>;
  /** Forgets the content; harmless when repeated. */
  close(): void;
}

export interface Judged {
  readonly verdicts: ReadonlyMap<RecipientId, Verdict>;
  readonly trace: Uint8Array;
  readonly facts: ContentFacts;
  readonly recipients: readonly Recipient[];
  /** Good until close(). */
  readonly content: Content;
}
