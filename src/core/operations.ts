/** What an operator or a program on this box may ask of the gateway. Plain data both ways: it crosses a socket. */
import type { MessageId } from './envelope.ts';
import type { Queued, RcptOptions } from './intake.ts';
import type { QueueSummary, Selection } from './queue-store.ts';
import type { Refusal } from './status.ts';

export interface Operations {
  list(which: Selection): AsyncIterable<ListedMessage>;
  /** How many messages obeyed. */
  order(which: Selection, order: 'flush' | 'hold' | 'release' | { readonly cancel: string }): Promise<number>;
  summary(): Promise<QueueSummary>;
  submit(message: LocalSubmission): Promise<Pick<Queued, 'kind' | 'id'> | Refusal>;
  /** Reads the configuration again. What is wrong with it, a line each; nothing wrong: it is in force. */
  reload(): Promise<readonly string[]>;
  /** Lets what is on the wire finish, then ends. */
  stop(): Promise<void>;
  /** The last events, oldest first; of one message when `id` is given. */
  recent(id?: MessageId): Promise<readonly RecentEvent[]>;
  /** The hooks of the configuration in force; with nothing running, what waits for them. */
  webhooks(): Promise<readonly WebhookState[]>;
  /** Sends a test event at once, past all that waits. Null: there is no such hook. */
  testWebhook(name: string): Promise<WebhookAnswer | null>;
}

export interface WebhookState {
  readonly name: string;
  /** Without path: it may hold a secret. */
  readonly host: string;
  readonly events: readonly string[];
  readonly waiting: { readonly events: number; readonly octets: number; readonly oldestAt: number | null };
  /** Events that were given up for want of room or for their age, since the start. */
  readonly lost: number;
  readonly sent: number;
  readonly lastTakenAt: number | null;
  /** Null: the last attempt went well, or there was none. */
  readonly trouble: { readonly since: number; readonly attempts: number; readonly why: string; readonly nextAt: number } | null;
}

export interface WebhookAnswer {
  readonly taken: boolean;
  readonly said: string;
}

export interface ListedMessage {
  readonly id: MessageId;
  readonly sizeOctets: number;
  readonly acceptedAt: number;
  readonly due: number;
  readonly state: 'waiting' | 'claimed' | 'held' | 'quarantined';
  readonly why?: string;
  readonly owner: string;
  readonly reversePath: string;
  readonly attempts: number;
  readonly recipients: readonly {
    readonly address: string;
    readonly status: 'done' | 'fail' | '';
    /** The last outcome in the peer's words. */
    readonly said?: string;
  }[];
}

/** What sendmail(1) and rmail(1) hand over. Line ends may be LF or CRLF. */
export interface LocalSubmission {
  readonly owner: string;
  /** '' is <>. */
  readonly reversePath: string;
  readonly recipients: readonly string[];
  readonly notify?: 'never' | readonly ('success' | 'failure' | 'delay')[];
  readonly ret?: 'full' | 'hdrs';
  readonly envid?: string;
  /** DSN wishes recipient by recipient, in their order; where one is, `notify` does not count. */
  readonly wishes?: readonly (RcptOptions | null)[];
  /** A neighbour's job hands it over, not a program of this box: the node that called. */
  readonly uucp?: { readonly machine: string; readonly protocol: 'rmail' | 'bsmtp' };
  readonly content: AsyncIterable<Uint8Array>;
}

export interface RecentEvent {
  readonly at: number;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}
