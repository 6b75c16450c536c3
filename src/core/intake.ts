/** The one way in: every message, our own DSNs included, becomes ours through an Intake. */
import type { ContentFacts } from './content.ts';
import type { Address, Envelope, MessageId, Origin, Recipient, ReversePath } from './envelope.ts';
import type { Refusal } from './status.ts';

/** A value now or later: what can be answered from memory costs no turn of the event loop. */
export type Awaitable<T> = T | Promise<T>;

export interface Intake {
  open(origin: Origin, options?: OpenOptions): Awaitable<Transaction | Refusal>;
}

export interface OpenOptions {
  /** A message that must be queued once however often it is offered; see QueueStore.begin(). */
  readonly idempotencyKey?: string;
  /** The connection's own variables, as it was admitted; absent: those that the rules have for such an origin. */
  readonly variables?: ReadonlyMap<string, string>;
}

export type MailOptions = Partial<Pick<Envelope, 'body' | 'smtputf8' | 'ret' | 'envid' | 'verp' | 'security' | 'requireTls'>> & {
  /** SIZE= as declared (RFC 1870). */
  readonly sizeOctets?: number;
  /** The client reads an answer for each recipient after the content (EXDATA). */
  readonly exdata?: true;
};
export type RcptOptions = Pick<Recipient, 'original' | 'notify'>;

export interface Taken {
  readonly kind: 'taken';
}

export interface Transaction {
  readonly kind: 'open';
  mail(reversePath: ReversePath, options: MailOptions): Awaitable<Taken | Refusal>;
  rcpt(recipient: Address, options: RcptOptions): Awaitable<Taken | Refusal>;
  /** Asked once, before 354: a message that cannot be kept is refused before it is sent. */
  data(): Awaitable<ContentWriter | Refusal>;
  /** Forgets everything not yet queued. Harmless afterwards. */
  abort(): void;
}

export interface ContentWriter {
  readonly kind: 'writer';
  /** The chunk belongs to the writer from now on. A promise asks to wait before the next one. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** 'queued' only when the message would survive a power cut (RFC 5321 §6.1). */
  end(facts: ContentFacts): Promise<Queued | Refusal>;
}

export interface Queued {
  readonly kind: 'queued';
  readonly id: MessageId;
  /** Refusals after DATA of single recipients, by the place of their accepted RCPT, from 0. Only with `exdata`. */
  readonly refused: ReadonlyMap<number, Refusal>;
}

export const taken: Taken = { kind: 'taken' };
