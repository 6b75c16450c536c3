/**
 * Deliveries that do not go now. Their next hop is in trouble: the attempt counts, in the words in which the trouble was
 * told. Their way is down: it costs no attempt and none of their time, up to a limit. Their lane has more than it can do:
 * they go back to the queue untried, the newest first, and come again one behind the other.
 */
import { after, type Clock, type Instant } from '../../core/clock.ts';
import type { DownLink, Links } from '../../core/links.ts';
import type { Deferred, Failed, Outcomes } from '../../core/outcome.ts';
import type { Route } from '../../core/transport.ts';
import type { Job } from './attempt.ts';
import { expiresAt, type CalendarSettings } from './calendar.ts';
import type { Lane, Lanes } from './lanes.ts';

export interface SidingOptions {
  readonly lanes: Lanes<Job>;
  readonly clock: Clock;
  readonly links?: Links;
  settings(job: Job): CalendarSettings;
  /** How many of one lane are too many. */
  share(): number;
  /** These are the outcomes of a delivery that nobody made. */
  bring(job: Job, outcomes: Outcomes, suspended?: boolean): void;
  end(job: Job): void;
}

export interface Sidings {
  /** True: it has no turn now, and was ended. */
  turnsAway(job: Job, route: Route, now: Instant): boolean;
  /** Everybody who waits in a lane that was closed. */
  suspendAll(lane: Lane, trouble: Deferred, until: Instant): void;
  /** Everybody whose way went down. */
  withdraw(): void;
  /** Lanes that are too slow for what they hold give some of it back. */
  relieve(): void;
  /** So many of the longest lanes, the newest of each. */
  giveWay(messages: number): void;
  /** No turn for this one now. */
  passOver(job: Job, due: Instant): void;
}

/** A guess about so many that wait is no better later than that. */
const LATEST_TURN_MS = 86_400_000;

export function createSidings({ lanes, clock, links, settings, share, bring, end }: SidingOptions): Sidings {
  /** Of lanes that take so much and no more for now: when the last of those who wait has its turn. */
  const turns = new WeakMap<Lane, Instant>();

  function passOver(job: Job, due: Instant): void {
    const { attempt } = job;
    attempt.untriedDue = attempt.untriedDue === null || due < attempt.untriedDue ? due : attempt.untriedDue;
    end(job);
  }

  function suspend(job: Job, trouble: Deferred | undefined, until: Instant): void {
    const { said } = trouble ?? {};
    const outcome: Deferred = {
      kind: 'deferred', status: trouble?.status ?? '4.4.1', blame: 'nexthop', notBefore: trouble?.untried === undefined ? until : turnOf(job.lane, until, trouble.untried.apartMs),
      // Without the peer's name: it did not speak about this message.
      ...(said === undefined ? {} : { said: { type: said.type, text: said.text } }), ...(trouble?.untried === undefined ? {} : { untried: trouble.untried }),
    };
    bring(job, new Map(job.recipients.map(({ id }) => [id, outcome])), true);
    end(job);
  }

  function waitFor(job: Job, down: DownLink): void {
    const { attempt, recipients } = job;
    if (clock.now() < after(attempt.claim.message.acceptedAt, down.longestMs)) {
      attempt.offline ??= new Map();
      for (const { id } of recipients) attempt.offline.set(id, down);
    } else {
      const outcome: Failed = { kind: 'failed', status: '5.4.7', said: { type: 'x-gateway', text: `The link ${down.name} was not up in time` } };
      bring(job, new Map(recipients.map(({ id }) => [id, outcome])));
    }
    end(job);
  }

  /** One behind the other, so that those who cannot all go at that moment do not all come then, and go back to the disk. */
  function turnOf(lane: Lane, until: Instant, apartMs: number): Instant {
    const last = turns.get(lane) ?? until;
    const turn = after(until, Math.min(Math.max(0, last - until) + apartMs, LATEST_TURN_MS));
    turns.set(lane, turn);
    return turn;
  }

  return {
    passOver,
    turnsAway(job, route, now) {
      const { lane } = job;
      const { message } = job.attempt.claim;
      const down = links?.down(route) ?? null;
      const closedUntil = down === null ? lanes.closedUntil(lane, now) : null;
      if (down !== null) waitFor(job, down);
      else if (closedUntil !== null) suspend(job, lane.lastTrouble, closedUntil);
      else if (lanes.isClogged(lane, now, share()) && now < expiresAt(settings(job), message.acceptedAt)) passOver(job, lanes.comeAgain(lane, now));
      else return false;
      return true;
    },
    suspendAll(lane, trouble, until) {
      for (const waiting of lanes.drain(lane)) suspend(waiting, trouble, until);
    },
    withdraw() {
      for (const lane of lanes.busy()) {
        const down = links?.down({ kind: 'route', transport: lane.transport, nexthop: lane.nexthop }) ?? null;
        if (down !== null) for (const job of lanes.drain(lane)) waitFor(job, down);
      }
    },
    relieve() {
      const now = clock.now();
      for (const lane of lanes.busy()) {
        while (lanes.isClogged(lane, now, share())) {
          const job = lanes.dropNewest(lane);
          if (job === undefined) break;
          passOver(job, lanes.comeAgain(lane, now));
        }
      }
    },
    giveWay(messages) {
      const now = clock.now();
      for (let left = messages; left > 0; left--) {
        let longest: Lane | null = null;
        for (const lane of lanes.busy()) if (longest === null || lane.waiting > longest.waiting) longest = lane;
        const job = longest === null ? undefined : lanes.dropNewest(longest);
        if (longest === null || job === undefined) return;
        passOver(job, lanes.comeAgain(longest, now));
      }
    },
  };
}
