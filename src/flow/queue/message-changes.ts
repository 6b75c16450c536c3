/** How a stored message changes: pure, and the same for every store. */
import type { Instant } from '../../core/clock.ts';
import type { Outcome } from '../../core/outcome.ts';
import { isFinal } from '../../core/outcome.ts';
import type { News, Order, PastOutcome, RecipientState, StoredMessage } from '../../core/queue-store.ts';

/** A message, and where the queue has it. `due` stays what it was while the message is leased or held. */
export interface StoredRecord {
  readonly message: StoredMessage;
  readonly due: Instant;
  readonly held: boolean;
  /** The content is a body file, not an entry of the index. */
  readonly inFile: boolean;
}

/** What was ordered while a message was claimed: it obeys at its release. */
export interface PendingOrder {
  readonly flush: boolean;
  readonly hold: boolean;
  readonly cancel?: { readonly reason: string; readonly at: Instant };
}

const nothingOrdered: PendingOrder = { flush: false, hold: false };

export function withNews(message: StoredMessage, news: News): StoredMessage {
  const { outcomes, reported } = news;
  const tried = outcomes !== undefined && outcomes.size > 0;
  const told = reported !== undefined && reported.length > 0;
  if (!tried && !told && news.warned === undefined) return message;
  const recipients = message.recipients.map((recipient) => {
    const outcome = outcomes?.get(recipient.id);
    const after = outcome === undefined ? recipient : withOutcome(recipient, outcome, news.at);
    return reported?.includes(recipient.id) === true && after.reported === undefined ? { ...after, reported: true as const } : after;
  });
  return {
    ...message,
    recipients,
    ...(tried ? { lastAttemptAt: news.at } : {}),
    ...(news.warned === undefined ? {} : { warnedAt: news.at }),
  };
}

function withOutcome(recipient: RecipientState, outcome: Outcome, at: Instant): RecipientState {
  const before = recipient.outcome;
  if (before !== undefined && isFinal(before)) return recipient; // a final outcome is never overwritten
  const { reached: earlier, ...rest } = recipient;
  const reached = before !== undefined && spoken(before) ? before : earlier;
  const past = pastOf(recipient);
  return { ...rest, outcome, outcomeAt: at, ...(spoken(outcome) || reached === undefined ? {} : { reached }), ...(past.length === 0 ? {} : { past }) };
}

/** Different answers that are remembered of a recipient, and octets of each. */
const MOST_PAST = 8;
const PAST_TEXT = 300;

/** With what was the last answer until now. */
function pastOf({ outcome, outcomeAt, past = [] }: RecipientState): readonly PastOutcome[] {
  if (outcome === undefined || outcomeAt === undefined) return past;
  const last = past.at(-1);
  if (last !== undefined && sameWords(last.outcome, outcome)) return [...past.slice(0, -1), { ...last, lastAt: outcomeAt, times: last.times + 1 }];
  return [...past.slice(1 - MOST_PAST), { outcome: shortened(outcome), firstAt: outcomeAt, lastAt: outcomeAt, times: 1 }];
}

function sameWords(one: Outcome, other: Outcome): boolean {
  return one.kind === other.kind && one.status === other.status && one.said?.remoteMta === other.said?.remoteMta && one.said?.text.slice(0, PAST_TEXT) === other.said?.text.slice(0, PAST_TEXT);
}

function shortened(outcome: Outcome): Outcome {
  return outcome.said === undefined || outcome.said.text.length <= PAST_TEXT ? outcome : { ...outcome, said: { ...outcome.said, text: outcome.said.text.slice(0, PAST_TEXT).toWellFormed() } };
}

/** Somebody answered: a peer that has a name, or a program on this box. */
function spoken(outcome: Outcome): boolean {
  return outcome.said !== undefined && (outcome.said.remoteMta !== undefined || outcome.said.type !== 'smtp');
}

export function withAttempt(message: StoredMessage, at: Instant): StoredMessage {
  return { ...message, attempts: message.attempts + 1, lastAttemptAt: at };
}

/** An order given to a message that nobody has claimed. Null: it does not apply. */
export function obey(record: StoredRecord, order: Order): StoredRecord | null {
  switch (order.kind) {
    case 'flush':
      return record.held ? null : { ...record, due: earlier(record.due, order.now) };
    case 'hold':
      return { ...record, held: true };
    case 'release':
      return record.held ? { ...record, held: false } : null;
    case 'cancel':
      return cancelled(record, { reason: order.reason, at: order.now });
    case 'restore':
    case 'drop':
      return null; // only for what is set aside, or gone: the store's own business
    default:
      return order satisfies never;
  }
}

/** An order given to a claimed message, added to what waits for its release. Null: it does not apply. */
export function postpone(pending: PendingOrder | undefined, order: Order): PendingOrder | null {
  const before = pending ?? nothingOrdered;
  switch (order.kind) {
    case 'flush':
      return { ...before, flush: true };
    case 'hold':
      return { ...before, hold: true };
    case 'release':
      return before.hold ? { ...before, hold: false } : null;
    case 'restore':
    case 'drop':
      return null;
    case 'cancel':
      return before.cancel === undefined ? { ...before, cancel: { reason: order.reason, at: order.now } } : before;
    default:
      return order satisfies never;
  }
}

/** What waited for the release now happens. */
export function obeyPending(record: StoredRecord, pending: PendingOrder, now: Instant): StoredRecord {
  const flushed = pending.flush ? { ...record, due: earlier(record.due, now) } : record;
  const placed = pending.hold ? { ...flushed, held: true } : flushed;
  return pending.cancel === undefined ? placed : cancelled(placed, pending.cancel);
}

/** Due at once, held or not: somebody must tell the sender. The first reason stands. */
function cancelled(record: StoredRecord, cancel: { readonly reason: string; readonly at: Instant }): StoredRecord {
  const message = record.message.cancelled === undefined ? { ...record.message, cancelled: cancel } : record.message;
  return { ...record, message, held: false, due: earlier(record.due, cancel.at) };
}

function earlier(one: Instant, other: Instant): Instant {
  return one < other ? one : other;
}
