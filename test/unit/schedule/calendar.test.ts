import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import { courierCalendar, expiresAt, isExpired, isWarningDue, nextAttempt, type CalendarSettings } from '../../../src/flow/schedule/calendar.ts';
import fc from '../../props/fast-check.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const at = (minutes: number) => (1_700_000_000_000 + minutes * MINUTE) as Instant;

/** Pauses in minutes after each attempt. */
function pauses(settings: Partial<CalendarSettings>, count: number): number[] {
  return Array.from({ length: count }, (_, n) => (nextAttempt({ ...courierCalendar, ...settings }, n + 1, at(0)) - at(0)) / MINUTE);
}

const timetables: readonly (readonly [string, Partial<CalendarSettings>, readonly number[]])[] = [
  ['as documented', {}, [5, 5, 5, 15, 5, 5, 30, 5, 5, 60, 5, 5, 120, 5, 5, 120, 5, 5, 120]],
  ['beta 1: every pause is a long one', { retryBeta: 1 }, [5, 15, 30, 60, 120, 120]],
  ['beta 2', { retryBeta: 2 }, [5, 5, 15, 5, 30, 5, 60, 5, 120, 5, 120]],
  ['beta 0 is 1', { retryBeta: 0 }, [5, 15, 30, 60, 120]],
  ['beta -3 is 1', { retryBeta: -3 }, [5, 15, 30, 60, 120]],
  ['a fraction of beta is cut', { retryBeta: 3.9 }, [5, 5, 5, 15, 5, 5, 30]],
  ['maxdelta 0: gamma never doubles', { retryMaxDelta: 0 }, [5, 5, 5, 15, 5, 5, 15, 5, 5, 15]],
  ['maxdelta below 0 is 0', { retryMaxDelta: -1 }, [5, 5, 5, 15, 5, 5, 15]],
  ['gamma 0: a second, not a loop', { retryGammaMs: 0 }, [5, 5, 5, 1 / 60, 5]],
  ['alpha 0: likewise', { retryAlphaMs: 0 }, [1 / 60, 1 / 60, 1 / 60, 15]],
];

test('the timetable is the documented one, whatever the settings', () => {
  for (const [name, settings, want] of timetables) assert.deepEqual(pauses(settings, want.length), want, name);
});

test('no settings make a pause that is no time, or no number', () => {
  fc.assert(fc.property(fc.integer({ min: -5, max: 1e9 }), fc.integer({ min: -5, max: 1e6 }), fc.integer({ min: -5, max: 1e9 }), fc.integer({ min: -5, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (alpha, beta, gamma, delta, attempts) => {
    const next = nextAttempt({ ...courierCalendar, retryAlphaMs: alpha, retryBeta: beta, retryGammaMs: gamma, retryMaxDelta: delta }, attempts, at(0));
    assert.ok(Number.isSafeInteger(next) && next >= at(0) + 1000);
  }));
});

test('a message expires when an attempt ends past queuetime, and never for the clock alone', () => {
  const rows: readonly (readonly [string, Partial<CalendarSettings>, endedAt: number, attempts: number, boolean])[] = [
    ['in time', {}, 7 * 1440 - 1, 240, false],
    ['to the minute', {}, 7 * 1440, 240, true],
    ['past it', {}, 8 * 1440, 240, true],
    ['the clock jumped years after the first attempt', {}, 9e6, 1, false],
    ['and after the eleventh', {}, 9e6, 11, false],
    ['twelve attempts are fair', {}, 9e6, 12, true],
    ['the clock was set back before acceptance', {}, -9e6, 500, false],
    ['queuetime 0: one attempt', { queueTimeMs: 0 }, 0, 1, true],
    ['queuetime 6 minutes has room for two', { queueTimeMs: 6 * MINUTE }, 7, 1, false],
    ['and they were made', { queueTimeMs: 6 * MINUTE }, 7, 2, true],
  ];
  for (const [name, settings, ended, attempts, want] of rows) assert.equal(isExpired({ ...courierCalendar, ...settings }, at(0), attempts, at(ended)), want, name);
  assert.equal(expiresAt(courierCalendar, at(0)), at(0) + 7 * DAY);
});

test('a warning is due from warntime on, and never when it is 0', () => {
  assert.equal(isWarningDue(courierCalendar, at(0), at(239)), false);
  assert.equal(isWarningDue(courierCalendar, at(0), at(240)), true);
  assert.equal(isWarningDue(courierCalendar, at(0), at(-1e6)), false);
  assert.equal(isWarningDue({ ...courierCalendar, warnTimeMs: 0 }, at(0), at(1e6)), false);
});
