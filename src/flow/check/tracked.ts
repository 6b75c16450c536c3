/**
 * BOFHSUPPRESSBACKSCATTER: what mail from these ways in could not be delivered to lately is refused at RCPT, before there
 * is a message that would have to be returned to somebody who may never have sent it.
 */
import type { AddressTrack } from '../../core/address-track.ts';
import type { Origin } from '../../core/envelope.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { RecipientState } from '../../core/queue-store.ts';
import type { Check, Variables } from '../../core/policy.ts';
import { pass } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';

/** A deferral counts for two hours (Courier's). */
const DEFERRAL_MS = 2 * 3_600_000;

export function createTrackCheck(track: Pick<AddressTrack, 'last'>, now: () => number): Check {
  return {
    name: 'backscatter',
    stage: 'rcpt',
    judge({ origin, variables, recipient }) {
      if (recipient === undefined || !isTracked(origin, variables)) return pass;
      const last = track.last(recipient);
      if (last?.state === 'failure') return refuse('failedLately', { why: `mail for ${recipient} failed ${new Date(last.at).toISOString()}` });
      if (last?.state === 'deferral' && now() - last.at < DEFERRAL_MS) return refuse('deferredLately', { why: `mail for ${recipient} was deferred ${new Date(last.at).toISOString()}` });
      return pass;
    },
  };
}

/** Each outcome of a tracked message. */
export function trackOutcome(track: Pick<AddressTrack, 'note'>, origin: Origin, variables: Variables, recipient: RecipientState, outcome: Outcome): void {
  if (!isTracked(origin, variables)) return;
  track.note(recipient.address, outcome.kind === 'failed' ? 'failure' : outcome.kind === 'deferred' ? 'deferral' : 'success');
}

/** The ways in that are listed: `smtp` without the right to relay, `authsmtp` with it, or a module's name. */
function isTracked(origin: Origin, variables: Variables): boolean {
  const listed = variables.get('BOFHSUPPRESSBACKSCATTER');
  if (listed === undefined || listed === '' || listed === 'none') return false;
  return listed.split(/[\s,]+/).includes(tagOf(origin, variables));
}

function tagOf({ source, relayClient, login }: Origin, variables: Variables): string {
  if (source !== 'esmtp' && source !== 'submission') return source;
  return relayClient !== undefined || login !== undefined || variables.has('RELAYCLIENT') ? 'authsmtp' : 'smtp';
}
