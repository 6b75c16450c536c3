/** One attempt at one message, cut into deliveries; and what a transport's answer to a delivery is worth: pure. */
import type { Instant } from '../../core/clock.ts';
import type { Recipient, RecipientId } from '../../core/envelope.ts';
import type { DownLink } from '../../core/links.ts';
import type { Deferred, Outcome, Outcomes } from '../../core/outcome.ts';
import type { Claim, CorruptContent, RecipientState, StoredContent } from '../../core/queue-store.ts';
import type { Transport } from '../../core/transport.ts';
import type { Interrupter } from '../../kit/interrupter.ts';
import type { Feedback, Lane } from './lanes.ts';

export interface Attempt {
  /** Replaced when the store handed the message out again while we still had it. */
  claim: Claim;
  /** The lease under which was written last. */
  written: Claim | null;
  readonly octets: number;
  /** The deliveries, started or not. */
  jobs: Job[];
  /** Deliveries not yet ended. */
  left: number;
  /** What this attempt brought so far. */
  readonly outcomes: Map<RecipientId, Outcome>;
  /** Some recipients had no turn, and would like one then. */
  untriedDue: Instant | null;
  /** Whose way was not there: nothing was tried, and no time was lost. */
  offline: Map<RecipientId, DownLink> | null;
  renewedAt: Instant;
  /** Somebody else has the message now: nothing more is written. */
  lost: boolean;
  /** All deliveries ended; what follows is writing. */
  concluding: boolean;
  /** Released, or abandoned. */
  over: boolean;
  content: StoredContent | CorruptContent | Promise<StoredContent | CorruptContent> | null;
}

export interface Job {
  readonly attempt: Attempt;
  readonly transport: Transport;
  readonly lane: Lane;
  readonly recipients: readonly Recipient[];
  abort: Interrupter | null;
  /** On the wire for so long, in heartbeats: a clock that jumps makes nobody older. */
  ageMs: number;
  /** It was told to stop; if it has not at that age, it is given up. */
  giveUpAgeMs: number | null;
  ended: boolean;
}

export interface Answer {
  readonly outcomes: ReadonlyMap<RecipientId, Outcome>;
  readonly feedback: Feedback;
  /** Set with 'trouble'. */
  readonly trouble?: Deferred;
  /** What was wrong with it: our bug, in a word for the counter and a sentence for the log. */
  readonly bugs: readonly string[];
}

/** Nothing unexpected ever becomes a 5yz, and nothing of it is the next hop's fault. */
export const ourBug: Deferred = { kind: 'deferred', status: '4.3.0', blame: 'message' };

const NO_BUGS: readonly string[] = [];

export function weighAnswer(recipients: readonly Recipient[], answered: Outcomes): Answer {
  const bugs: string[] = [];
  let trouble: Deferred | undefined;
  let troubles = 0;
  let ours = 0;
  let mended: Map<RecipientId, Outcome> | null = null;
  for (const { id } of recipients) {
    const outcome = answered.get(id);
    if (outcome === undefined || !isSound(outcome)) {
      bugs.push(outcome === undefined ? `forgot recipient ${id}` : `answered nonsense for recipient ${id}`);
      mended ??= new Map();
      mended.set(id, ourBug);
      ours++;
    } else if (outcome.kind === 'deferred' && outcome.blame === 'nexthop') {
      troubles++;
      trouble = outcome;
    }
  }
  if (answered.size > recipients.length - ours) {
    const asked = new Set<RecipientId>(recipients.map(recipient => recipient.id));
    for (const id of answered.keys()) if (!asked.has(id)) bugs.push(`answered for recipient ${id}, who was not in this delivery`);
  }
  let outcomes = answered;
  if (mended !== null || bugs.length > 0) {
    const whole = new Map<RecipientId, Outcome>();
    for (const { id } of recipients) whole.set(id, mended?.get(id) ?? answered.get(id) ?? ourBug);
    outcomes = whole;
  }
  return {
    outcomes,
    feedback: trouble === undefined ? (ours === recipients.length ? 'neutral' : 'success') : troubles === recipients.length ? 'trouble' : 'neutral',
    ...(trouble === undefined ? {} : { trouble }),
    bugs: bugs.length === 0 ? NO_BUGS : bugs,
  };
}

/** The compiler says so already; a transport that talks to another program may still be wrong at run time. */
function isSound(outcome: Outcome): boolean {
  const first = typeof outcome.status === 'string' ? outcome.status[0] : undefined;
  switch (outcome.kind) {
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return first === '2';
    case 'deferred':
      return first === '4' && typeof outcome.blame === 'string';
    case 'failed':
      return first === '5';
    default:
      outcome satisfies never;
      return false;
  }
}

/** Who is to be tried now. Those told to wait longer wait, unless nobody else is there: then somebody flushed. */
export function whoseTurn(recipients: readonly RecipientState[], now: Instant): readonly RecipientState[] {
  let all = true;
  let rested = 0;
  for (const { outcome } of recipients) {
    if (outcome === undefined) rested++;
    else if (outcome.kind !== 'deferred') all = false;
    else if (outcome.notBefore === undefined || outcome.notBefore <= now) rested++;
    else all = false;
  }
  if (all) return recipients;
  return recipients.filter(({ outcome }) => outcome === undefined || (outcome.kind === 'deferred' && (rested === 0 || outcome.notBefore === undefined || outcome.notBefore <= now)));
}
