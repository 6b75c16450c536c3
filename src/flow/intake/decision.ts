/** What many verdicts mean for one message: who gets it, who is told no, and whether anybody looks first. */
import type { Recipient, RecipientId } from '../../core/envelope.ts';
import type { Verdict } from '../../core/policy.ts';
import type { Refusal } from '../../core/status.ts';

export interface Decision {
  readonly kind: 'accepted';
  readonly recipients: readonly Recipient[];
  /** By the place of their accepted RCPT. */
  readonly refused: ReadonlyMap<number, Refusal>;
  /** Why it waits for the operator instead of going on. */
  readonly quarantine?: string;
}

/**
 * `places`: which accepted RCPT each recipient came from, by its id; an alias's members share one, and it stands as long
 * as one of them takes the message. A client that reads one answer only is refused the whole message rather than told
 * yes for somebody who said no: nobody's mail is dropped in silence, and no report goes to a forged sender.
 */
export function decide(recipients: readonly Recipient[], verdicts: ReadonlyMap<RecipientId, Verdict>, places: readonly number[], answers: 'each' | 'one'): Decision | Refusal {
  const kept: Recipient[] = [];
  const taken = new Set<number>();
  const refusals = new Map<number, Refusal>();
  let quarantine: string | undefined;
  for (const recipient of recipients) {
    const verdict = verdicts.get(recipient.id);
    const place = places[recipient.id];
    if (verdict?.kind === 'refused') {
      if (place !== undefined && refusals.get(place)?.reply !== verdict.reply) refusals.set(place, verdict);
      continue;
    }
    if (verdict?.kind === 'quarantine') quarantine ??= verdict.why;
    kept.push(recipient);
    // An alias's own entry takes nothing: it is there to be reported.
    if (place !== undefined && recipient.expanded !== true) taken.add(place);
  }
  for (const place of taken) refusals.delete(place);
  const all = [...refusals.values()];
  const [first] = all;
  // Of different answers the one that lets the client try again.
  if (first !== undefined && (answers === 'one' || taken.size === 0)) return all.find(one => one.reply < 500) ?? first;
  const reported = kept.filter(({ id, expanded }) => expanded !== true || taken.has(places[id] ?? -1));
  return { kind: 'accepted', recipients: reported, refused: refusals, ...(quarantine === undefined ? {} : { quarantine }) };
}
