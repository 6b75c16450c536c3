/** What follows from an attempt, as values: outcomes to record, reports due, when to come again. Pure. */
import { after, type Instant } from '../../core/clock.ts';
import type { RecipientId } from '../../core/envelope.ts';
import { isFinal, type Deferred, type Failed, type Outcome } from '../../core/outcome.ts';
import type { DownLink } from '../../core/links.ts';
import type { RecipientState, StoredMessage } from '../../core/queue-store.ts';
import { expiresAt, isExpired, isWarningDue, nextAttempt, type CalendarSettings } from './calendar.ts';

export interface Settlement {
  /** As they are to be recorded: at the end of the calendar a deferral is a failure. */
  readonly outcomes: ReadonlyMap<RecipientId, Outcome>;
  /** Those of them that only the calendar ended. */
  readonly expired: readonly RecipientState[];
  /** Final and not reported, in the groups in which they were recorded, so that a repeated report has the same key. */
  readonly reports: readonly (readonly RecipientState[])[];
  /** Still waiting: whom a delay warning is about; empty when none is due. */
  readonly warn: readonly RecipientState[];
  /** When the first of those still waiting is given up. */
  readonly retryUntil: Instant;
  /** Null: nobody is left to try. */
  readonly due: Instant | null;
}

/** Whether a sender might want to hear of it; who really does, and who the sender is, is the reporter's to decide. */
export function mayNeedReport(recipient: RecipientState, outcome: Outcome): boolean {
  if (outcome.kind === 'failed') return true;
  return outcome.kind !== 'deferred' && Array.isArray(recipient.notify) && recipient.notify.includes('success');
}

/** Somebody was asked, or it was decided for good. */
export function wasTried(outcome: Outcome): boolean {
  return outcome.kind !== 'deferred' || outcome.untried === undefined;
}

/** As it is remembered: that nobody was asked matters now only. */
function unmarked(outcome: Outcome): Outcome {
  if (outcome.kind !== 'deferred') return outcome;
  const { untried: _, ...rest } = outcome;
  return rest;
}

function soonAfterNow(now: Instant): Instant {
  return after(now, 1000);
}

/** Everybody is served and nobody needs to be told: the message can go at once. */
export function isQuietlyDone(message: StoredMessage, outcomes: ReadonlyMap<RecipientId, Outcome>): boolean {
  for (const recipient of message.recipients) {
    const before = recipient.outcome;
    const outcome = before !== undefined && isFinal(before) ? before : outcomes.get(recipient.id);
    if (outcome === undefined || outcome.kind === 'deferred') return false;
    if (recipient.reported !== true && mayNeedReport(recipient, outcome)) return false;
  }
  return true;
}

export interface Ways {
  /** Recipients whose way out has a queue time of its own. */
  readonly queueTimes: ReadonlyMap<RecipientId, number>;
  /** Recipients whose link is down: they were not tried, do not age, and their senders are not warned unless that is wanted. */
  readonly offline: ReadonlyMap<RecipientId, DownLink>;
}

export function settle(message: StoredMessage, brought: ReadonlyMap<RecipientId, Outcome>, settings: CalendarSettings, endedAt: Instant, { queueTimes, offline }: Ways = NO_WAYS): Settlement {
  const attempts = message.attempts + 1;
  const tried = brought.size > 0;
  const settingsOf = (id: RecipientId): CalendarSettings => {
    const queueTimeMs = queueTimes.get(id);
    return queueTimeMs === undefined ? settings : { ...settings, queueTimeMs };
  };
  const outcomes = new Map<RecipientId, Outcome>();
  const expired: RecipientState[] = [];
  const waiting: RecipientState[] = [];
  const groups = new Map<number, RecipientState[]>();
  const next = nextAttempt(settings, attempts, endedAt);
  let retryUntil = Number.POSITIVE_INFINITY;
  let due = Number.POSITIVE_INFINITY;

  for (const recipient of message.recipients) {
    const asked = brought.get(recipient.id);
    const now = afterAttempt(recipient, asked === undefined || wasTried(asked) ? asked : unmarked(asked), endedAt);
    const { outcome } = now;
    if (outcome === undefined || !isFinal(outcome)) {
      const link = offline.get(recipient.id);
      if (link !== undefined) {
        waiting.push(now);
        const until = after(message.acceptedAt, link.longestMs);
        retryUntil = Math.min(retryUntil, until);
        due = Math.min(due, nextLook(link, until, endedAt));
        continue;
      }
      const own = settingsOf(recipient.id);
      if (tried && (asked === undefined || wasTried(asked)) && isExpired(own, message.acceptedAt, attempts, endedAt)) {
        const failed: RecipientState = { ...now, outcome: expiry(now), outcomeAt: endedAt };
        outcomes.set(recipient.id, failed.outcome as Failed);
        expired.push(failed);
        group(groups, failed);
        continue;
      }
      if (brought.has(recipient.id)) outcomes.set(recipient.id, outcome as Deferred);
      if (asked !== undefined && !wasTried(asked)) {
        // Nobody was asked, so the timetable has not moved on.
        waiting.push(now);
        retryUntil = Math.min(retryUntil, expiresAt(own, message.acceptedAt));
        due = Math.min(due, Math.max(soonAfterNow(endedAt), outcome?.notBefore ?? 0));
        continue;
      }
      waiting.push(now);
      const until = expiresAt(own, message.acceptedAt);
      retryUntil = Math.min(retryUntil, until);
      due = Math.min(due, Math.max(next, Math.min(outcome?.notBefore ?? 0, Math.max(next, until))));
      continue;
    }
    if (now !== recipient) outcomes.set(recipient.id, outcome);
    if (now.reported !== true) group(groups, now);
  }
  const late = message.warnedAt === undefined && isWarningDue(settings, message.acceptedAt, endedAt);
  const warn = late ? waiting.filter(({ id }) => offline.get(id)?.warns ?? tried) : [];
  return { outcomes, expired, reports: [...groups.values()], warn, retryUntil: retryUntil as Instant, due: waiting.length === 0 ? null : (due as Instant) };
}

