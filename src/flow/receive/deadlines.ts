/** Which session has had enough time. Pure: the sweep asks once a second for all of them, so no command needs a timer. */
import { refuse, type Refusal } from '../../core/status.ts';
import { ANSWER_MS, RATE_GRACE_MS, TLS_HANDSHAKE_MS, TURNED_AWAY_MS, type Limits } from './limits.ts';

/** Whom the session waits for: the peer, or someone on our side while the peer waits for us. */
export type Waiting =
  | { readonly kind: 'peer'; readonly sinceMs: number; readonly state: 'command' | 'turned away' }
  /** `elapsedMs` without the time that we made the peer wait. */
  | { readonly kind: 'peer'; readonly sinceMs: number; readonly state: 'content'; readonly elapsedMs: number; readonly octets: number }
  | { readonly kind: 'us'; readonly sinceMs: number; readonly state: 'answer' | 'pause' | 'drain' | 'tls' };

/** cut: nothing can be said. unanswered: our own fault, 421 and an error line. */
export type Overdue = { readonly kind: 'fine' } | { readonly kind: 'cut' } | { readonly kind: 'unanswered' } | Refusal;

const fine: Overdue = { kind: 'fine' };
const cut: Overdue = { kind: 'cut' };

export function judgeTime(waiting: Waiting, transactionMs: number, limits: Limits): Overdue {
  const { sinceMs } = waiting;
  if (waiting.state === 'pause') return fine;
  switch (waiting.state) {
    case 'tls':
      return sinceMs > TLS_HANDSHAKE_MS ? cut : fine;
    case 'drain': // it does not read what it asked for
      return sinceMs > limits.idleContentMs ? cut : fine;
    case 'answer':
      return sinceMs > ANSWER_MS ? { kind: 'unanswered' } : fine;
    case 'turned away':
      return sinceMs > TURNED_AWAY_MS ? cut : fine;
    case 'command':
      if (transactionMs > limits.transactionMs) return refuse('transactionTooLong');
      return sinceMs > limits.idleCommandMs ? refuse('idleTooLong') : fine;
    case 'content':
  }
  if (transactionMs > limits.transactionMs) return refuse('transactionTooLong');
  if (sinceMs > limits.idleContentMs) return refuse('idleTooLong');
  return isTooSlow(waiting.octets, waiting.elapsedMs, limits.octetsPerSecond) ? refuse('transactionTooLong') : fine;
}

function isTooSlow(octets: number, elapsedMs: number, octetsPerSecond: number): boolean {
  return elapsedMs > RATE_GRACE_MS && (octets * 1000) / elapsedMs < octetsPerSecond;
}
