/** record → report → release: what an attempt brought is written down; each step is durable before the next. */
import type { Clock, Instant } from '../../core/clock.ts';
import type { Origin, RecipientId } from '../../core/envelope.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { DownLink, Links } from '../../core/links.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Claim, Held, News, QueueStore, RecipientState } from '../../core/queue-store.ts';
import type { Reporter } from '../../core/report.ts';
import type { Attempt } from './attempt.ts';
import type { CalendarSettings } from './calendar.ts';
import { contentOf, corruptionOf } from './content.ts';
import { mayNeedReport, settle, soonAfter, wasTried } from './settlement.ts';
import type { Tally } from './tally.ts';

export interface ConclusionOptions {
  readonly store: QueueStore;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly tally: Tally;
  /** Of a message that came so. */
  settings(origin: Origin): CalendarSettings;
  readonly links?: Links;
}

const nobody: ReadonlyMap<RecipientId, DownLink> = new Map();

/** Rejects when the store does; then the lease runs out and the attempt repeats. */
export type Conclude = (attempt: Attempt) => Promise<void>;

export function createConclusion({ store, reporter, clock, tally, settings: current, links }: ConclusionOptions): Conclude {
  async function conclude(attempt: Attempt): Promise<void> {
    if (attempt.lost) return tally.leaseLost();
    const { message } = attempt.claim;
    const settings = current(message.envelope.origin);
    const endedAt = clock.now();
    const corruption = corruptionOf(attempt);
    if (corruption !== null) return await setAside(attempt, corruption.why, endedAt);

    const { outcomes, expired, reports, warn, retryUntil, due } = settle(message, attempt.outcomes, settings, endedAt, { queueTimes: queueTimesOf(attempt, settings, links, endedAt), offline: attempt.offline ?? nobody });
    for (const recipient of expired) tally.delivery(message, recipient, recipient.outcome as Outcome, null);
    const news: News = { at: endedAt, ...(outcomes.size === 0 ? {} : { outcomes }) };
    const worthTelling = (group: readonly RecipientState[]) => group.some(recipient => mayNeedReport(recipient, recipient.outcome as Outcome));
    const toReport = reports.filter(worthTelling);
    // Nobody needs to hear of the others, and that is settled with the rest.
    let told = reports.filter(group => !worthTelling(group)).flatMap(idsOf);
    // Late mail that has another way is not worth a word: it goes there now.
    const otherWay = warn.length > 0 && settings.otherWayWhenLate === true;
    let warned = otherWay;
    let later = false;

    const warning = warn.length > 0 && !otherWay;
    const reporting = toReport.length > 0 || warning;
    if (reporting) {
      // What is reported must be true for ever, so it is durable first.
      if (outcomes.size > 0 && !(await held(attempt, claim => store.record(claim, news)))) return;
      for (const group of toReport) {
        if (await report(attempt, group, null)) told = told.concat(idsOf(group));
        else later = true;
      }
      if (warning) warned = await report(attempt, warn, retryUntil);
    }

    const last: News = {
      ...(reporting ? { at: endedAt } : news),
      ...(told.length === 0 ? {} : { reported: told }),
      ...(warned ? { warned: true as const } : {}),
    };
    if (due === null && !later) {
      if (await held(attempt, claim => store.release(claim, 'finished', last))) tally.completed(message, clock.now());
      return;
    }
    // Nobody was deferred, so nobody minds an earlier turn for those who had none.
    const early = attempt.untriedDue !== null && ![...outcomes.values()].some(outcome => outcome.kind === 'deferred') ? attempt.untriedDue : null;
    const retry = due === null ? soonAfter(settings, endedAt) : otherWay ? endedAt : (early ?? due);
    const tried = [...attempt.outcomes.values()].some(wasTried);
    await held(attempt, claim => store.release(claim, tried ? { due: retry } : { due: retry, untried: true }, last));
  }

  async function setAside(attempt: Attempt, why: string, at: Instant): Promise<void> {
    if (!(await held(attempt, claim => store.record(claim, { at, outcomes: attempt.outcomes })))) return;
    const { id } = attempt.claim;
    tally.bug('content', 'the content is corrupt; set aside in quarantine', { id, why });
    await store.quarantine(id, why);
  }

  /** Writes under the lease we have; should it have been replaced meanwhile, under the new one. */
  async function held(attempt: Attempt, write: (claim: Claim) => Awaitable<Held>): Promise<boolean> {
    for (;;) {
      const { claim } = attempt;
      attempt.written = claim;
      if ((await write(claim)) === 'held') return true;
      if (attempt.claim === claim) break;
    }
    tally.leaseLost();
    return false;
  }

  /** True: nothing more to tell about them. */
  async function report(attempt: Attempt, recipients: readonly RecipientState[], retryUntil: Instant | null): Promise<boolean> {
    const { message } = attempt.claim;
    try {
      const content = await contentOf(attempt, store, tally);
      const about = { message, recipients, ...(content.kind === 'content' ? { content } : {}) };
      const answer = await reporter.report(retryUntil === null ? { ...about, kind: 'final' } : { ...about, kind: 'delay', retryUntil });
      return answer === 'settled';
    } catch (cause) {
      tally.bug('reporter', 'the report failed; it will be tried again', { id: message.id, cause });
      return false;
    }
  }

  return conclude;
}

/** Those of this attempt whose mail is kept for another time: their transport says so, or their link was down for a part of it. */
function queueTimesOf({ claim, jobs }: Attempt, { queueTimeMs }: CalendarSettings, links: Links | undefined, now: Instant): ReadonlyMap<RecipientId, number> {
  let times: Map<RecipientId, number> | undefined;
  for (const { transport, lane: { nexthop }, recipients } of jobs) {
    const own = transport.queueTimeMs?.();
    const downMs = links?.downMs({ kind: 'route', transport: transport.name, nexthop }, claim.message.acceptedAt, now) ?? 0;
    if (own === undefined && downMs === 0) continue;
    times ??= new Map();
    for (const { id } of recipients) times.set(id, (own ?? queueTimeMs) + downMs);
  }
  return times ?? USUAL;
}

const USUAL: ReadonlyMap<RecipientId, number> = new Map();

function idsOf(recipients: readonly RecipientState[]) {
  return recipients.map(recipient => recipient.id);
}
