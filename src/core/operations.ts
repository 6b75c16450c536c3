/** What an operator or a program on this box may ask of the gateway. Plain data both ways: it crosses a socket. */
import type { Tracked } from './address-track.ts';
import type { Envelope, MessageId } from './envelope.ts';
import type { Queued, RcptOptions } from './intake.ts';
import type { LinkView } from './links.ts';
import type { Imported, PastOutcome, QueueEntry, QueueSummary, Selection, Verified } from './queue-store.ts';
import type { Outcome } from './outcome.ts';
import type { Refusal } from './status.ts';
import type { TlsResults } from './tls.ts';

export interface Operations extends QueueDesk {
  list(which: Wanted): AsyncIterable<ListedMessage>;
  /** How many messages obeyed. `restore` and `drop` as in core/queue-store.ts. */
  order(which: Wanted, order: 'flush' | 'hold' | 'release' | 'restore' | 'drop' | { readonly cancel: string }): Promise<number>;
  summary(): Promise<QueueSummary>;
  submit(message: LocalSubmission): Promise<Pick<Queued, 'kind' | 'id'> | Refusal>;
  /** Reads the configuration again. What is wrong with it, a line each; nothing wrong: it is in force. */
  reload(): Promise<readonly string[]>;
  /** Lets what is on the wire finish, then ends. */
  stop(): Promise<void>;
  /** How TLS went with each domain, a day at a time, the newest last. */
  tlsResults(): Promise<readonly TlsResults[]>;
  /** The last events, oldest first; of one message when `id` is given. */
  recent(id?: MessageId): Promise<readonly RecentEvent[]>;
  /** Absent where no gateway runs: filters are the running gateway's. */
  filters?(): Promise<readonly FilterStanding[]>;
  /** Printers and their like, as the file `devices` names them. */
  devices(): Promise<DeviceReport>;
  /** The hooks of the configuration in force; with nothing running, what waits for them. */
  webhooks(): Promise<readonly WebhookState[]>;
  /** Ways out that are not always there, and how many messages wait for those that are down. */
  links(): Promise<readonly LinkView[]>;
  /** 'auto' takes a word back. Null: there is no such link. */
  orderLink(name: string, word: 'up' | 'down' | 'auto'): Promise<LinkView | null>;
  /** Sends a test event at once, past all that waits. Null: there is no such hook. */
  testWebhook(name: string): Promise<WebhookAnswer | null>;
}

export interface FilterStanding {
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly pid?: number;
  readonly restarts?: number;
}

export interface DeviceReport {
  readonly devices: readonly DeviceStanding[];
  /** Addresses that are no device's and were turned away lately, newest first. */
  readonly strangers: readonly { readonly address: string; readonly times: number; readonly at: number }[];
}

/** What is remembered of one device, a restart included. */
export interface DeviceStanding {
  readonly name: string;
  readonly networks: readonly string[];
  readonly messages: number;
  readonly refusals: number;
  /** In the hour and in the day under way, beside their limits; a limit of 0 is none. */
  readonly hour: { readonly messages: number; readonly limit: number };
  readonly day: { readonly messages: number; readonly limit: number };
  /** `helo` is '' when it connected and has not said MAIL; `tls` is its version, or null. */
  readonly lastSeen: { readonly at: number; readonly address: string; readonly helo: string; readonly tls: string | null } | null;
  readonly lastMail: DeviceMail | null;
  /** Newest first. */
  readonly errors: readonly { readonly at: number; readonly what: string; readonly times: number }[];
}

export interface DeviceMail {
  readonly at: number;
  readonly id: string;
  readonly from: string;
  /** As it goes out: the first of them. */
  readonly to: string;
  readonly recipients: number;
  readonly sizeOctets: number;
  /** The last one heard of it. */
  readonly outcome: { readonly at: number; readonly kind: Outcome['kind']; readonly said: string } | null;
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

/**
 * By what an operator knows: pending recipients in a domain (`.domain`: in its subdomains), or by where they go: a transport, a
 * next hop, or both as `transport/nexthop`; or by whom it comes from: a reverse-path, `@domain`, a login, `<>`.
 */
export type Wanted = Selection | { readonly domain: string } | { readonly route: string } | { readonly from: string };

/** What an operator at three in the morning wants besides. */
export interface QueueDesk {
  show(id: MessageId): Promise<MessageHistory | null>;
  /** The message as it would be sent; null: no such message, or it is not what it was. */
  content(id: MessageId): AsyncIterable<Uint8Array>;
  verify(how: 'look' | 'repair'): AsyncIterable<Verified>;
  exportMessages(which: Selection, how: 'move' | 'copy'): AsyncIterable<Uint8Array>;
  importMessages(octets: AsyncIterable<Uint8Array>): Promise<Imported>;
  overview(): Promise<Overview>;
  /** Addresses that strangers' mail could not be delivered to (BOFHSUPPRESSBACKSCATTER). */
  tracked(): Promise<readonly TrackedAddress[]>;
  forgetTracked(which: 'all' | { readonly address: string }): Promise<number>;
  /** Neighbourhoods and logins that nobody listens to for a while. */
  bans(): Promise<readonly Ban[]>;
  /** One that covers the address, or that login. */
  clearBans(which: 'all' | { readonly who: string }): Promise<number>;
}

export interface Ban {
  /** A network, or a login. */
  readonly who: string;
  readonly kind: 'network' | 'login';
  readonly at: number;
  readonly until: number;
  readonly why: string;
}

export type TrackedAddress = Tracked & { readonly address: string };

/** One message, and all that was ever heard about it. */
export interface MessageHistory extends Pick<QueueEntry, 'state' | 'why'> {
  readonly id: MessageId;
  readonly sizeOctets: number;
  readonly acceptedAt: number;
  readonly due: number;
  readonly expiresAt: number;
  readonly attempts: number;
  readonly lastAttemptAt?: number;
  readonly warnedAt?: number;
  readonly cancelled?: { readonly reason: string; readonly at: number };
  readonly reversePath: string;
  /** Way in, peer, login and the like, in words. */
  readonly origin: Readonly<Record<string, string>>;
  readonly ret?: string;
  readonly envid?: string;
  readonly recipients: readonly {
    readonly address: string;
    readonly original?: string;
    readonly notify?: string;
    /** `transport nexthop`, while it is pending. */
    readonly route?: string;
    readonly outcome?: Outcome;
    readonly outcomeAt?: number;
    readonly reported?: true;
    readonly past: readonly PastOutcome[];
  }[];
}

/** How the queue moves: totals since the start, for whoever takes the difference. */
export interface Overview {
  readonly at: number;
  readonly startedAt: number;
  readonly summary: QueueSummary;
  readonly residentOctets: number;
  readonly accepted: number;
  readonly outcomes: { readonly delivered: number; readonly deferred: number; readonly failed: number };
  readonly completed: number;
  readonly nexthops: readonly NexthopView[];
  /** Links that are down. */
  readonly down?: readonly LinkView[];
}

export interface NexthopView {
  readonly transport: string;
  readonly nexthop: string;
  readonly active: number;
  readonly waiting: number;
  /** Deliveries that it may have at once now. */
  readonly width: number;
  /** Left alone until then. */
  readonly closedUntil?: number;
  readonly trouble?: string;
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
    /** The link that it waits for. */
    readonly link?: string;
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
  readonly security?: Envelope['security'];
  readonly verp?: true;
  readonly requireTls?: true;
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
