/**
 * The only thing that survives a power cut. One message has five states (ARCHITECTURE.md):
 * draft → queued → claimed → recorded → reported; each method below says which step it takes
 * and what is true if the plug is pulled right after it resolved.
 */
import type { Instant } from './clock.ts';
import type { ContentFacts } from './content.ts';
import type { Envelope, MessageId, Recipient, RecipientId } from './envelope.ts';
import type { Awaitable } from './intake.ts';
import type { Outcome, Outcomes } from './outcome.ts';

export interface QueueStore {
  /**
   * Opens a draft and gives it its queue id at once (trace fields name it). Nothing is stored yet.
   * With `idempotencyKey`, a second commit under the same key stores nothing and answers the first one's id;
   * keys start with their parent. One that is a message's queue id lives as long as that message; one of something
   * outside (`pickup:…`) until forgetKeys().
   */
  begin(envelope: Envelope, recipients: readonly Recipient[], options?: { readonly idempotencyKey?: string }): Draft;
  /** The first message that was queued under a key, whatever became of it; null: none was. */
  queuedUnder(key: string): MessageId | null;
  /** What these parents stood for is gone for good, and is offered no more. Need not be durable when it resolves. */
  forgetKeys(parents: readonly string[]): Promise<void>;
  /** 'full' below the free-space watermark: refuse before the peer sends (452). Cheap; may be asked per command. */
  room(sizeOctets: number): 'room' | 'full';

  /** Takes leases on messages that are due, earliest first. Fresh messages may come with their content in memory. */
  claim(want: { readonly now: Instant; readonly limit: number; readonly leaseMs: number }): Promise<readonly Claim[]>;
  /**
   * What came in just now and waits in memory, never older mail; absent where nothing does. So that a window which older
   * mail for one bad next hop has filled still lets new mail for others through.
   */
  claimFresh?(want: { readonly now: Instant; readonly limit: number; readonly leaseMs: number }): readonly Claim[];
  /** Earliest due time of anything not leased or held, or null. */
  nextDue(): Awaitable<Instant | null>;
  /**
   * Durable before it resolves; renews the lease, so an empty one is a heartbeat.
   * Final outcomes are never overwritten: a later outcome for such a recipient is ignored.
   */
  record(claim: Claim, news: News): Promise<Held>;
  /**
   * Ends the claim. 'finished' deletes the message, its content and its idempotency keys; that need not be
   * durable when it resolves (a crash repeats at most the attempt). `news` rides along in the same transaction.
   * `untried`: given back without an attempt, so none is counted.
   */
  release(claim: Claim, next: { readonly due: Instant; readonly untried?: true } | 'finished', news?: News): Awaitable<Held>;
  /** The digest is checked over the whole content before this resolves. */
  content(claim: Pick<Claim, 'id' | 'message'>): Awaitable<StoredContent | CorruptContent>;

  get(id: MessageId): QueueEntry | null;
  /** In order of acceptance, from behind `after` on. Safe to abandon at any time; holds no snapshot between steps. */
  list(which: Selection, after?: MessageId): AsyncIterable<QueueEntry>;
  /** How many messages obeyed. Cancelling makes pending recipients fail at the next claim, with `reason`. */
  order(which: Selection, order: Order): Promise<number>;
  /** Moves a damaged message to quarantine: kept for the operator, never claimed again. */
  quarantine(id: MessageId, why: string): Promise<void>;
  summary(): Awaitable<QueueSummary>;
  /** Yields when something may have become due. May wake too often, never too seldom. Ends when `signal` aborts. */
  wake(signal: AbortSignal): AsyncIterable<void>;
  /** Waits for writes under way, gives up leases held here, closes. */
  close(): Promise<void>;
}

export interface Draft {
  readonly id: MessageId;
  /** The chunk belongs to the store from now on. A promise asks to wait before the next one. Failures surface in commit(). */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** 'committed' only after the data reached the disk (LMDB: after `flushed`). */
  commit(seal: Seal): Promise<Committed>;
  discard(): void;
}

export interface Seal {
  readonly due: Instant;
  /** Octets before the content as received: our trace fields. Stored with the envelope, so the content's digest stands. */
  readonly trace: Uint8Array;
  readonly facts: ContentFacts;
  /** Replaces what the envelope given to begin() said; per-recipient filters may have dropped some. */
  readonly envelope?: Envelope;
  readonly recipients?: readonly Recipient[];
  /** Into quarantine at once, for a filter or a policy said so: whole, and nothing but an order to restore it lets it go. */
  readonly aside?: string;
}

export type Committed =
  | { readonly kind: 'committed'; readonly id: MessageId; readonly repeated?: true }
  | { readonly kind: 'full' } // 452
  | { readonly kind: 'broken'; readonly why: string }; // 451; the box's fault, already logged

