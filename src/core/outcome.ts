/** One recipient, one attempt (RFC 3464 §2.3.3). */
import type { Instant } from './clock.ts';
import type { RecipientId } from './envelope.ts';
import type { Status } from './status.ts';

export type Outcome = Delivered | Deferred | Failed;

export interface Delivered {
  /** `relayed`: to a next hop; `relayedDsn` on it says that the next hop took over the duty to report (RFC 3461 §5.2.1). */
  readonly kind: 'delivered' | 'relayed' | 'expanded';
  readonly status: Status<2>;
  readonly dsnHandedOver?: true;
  readonly said?: Diagnostic;
}

export interface Deferred {
  readonly kind: 'deferred';
  readonly status: Status<4>;
  readonly blame: Blame;
  readonly notBefore?: Instant;
  /**
   * Nobody was asked, for this next hop has had as much as it takes: no attempt is counted, and its time does not end with
   * it. Comes with `notBefore`; who waits for the same next hop comes so much later, one behind the other.
   */
  readonly untried?: { readonly apartMs: number };
  /** The connection was lost after the final dot: the next hop may have it (RFC 1047). */
  readonly uncertain?: true;
  readonly said?: Diagnostic;
}

export interface Failed {
  readonly kind: 'failed';
  readonly status: Status<5>;
  readonly said?: Diagnostic;
}

/** Whose trouble it is. Only 'nexthop' slows the lane; 'message' spares the other messages. */
export type Blame = 'recipient' | 'message' | 'nexthop';

/** Their words, in their vocabulary (RFC 3464 §2.3.6). */
export interface Diagnostic {
  readonly type: 'smtp' | 'x-unix' | 'x-fax' | 'x-uucp' | 'x-gateway';
  readonly text: string;
  /** Name and address of the peer that said it, `mx.example [192.0.2.1]`; absent when nobody was reached. */
  readonly remoteMta?: string;
  /** The command that drew the answer. */
  readonly command?: string;
  /** How the connection was secured and who asked for it: `TLSv1.3 TLS_AES_256_GCM_SHA384, DANE`. */
  readonly tls?: string;
}

export type Outcomes = ReadonlyMap<RecipientId, Outcome>;

/** No further attempt for this recipient. */
export function isFinal(outcome: Outcome): outcome is Delivered | Failed {
  return outcome.kind !== 'deferred';
}
