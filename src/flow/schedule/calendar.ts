/**
 * When to try again, when to warn, when to give up: pure.
 *
 * The timetable is the one Courier documents (courier(8)): retrybeta attempts retryalpha apart, a pause of retrygamma,
 * then again, with a pause twice as long each time, retrymaxdelta doublings at most. With the defaults, in minutes:
 * 5 5 5 15 5 5 30 5 5 60 5 5, then 120 5 5 for ever; each counted from the end of the attempt before.
 */
import { after, type Instant } from '../../core/clock.ts';

export interface CalendarSettings {
  readonly retryAlphaMs: number;
  readonly retryBeta: number;
  readonly retryGammaMs: number;
  readonly retryMaxDelta: number;
  /** How long we try (RFC 5321 §4.5.4.1: at least 4 to 5 days). */
  readonly queueTimeMs: number;
  /** When the sender is told of the delay; 0 is never. */
  readonly warnTimeMs: number;
  /** Then the message takes another way (backuprelay), and nobody is warned. */
  readonly otherWayWhenLate?: boolean;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export const courierCalendar: CalendarSettings = {
  retryAlphaMs: 5 * MINUTE, retryBeta: 3, retryGammaMs: 15 * MINUTE, retryMaxDelta: 3,
  queueTimeMs: 7 * DAY, warnTimeMs: 240 * MINUTE,
};

/** A configured interval of 0 must not become a loop. */
const SHORTEST_MS = 1000;
/** 2^20 quarter hours are 30 years: past any queuetime, and still an exact number. */
const MOST_DOUBLINGS = 20;
/** The rising part of the documented timetable. Fewer attempts end in expiry only when queuetime has no room for more. */
const LEAST_ATTEMPTS = 12;

/** `attemptsFinished` counts the one that just ended: 1 after the first. */
export function nextAttempt(settings: CalendarSettings, attemptsFinished: number, endedAt: Instant): Instant {
  return after(endedAt, pauseMs(settings, attemptsFinished));
}

function pauseMs(settings: CalendarSettings, attemptsFinished: number): number {
  const beta = Math.max(1, Math.trunc(settings.retryBeta));
  const round = (attemptsFinished - 1) / beta;
  if (round < 1 || !Number.isInteger(round)) return Math.max(SHORTEST_MS, settings.retryAlphaMs);
  const doublings = Math.min(round - 1, Math.max(0, Math.trunc(settings.retryMaxDelta)), MOST_DOUBLINGS);
  return Math.max(SHORTEST_MS, settings.retryGammaMs * 2 ** doublings);
}

/** When attempts begin that each end at once, in ms since the first, until the message is given up. Bounded, whatever the settings. */
export function attemptTimes(settings: CalendarSettings): readonly number[] {
  const times = [0];
  for (let ms = pauseMs(settings, 1); times.length < MOST_SHOWN; ms += pauseMs(settings, times.length)) {
    times.push(ms);
    if (ms >= settings.queueTimeMs && times.length >= fairAttempts(settings)) break;
  }
  return times;
}

const MOST_SHOWN = 100_000;

export function expiresAt(settings: CalendarSettings, acceptedAt: Instant): Instant {
  return after(acceptedAt, settings.queueTimeMs);
}

/**
 * Asked when an attempt ends. A box without a battery-backed clock may accept mail in 1970 and learn the date later,
 * and any box may have been off for a week: time alone does not end a message that had no fair number of attempts.
 */
export function isExpired(settings: CalendarSettings, acceptedAt: Instant, attemptsFinished: number, endedAt: Instant): boolean {
  return endedAt >= expiresAt(settings, acceptedAt) && attemptsFinished >= fairAttempts(settings);
}

function fairAttempts(settings: CalendarSettings): number {
  let elapsedMs = 0;
  let attempts = 1;
  while (attempts < LEAST_ATTEMPTS) {
    elapsedMs += pauseMs(settings, attempts);
    if (elapsedMs > settings.queueTimeMs) break;
    attempts++;
  }
  return attempts;
}

/** Asked when an attempt ends; that the sender was not warned before is the caller's knowledge. */
export function isWarningDue(settings: CalendarSettings, acceptedAt: Instant, endedAt: Instant): boolean {
  return settings.warnTimeMs > 0 && endedAt >= after(acceptedAt, settings.warnTimeMs);
}
