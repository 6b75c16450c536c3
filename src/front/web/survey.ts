/**
 * What waits, by recipient domain. Looks at so many messages and says so: a million in the queue must not make a page
 * slow, nor the mail behind it. One look serves everyone who asks within a while.
 */
import { domainOf } from '../../grammar/address.ts';
import type { QueueEntry, QueueStore } from '../../core/queue-store.ts';
import { answerOf } from './answers.ts';

export interface Survey {
  readonly looked: number;
  /** False: there were more messages, or more domains, than were looked at. */
  readonly whole: boolean;
  /** Most recipients first. */
  readonly domains: readonly DomainBacklog[];
}

export interface DomainBacklog {
  readonly domain: string;
  readonly recipients: number;
  readonly oldestAt: number;
  /** When the next attempt is due; null: all are held, in quarantine or under way. */
  readonly nextAt: number | null;
  /** The last word about one of them. */
  readonly said?: string;
}

export const LOOK_AT_MOST = 20_000;
const DOMAINS = 1000;
const KEPT_MS = 10_000;

export function createSurvey(queue: Pick<QueueStore, 'list'>, now: () => number): () => Promise<Survey> {
  let kept: { readonly until: number; readonly survey: Promise<Survey> } | null = null;
  return () => {
    if (kept === null || now() >= kept.until || now() < kept.until - KEPT_MS) {
      const mine = { until: now() + KEPT_MS, survey: look(queue) };
      kept = mine;
      mine.survey.catch(() => { if (kept === mine) kept = null; });
    }
    return kept.survey;
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

async function look(queue: Pick<QueueStore, 'list'>): Promise<Survey> {
  const domains = new Map<string, Mutable<DomainBacklog>>();
  let looked = 0;
  let whole = true;
  for await (const entry of queue.list('all')) {
    if (looked === LOOK_AT_MOST) {
      whole = false;
      break;
    }
    looked++;
    if (!count(domains, entry)) whole = false;
  }
  return { looked, whole, domains: [...domains.values()].toSorted((a, b) => b.recipients - a.recipients) };
}

/** False when there was no place for one of its domains. */
function count(domains: Map<string, Mutable<DomainBacklog>>, { message, due, state }: QueueEntry): boolean {
  let all = true;
  for (const { address, outcome } of message.recipients) {
    if (outcome !== undefined && outcome.kind !== 'deferred') continue;
    const domain = domainOf(address);
    let found = domains.get(domain);
    if (found === undefined) {
      if (domains.size >= DOMAINS) {
        all = false;
        continue;
      }
      found = { domain, recipients: 0, oldestAt: message.acceptedAt, nextAt: null };
      domains.set(domain, found);
    }
    found.recipients++;
    found.oldestAt = Math.min(found.oldestAt, message.acceptedAt);
    if (state === 'waiting') found.nextAt = Math.min(found.nextAt ?? due, due);
    if (outcome !== undefined) found.said = answerOf(outcome);
  }
  return all;
}
