/**
 * BOFHDSNREFUSED: a domain whose servers refuse delivery reports (`MAIL FROM:<>`, which RFC 5321 §4.5.5 asks everybody to
 * take) is not taken mail from for that long. Learnt from what becomes of our own reports, forgotten when one gets through.
 */
import type { Clock } from '../../core/clock.ts';
import type { Address, Envelope } from '../../core/envelope.ts';
import type { Notes } from '../../core/notes.ts';
import type { Outcome } from '../../core/outcome.ts';
import { pass, type Check } from '../../core/policy.ts';
import { refuse } from '../../core/status.ts';
import { domainOf } from '../../grammar/address.ts';
import { parseDuration } from '../../grammar/config/duration.ts';
import { isSet } from './switch.ts';

/** How long it is known; the variable says how long it counts. */
const REMEMBERED_MS = 30 * 86_400_000;
const REFUSED = 'reports-refused';

export function createReportsCheck(notes: Notes, clock: Clock): Check {
  return {
    name: REFUSED,
    stage: 'mail',
    judge({ origin, variables, reversePath = null }) {
      const wanted = variables.get('BOFHDSNREFUSED');
      if (wanted === undefined || !isSet(wanted) || reversePath === null) return pass;
      if (origin.relayClient !== undefined || origin.remoteAddress === undefined || origin.source !== 'esmtp') return pass;
      const domain = domainOf(reversePath);
      const note = notes.recall(REFUSED, domain);
      const duration = parseDuration(wanted, '1d');
      if (note === null || duration.kind === 'wrong' || clock.now() - note.at >= duration.value) return pass;
      return refuse('reportsRefused', { why: `${domain} refused a report of ours ${new Date(note.at).toISOString()}: ${note.why ?? ''}` });
    },
  };
}

/** Each outcome of each message; only those of our own reports say anything. */
export function learnFromReport(notes: Notes, clock: Clock, { origin, reversePath }: Envelope, recipient: Address, outcome: Outcome): void {
  if (origin.source !== 'dsn' || reversePath !== null) return;
  const domain = domainOf(recipient);
  if (outcome.kind === 'failed' && outcome.said?.type === 'smtp' && outcome.said.command?.startsWith('MAIL') === true) {
    const now = clock.now();
    notes.note(REFUSED, domain, { at: now, until: now + REMEMBERED_MS, count: 1, why: outcome.said.text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ') });
  } else if (outcome.kind === 'relayed' && notes.recall(REFUSED, domain) !== null) {
    notes.forget(REFUSED, { key: domain }).catch(() => undefined);
  }
}
