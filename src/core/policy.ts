/** Decisions about mail before it is ours. */
import type { Awaitable } from './intake.ts';
import type { ContentFacts } from './content.ts';
import type { Address, Origin, RecipientId, ReversePath } from './envelope.ts';
import type { Refusal } from './status.ts';

export type Verdict = { readonly kind: 'pass' } | { readonly kind: 'quarantine'; readonly why: string } | Refusal;
export const pass: Verdict = { kind: 'pass' };

/** What is known at a stage; later stages know more. */
export interface Facts {
  readonly origin: Origin;
  readonly variables: Variables;
  readonly reversePath?: ReversePath;
  readonly recipient?: Address;
  readonly acceptedRecipients?: number;
}

export interface Check {
  readonly name: string;
  readonly stage: 'connect' | 'helo' | 'mail' | 'rcpt';
  judge(facts: Facts, signal?: AbortSignal): Awaitable<Verdict>;
}

/** A connection's environment as the access file sets it (`RELAYCLIENT`, `BLOCK`, `SIZELIMIT` …). */
export type Variables = ReadonlyMap<string, string>;

/** Who may connect, and with which variables. */
export interface Admission {
  admit(peer: { readonly remoteAddress: string; readonly localAddress: string; readonly localPort: number }): Refusal | { readonly kind: 'admitted'; readonly variables: Variables };
}

/** A content filter: sees the message after it was read, before it is queued. */
export interface Filter {
  readonly name: string;
  /** Configuration decides, never a catch block. */
  readonly whenAbsent: 'pass' | 'defer';
  inspect(message: Inspected, signal: AbortSignal): Promise<FilterAnswer>;
}

export interface Inspected {
  readonly origin: Origin;
  readonly reversePath: ReversePath;
  readonly recipients: ReadonlyMap<RecipientId, Address>;
  readonly facts: ContentFacts;
  content(): AsyncIterable<Uint8Array>;
}

export interface FilterAnswer {
  /** Absent: pass. */
  readonly verdicts: ReadonlyMap<RecipientId, Verdict>;
  readonly addFields: readonly { readonly name: string; readonly value: string }[];
}
