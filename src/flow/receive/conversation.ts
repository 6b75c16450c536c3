/** What a command may see and change of its session. The session obeys; commands decide. */
import type { Account } from '../../core/auth.ts';
import type { Origin } from '../../core/envelope.ts';
import type { Awaitable, Transaction } from '../../core/intake.ts';
import type { Refusal } from '../../core/status.ts';
import type { Exchange } from '../../grammar/sasl/mechanisms.ts';
import type { ChunkReception } from './chunk-reception.ts';
import type { ContentPolicy, ContentReading } from './content-reading.ts';
import type { Limits } from './limits.ts';
import type { Manners } from './manners.ts';
import type { TlsFacts } from './origin.ts';
import type { Peer } from './peer.ts';
import type { Reading } from './reading.ts';
import type { Setup } from './setup.ts';
import type { Terms } from './terms.ts';
import type { TlsChannel } from './tls-channel.ts';

/** MAIL was accepted. */
export interface OpenMail {
  readonly transaction: Transaction;
  /** As written, for the log. */
  readonly from: string;
  readonly smtputf8: boolean;
  /** Its content is not made of lines (RFC 3030 §3). */
  readonly binary: boolean;
  readonly startedAt: number;
  accepted: number;
  tried: number;
  /** The content has begun to come by BDAT. */
  chunks: Chunks | null;
}

export interface Chunks {
  readonly reception: ChunkReception;
  readonly reading: ContentReading;
}

export interface Conversation {
  readonly setup: Setup;
  readonly terms: Terms;
  readonly limits: Limits;
  /** TLS in use, or null. */
  readonly tls: TlsFacts | null;
  readonly manners: Manners;
  /** The same connection, alive: what only the session may know. */
  readonly channel: TlsChannel | null;
  readonly peer: Peer;
  /** What this peer, as it came, may say of whom it speaks for. */
  readonly introduces: { readonly xclient: boolean; readonly xforward: boolean };
  /** XFORWARD's word on the next message, for the log. */
  forwarded: Readonly<Record<string, string>> | null;
  /** What HELO or EHLO said, cleaned; null before. */
  helo: string | null;
  /** By EHLO: service extensions are in force. */
  extended: boolean;
  account: Account | null;
  mechanism: string | null;
  authFailures: number;
  /** An AUTH exchange waits for a line. */
  exchange: Exchange | null;
  /** Proved, but the client has not heard all of it. */
  proven: Account | null;
  mail: OpenMail | null;
  transactions: number;
  /** The session has ended while an answer was being waited for. */
  readonly over: boolean;

  /** Whole lines, CRLF included. */
  answer(lines: string): void;
  /** Our own decision: said at once, then the tarpit. One log line. */
  refuse(refusal: Refusal, about?: About): Awaitable<void>;
  /** The intake's or a backend's decision: the tarpit comes before the reply. One log line; the reply may be due several times. */
  passOn(refusal: Refusal, about?: About, times?: number): Awaitable<void>;
  /** An error line in the log, and nothing else. */
  bug(cause: unknown): void;
  /** A client that does well does not wait for what it did before. */
  forgive(): void;
  origin(smtputf8: boolean): Awaitable<Origin>;
  /** Forgets the transaction, if there is one. */
  reset(): void;
  /** The next octets are no commands; `arrived` is called when the last of them is there. */
  receive(reading: Reading, arrived: () => Awaitable<void>): void;
  readonly contentPolicy: ContentPolicy;
  /** The whole message is with the intake, which has not answered: too late to abort it. */
  handedOver: boolean;
  /** The message is queued. */
  taken(sizeOctets: number): void;
  /** One log line; nothing is said. */
  note(refusal: Refusal, about?: About): void;
  /** The refusal as 421, and out. */
  hangUp(refusal: Refusal): void;
  startTls(): void;
  /**
   * The client is another one, and the session as it was before EHLO. `name`: its reverse name, null when it has none,
   * undefined when nobody has looked. Refused: it may not come in.
   */
  become(peer: Peer, name: string | null | undefined): Awaitable<Refusal | null>;
  /** Resolves early when the session ends. */
  pause(ms: number): Promise<void>;
  /** No more commands; what was answered is flushed first. `agreed`: the client asked for it. */
  end(agreed?: boolean): void;
}

/** For the log line: whom the refused command named. */
export interface About {
  readonly from?: string;
  readonly to?: string;
}

export interface Command {
  /** A promise holds the next command back; a rejection is our bug and 451. */
  readonly run: (talk: Conversation, argument: string) => Awaitable<void>;
  /** When the session refuses it unasked; absent: the refusal is said, and that is all. */
  readonly refused?: (talk: Conversation, argument: string, refusal: Refusal) => Awaitable<void>;
  /** Allowed when AUTH is required and has not been (RFC 4954 §4). */
  readonly withoutAuth?: true;
  /** Allowed when TLS is required and not there yet (RFC 3207 §4). */
  readonly withoutTls?: true;
  /** Moves no mail: a client may only say so many of them. */
  readonly idle?: true;
}

/** Goes on at once when the value is there: what is answered from memory costs no turn of the event loop. */
export function whenKnown<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