export interface Claim {
  readonly id: MessageId;
  readonly token: number;
  readonly message: StoredMessage;
  /** At hand when the message was just received here; else ask content(). */
  readonly content?: StoredContent;
}

export interface StoredMessage {
  readonly id: MessageId;
  readonly envelope: Envelope;
  readonly recipients: readonly RecipientState[];
  readonly facts: ContentFacts;
  readonly trace: Uint8Array;
  readonly acceptedAt: Instant;
  /** Attempts finished so far (release with a due time counts one, unless it says `untried`). */
  readonly attempts: number;
  readonly lastAttemptAt?: Instant;
  readonly warnedAt?: Instant;
  readonly cancelled?: { readonly reason: string; readonly at: Instant };
}

export interface RecipientState extends Recipient {
  /** The last outcome, with its time. Absent: never tried. */
  readonly outcome?: Outcome;
  readonly outcomeAt?: Instant;
  /** The last outcome that a peer spoke, when a later attempt reached nobody: what a DSN shows (courier-core 4.2). */
  readonly reached?: Outcome;
  /** Its DSN is queued, or none was due. */
  readonly reported?: true;
  /** What was answered before `outcome`, oldest first: the last few different answers. */
  readonly past?: readonly PastOutcome[];
}

/** An answer that is history: the same one several times in a row counts as one. */
export interface PastOutcome {
  readonly outcome: Outcome;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  readonly times: number;
}

export interface News {
  readonly at: Instant;
  readonly outcomes?: Outcomes;
  readonly reported?: readonly RecipientId[];
  readonly warned?: true;
}

export type Held = 'held' | 'lease-lost'; // expected in a cluster, so not an exception

export interface StoredContent {
  readonly kind: 'content';
  readonly facts: ContentFacts;
  /** Trace fields and content together. */
  readonly sizeOctets: number;
  /** The whole message in order, trace fields first. May be asked again; each call starts anew. */
  read(): readonly Uint8Array[] | AsyncIterable<Uint8Array>;
}

export interface CorruptContent {
  readonly kind: 'corrupt';
  readonly why: string;
}

export interface QueueEntry {
  readonly message: StoredMessage;
  readonly due: Instant;
  readonly state: 'waiting' | 'claimed' | 'held' | 'quarantined';
  readonly why?: string;
  /** In quarantine because a filter or a policy said so, not for damage. */
  readonly judged?: true;
}

export type Selection = 'all' | { readonly id: MessageId } | { readonly ids: readonly MessageId[] } | { readonly state: QueueEntry['state'] };

export type Order =
  | { readonly kind: 'flush' | 'hold' | 'release'; readonly now: Instant }
  /** `restore`: out of quarantine, due now; whoever reads it checks it again. `drop`: gone, and nobody is told; not while claimed. */
  | { readonly kind: 'restore' | 'drop'; readonly now: Instant }
  | { readonly kind: 'cancel'; readonly now: Instant; readonly reason: string };

/** What a store on a disk that may lie can do besides. */
export interface QueueUpkeep {
  /**
   * Reads everything that is stored and names what is not as it was written. With `repair`: what can be put right is;
   * a message that cannot is set aside in quarantine, and what is left of it is written to a file. Nothing is thrown away.
   */
  verify(how: 'look' | 'repair'): AsyncIterable<Verified>;
  /** Messages as one stream, for importMessages() of another store. 'move' puts them on hold here. What is claimed stays out. */
  exportMessages(which: Selection, how: 'move' | 'copy'): AsyncIterable<Uint8Array>;
  /** With ids, history and due times. What was imported before is not imported again, even if it was delivered since. */
  importMessages(octets: AsyncIterable<Uint8Array>): Promise<Imported>;
}

export interface Imported {
  readonly imported: number;
  /** Were here, or had been. */
  readonly known: number;
  /** Of the imported: set aside, because they are not what they were. */
  readonly damaged: number;
  /** The stream had its end; what came before a cut is stored all the same. */
  readonly complete: boolean;
}

export type Verified = Finding | { readonly kind: 'checked'; readonly messages: number; readonly octets: number; readonly last?: true };

export interface Finding {
  readonly kind: 'finding';
  readonly id: string;
  /** `place`: it stands where nobody would find it, or in two places; `leftover`: content that belongs to no message. */
  readonly part: 'record' | 'content' | 'place' | 'leftover';
  readonly why: string;
  readonly became: 'left' | 'mended' | 'set-aside' | 'removed';
  /** What was rescued of it. */
  readonly file?: string;
}

export interface QueueSummary {
  readonly messages: number;
  readonly claimed: number;
  readonly quarantined: number;
  readonly oldestAcceptedAt: Instant | null;
  readonly freeOctets: number;
}
