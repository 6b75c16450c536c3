/** Ways out. A transport tries once and answers for every recipient; when to try again is not its business. */
import type { Interruption } from './clock.ts';
import type { Envelope, MessageId, Recipient } from './envelope.ts';
import type { Awaitable } from './intake.ts';
import type { Delivered, Failed, Deferred, Outcomes } from './outcome.ts';
import type { StoredContent } from './queue-store.ts';
import type { TlsPolicy } from './tls.ts';

export type { TlsPolicy } from './tls.ts';

/** Which transport and next hop a recipient takes. Answers from configuration; no network. */
export interface Router {
  route(to: Recipient, envelope: Envelope): Awaitable<Route | Settled>;
}

export interface Route {
  readonly kind: 'route';
  readonly transport: string;
  /** The lane's key: a domain, or a relay's text as configured. */
  readonly nexthop: string;
}

/** Decided without trying: no such domain, null MX, a loop. */
export interface Settled {
  readonly kind: 'settled';
  readonly outcome: Delivered | Deferred | Failed;
}

export interface Delivery {
  readonly id: MessageId;
  readonly nexthop: string;
  readonly envelope: Envelope;
  readonly recipients: readonly Recipient[];
  readonly content: StoredContent;
}

export interface Transport {
  readonly name: string;
  readonly limits: {
    /** Recipients in one delivery. */
    readonly recipients: number;
    /** Deliveries under way at once, for one next hop and in all. */
    readonly perNexthop: number;
    readonly inAll: number;
  };
  /** One forgotten recipient is deferred 4.3.0 by the runner and counted as our bug. Never rejects on purpose. */
  deliver(job: Delivery, signal: Interruption): Promise<Outcomes>;
  /** How long its mail is tried, where that is not the queue's own time (faxqueuetime). */
  queueTimeMs?(): number;
  /** Whoever is left alone may be tried now: somebody flushed, and knows what was mended; or a link came up. */
  forgive?(why: 'flush' | 'link'): void;
  /** Lets idle connections go. */
  close(): Promise<void>;
}

/** What a next hop means on the wire; found when a connection is needed, not before. */
export interface Destinations {
  find(nexthop: string, signal: AbortSignal): Promise<Destination | Settled>;
  /** What a relay thought of our login, so that a token that is no good is not shown again, and somebody is told. */
  loggedIn?(auth: RelayAuth, answer: { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly why: string }): void;
}

export interface Destination {
  readonly kind: 'destination';
  /** In the order in which to try them; never empty. */
  readonly relays: readonly Relay[];
  /** Of relays without their own. */
  readonly tls: TlsPolicy;
  /** Absent: connect directly. */
  readonly proxy?: Proxy;
  readonly auth?: RelayAuth;
  /** All relays are ours by contract: what one refuses before MAIL, the next may take; the first is preferred again once it is back. */
  readonly failover?: true;
  /** The route demands TLS under our private authority (`/SECURITY=STARTTLS`). */
  readonly security?: 'starttls';
  /** Who the relays are is written here, or signed in DNS: nobody could forge it (RFC 8689 §4.2.1). */
  readonly known?: true;
}

/** How we say who we are: by a password, or by a bearer token (RFC 6750) that is good now. */
export type RelayAuth = ({ readonly login: string; readonly password: string } | { readonly login: string; readonly token: string }) & {
  /** Only these mechanisms; absent: the strongest that both know. */
  readonly mechanisms?: readonly string[];
  /** What is secret may cross a connection without TLS. */
  readonly inClear?: true;
};

export interface Relay {
  /** Name to log, to verify the certificate against, and to give the proxy when `address` is absent. */
  readonly host: string;
  readonly address?: string;
  readonly port: number;
  readonly tls?: TlsPolicy;
  /** Reached without the destination's proxy. */
  readonly direct?: true;
  /** Its own login; null: none. */
  readonly auth?: RelayAuth | null;
}

export interface Proxy {
  readonly host: string;
  readonly port: number;
  readonly login?: string;
  readonly password?: string;
  /** Reached through this one. */
  readonly via?: Proxy;
}
