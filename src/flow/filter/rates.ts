/**
 * ratefilter: how many recipients a sender may have in an interval. A sender is who logged in, or on this machine the
 * account; strangers by SMTP are never limited. Time goes in halves of the interval; this half and the one before count.
 */
import type { Clock } from '../../core/clock.ts';
import type { Filter, Inspected } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';

export interface RatesOptions {
  readonly intervalMs: number;
  readonly recipients: number;
  /** Accounts of this machine below it are daemons, and free. */
  readonly leastUid: number;
  uidOf(account: string): number | null;
  readonly clock: Clock;
}

const REFUSED = refuse('rateExceeded');
/** Senders remembered in one half. */
const MOST_SENDERS = 100_000;

export function createRates({ intervalMs, recipients, leastUid, uidOf, clock }: RatesOptions): Filter {
  const halfMs = intervalMs / 2;
  let half = 0;
  let now = new Map<string, number>();
  let before = new Map<string, number>();

  function turn(): void {
    const current = Math.floor(clock.now() / halfMs);
    if (current === half) return;
    before = current === half + 1 ? now : new Map();
    now = new Map();
    half = current;
  }

  function senderOf({ origin }: Inspected): string | null {
    if (origin.login === undefined) return null;
    if (origin.source !== 'local') return origin.login;
    const uid = uidOf(origin.login);
    return uid !== null && uid < leastUid ? null : `local ${origin.login}`;
  }

  return {
    name: 'ratefilter',
    whenAbsent: 'pass',
    inspect(message) {
      const sender = senderOf(message);
      if (sender === null) return Promise.resolve({ kind: 'looked', verdicts: new Map(), addFields: [] });
      turn();
      const count = (now.get(sender) ?? 0) + message.recipients.size;
      // What is refused counts as well: who does not stop is not let in again.
      if (now.size < MOST_SENDERS || now.has(sender)) now.set(sender, count);
      const tooMany = count + (before.get(sender) ?? 0) > recipients;
      return Promise.resolve({ kind: 'looked', verdicts: new Map(tooMany ? [...message.recipients.keys()].map(id => [id, REFUSED]) : []), addFields: [] });
    },
  };
}
