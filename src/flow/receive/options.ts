/** What a listener is told. */
import type { SecureContextOptions } from 'node:tls';
import type { AuthBackend, AuthFailures } from '../../core/auth.ts';
import type { Clock } from '../../core/clock.ts';
import type { Origin } from '../../core/envelope.ts';
import type { Awaitable, Intake } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { Admission } from '../../core/policy.ts';
import type { Refusal } from '../../core/status.ts';
import type { Mechanism } from '../../grammar/sasl/mechanisms.ts';
import type { Limits } from './limits.ts';
import type { Trusted } from './peer.ts';

export interface ReceiveOptions {
  readonly listener: ListenerOptions;
  /** Our name, as in `me`. */
  readonly me: string;
  /** Text of the banner, several lines allowed; without it `<me> ESMTP`. */
  readonly greeting?: string;
  /** Names that we have for who connects to an address of ours, by that address. */
  readonly hosts?: ReadonlyMap<string, { readonly me: string; readonly greeting?: string }>;
  readonly intake: Intake;
  /** A refusal is spoken as the greeting; with an empty text the connection is closed without a word. */
  readonly admission: Admission;
  /** Absent: AUTH is not offered. */
  readonly auth?: AuthBackend;
  /** Absent: VRFY and EXPN answer 252, whatever the access file lets them say. */
  readonly directory?: Directory;
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Who may try to log in; absent: everybody, three times a session. */
  readonly failures?: AuthFailures;
  /** Asked at connect, waited for at MAIL only. */
  readonly reverse?: (address: string) => Promise<ReverseName>;
}

/** Who has a mailbox here, for those who ask. Names come as they were typed, with or without a domain. */
export interface Directory {
  /** The address that mail for this name goes to. */
  verify(name: string, origin: Origin): Awaitable<readonly string[] | Refusal>;
  /** The members of an alias. */
  expand(name: string, origin: Origin): Awaitable<readonly string[] | Refusal>;
}

export type ReverseName =
  | { readonly kind: 'found'; readonly name: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'unavailable' };

export interface ListenerOptions {
  /** esmtp: port 25. submission: port 587. smtps: TLS from the first octet. lmtp: an answer for each recipient (RFC 2033). */
  readonly kind: 'esmtp' | 'submission' | 'smtps' | 'lmtp';
  /** An address and port, a Unix socket, or an open socket handed over by the system (socket activation). */
  readonly listen: { readonly host?: string; readonly port: number; readonly ipv6Only?: boolean; readonly reusePort?: boolean } | { readonly fd: number } | { readonly path: string; readonly mode: number };
  readonly limits?: Partial<Limits>;
  /** Absent: STARTTLS is not offered. Required for smtps. */
  readonly tls?: TlsOptions;
  /** Offered without TLS (ESMTPAUTH); default none. */
  readonly mechanisms?: readonly Mechanism[];
  /** Offered under TLS (ESMTPAUTH_TLS); default the same as without. */
  readonly mechanismsTls?: readonly Mechanism[];
  readonly requireAuth?: boolean;
  readonly requireTls?: boolean;
  /** Longer and longer waits at each 5yz; default on, `TARPIT=0` turns it off. */
  readonly tarpit?: boolean;
  /** RCPTMAX of LIMITS (RFC 9422), where a check refuses earlier than `limits.recipients`. */
  readonly announcedRecipients?: number;
  /** Every connection must come from here and begin with a PROXY header; others are refused. Absent: none may. */
  readonly proxyFrom?: Trusted;
  /** Who may say by XCLIENT that the client is another one, and by XFORWARD where a message came from. */
  readonly xclientFrom?: Trusted;
  readonly xforwardFrom?: Trusted;
  /** Messages with a bare CR or LF: refused (default), their line ends mended, or kept as they are. */
  readonly bareLineEnds?: 'reject' | 'normalize' | 'pass';
  /** Clients are devices that cannot be taught: what they say is understood as they mean it. */
  readonly forDevices?: boolean;
  /** What is said and answered is in the log, but for secrets and content. */
  readonly logsDialogue?: boolean;
  /** AUTHRELAYCLIENT: RELAYCLIENT of those who proved who they are; default ''. */
  readonly authRelayClient?: string;
  /**
   * Withholds the banner this long and refuses whoever speaks before it. Default 0: the banner goes out at once,
   * and nobody can be early. Only the connection itself waits.
   */
  readonly bannerWaitMs?: number;
}

/** Our key and certificate, and those of further names we answer to. */
export interface TlsOptions extends SecureContextOptions {
  /** By the name that the client asks for; `*.domain` stands for the names below it. */
  readonly sni?: Readonly<Record<string, SecureContextOptions>>;
  /** By our address, for clients that ask for no name we know. */
  readonly addresses?: Readonly<Record<string, SecureContextOptions>>;
  /** Clients are asked for a certificate of the authorities in `ca`; one that is not good counts for nothing. */
  readonly clients?: {
    /** Without a good one the handshake fails. */
    readonly demand: boolean;
    /** The part of its subject that names the account: AUTH EXTERNAL. */
    readonly subjectField?: string;
  };
}