const NO_WAYS: Ways = { queueTimes: new Map(), offline: new Map() };

/** Whoever tells that a link is up makes its mail due; should nobody, it is looked at again from time to time. */
const LOOK_MS = 3_600_000;

function nextLook({ until }: DownLink, deadline: Instant, now: Instant): Instant {
  return Math.max(after(now, 1000), Math.min(until ?? Number.POSITIVE_INFINITY, deadline, after(now, LOOK_MS))) as Instant;
}

/** The recipient as the store will have it once this is recorded. */
function afterAttempt(recipient: RecipientState, outcome: Outcome | undefined, at: Instant): RecipientState {
  const before = recipient.outcome;
  if (outcome === undefined || (before !== undefined && isFinal(before))) return recipient;
  const { reached: earlier, ...rest } = recipient;
  const reached = spoken(outcome) ? undefined : before !== undefined && spoken(before) ? before : earlier;
  return { ...rest, outcome, outcomeAt: at, ...(reached === undefined ? {} : { reached }) };
}

/** Somebody answered: a peer that has a name, or a program on this box. */
function spoken(outcome: Outcome): boolean {
  return outcome.said !== undefined && (outcome.said.remoteMta !== undefined || outcome.said.type !== 'smtp');
}

/** Delivery time expired (RFC 3463 §3.5), with the last words that somebody spoke. */
function expiry(recipient: RecipientState): Failed {
  const words = recipient.reached?.said ?? recipient.outcome?.said;
  return { kind: 'failed', status: '5.4.7', ...(words === undefined ? {} : { said: words }) };
}

function group(groups: Map<number, RecipientState[]>, recipient: RecipientState): void {
  const at = recipient.outcomeAt ?? 0;
  const found = groups.get(at);
  if (found === undefined) groups.set(at, [recipient]);
  else found.push(recipient);
}

/** A cancelled message: everyone still waiting fails, in the operator's words. */
export function cancelOutcomes(message: StoredMessage, reason: string): Map<RecipientId, Outcome> {
  const outcomes = new Map<RecipientId, Outcome>();
  const failed: Failed = { kind: 'failed', status: '5.7.0', said: { type: 'x-unix', text: reason === '' ? 'Message cancelled.' : reason } };
  for (const { id, outcome } of message.recipients) if (outcome === undefined || !isFinal(outcome)) outcomes.set(id, failed);
  return outcomes;
}

/** How long a next hop in trouble is left alone: not past the first retry, or as long as the transport asked for. */
export function pauseMs(settings: CalendarSettings, trouble: Deferred | undefined, now: Instant): number {
  const asked = trouble?.notBefore === undefined ? 0 : Math.min(trouble.notBefore - now, LONGEST_PAUSE_MS);
  return Math.max(Math.min(settings.retryAlphaMs, PAUSE_MS), asked, 0);
}

/** Courier's esmtpdelay. */
const PAUSE_MS = 300_000;
const LONGEST_PAUSE_MS = 4 * 3_600_000;

export function soonAfter(settings: CalendarSettings, now: Instant): Instant {
  return after(now, Math.max(1000, Math.min(settings.retryAlphaMs, PAUSE_MS)));
}
