/** What a session must do about TLS with one relay, and what is told about how it went. */

export interface TlsPolicy {
  /** opportunistic: STARTTLS when offered. required: or defer. smtps: TLS from the first octet. none: never. */
  readonly kind: 'none' | 'opportunistic' | 'required' | 'smtps';
  /** The certificate must be good and name the relay, or one of `names`. */
  readonly verify: boolean;
  /** Instead of the relay's own name. */
  readonly names?: readonly string[];
  /** PEM of the only authorities trusted; absent: as the transport is set up. */
  readonly authorities?: readonly string[];
  /** The certificate must match these, whoever signed it (RFC 7672). */
  readonly dane?: DaneDemand;
  /** Why no session may begin: the relay is one that its domain's policy, or an unanswered question about it, forbids. */
  readonly forbidden?: string;
  /** Who decided, in a word or two, for the log: `DANE`, `MTA-STS`, `tlspolicy`. */
  readonly by?: string;
  /** For the domain's TLS report; absent: nobody is told. */
  readonly published?: PublishedPolicy;
}

export interface DaneDemand {
  readonly records: readonly TlsaRecord[];
  /** The TLSA base domain, shown as SNI; first among the names that a certificate under DANE-TA may have. */
  readonly base: string;
  readonly names: readonly string[];
}

/** RFC 6698 §2.1 */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matchingType: number;
  readonly association: Uint8Array;
}

/** As a report has it (RFC 8460 §4.4). */
export interface PublishedPolicy {
  readonly kind: 'tlsa' | 'sts' | 'no-policy-found';
  readonly domain: string;
  readonly lines: readonly string[];
  readonly mxHosts?: readonly string[];
  /** A policy that only watches: a certificate that it would refuse is told, and used. */
  readonly testing?: true;
  /** Known before any session began: it could not be fetched, or the relay is not in it. */
  readonly flaw?: TlsFailure;
}

/** RFC 8460 §4.3 */
export interface TlsFailure {
  readonly type:
    | 'starttls-not-supported' | 'certificate-host-mismatch' | 'certificate-expired' | 'certificate-not-trusted' | 'validation-failure'
    | 'tlsa-invalid' | 'dnssec-invalid' | 'dane-required'
    | 'sts-policy-fetch-error' | 'sts-policy-invalid' | 'sts-webpki-invalid';
  readonly why: string;
}

export interface TlsSession {
  readonly published: PublishedPolicy;
  readonly relay: { readonly host: string; readonly address?: string };
  readonly localAddress?: string;
  /** Absent: all was as the policy wants it. */
  readonly failure?: TlsFailure;
}

/** Called once a connection: cheap, and it never throws. */
export interface TlsJournal {
  note(session: TlsSession): void;
}

export const noTlsJournal: TlsJournal = { note: () => undefined };

/** What a day brought with one domain, as reports and operators see it. */
export interface TlsResults {
  /** UTC, `2026-11-21`. */
  readonly day: string;
  readonly domain: string;
  readonly policies: readonly TlsPolicyResults[];
  /** Nobody is told any more, or somebody was. */
  readonly reported?: string;
}

export interface TlsPolicyResults {
  readonly kind: PublishedPolicy['kind'];
  readonly lines: readonly string[];
  readonly mxHosts?: readonly string[];
  readonly successes: number;
  readonly failures: number;
  readonly details: readonly TlsFailureCount[];
}

export interface TlsFailureCount {
  readonly type: TlsFailure['type'];
  readonly why: string;
  readonly mx: string;
  readonly address?: string;
  readonly count: number;
}
