/** A sleep that is broken off: who waits must be woken once, and nobody must be forgotten. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after } from '../../../src/core/clock.ts';
import { Interrupter, signalOf } from '../../../src/kit/interrupter.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';

const HOUR_MS = 3_600_000;

test('everybody who sleeps is woken, at once for whoever comes later', { timeout: 5000 }, async () => {
  const clock = createSystemClock();
  const interrupter = new Interrupter();
  const asleep = [1, 2, 3].map(hours => clock.sleepUntil(after(clock.now(), hours * HOUR_MS), interrupter));
  interrupter.abort();
  interrupter.abort();
  await Promise.all(asleep);
  await clock.sleepUntil(after(clock.now(), HOUR_MS), interrupter);
  assert.equal(interrupter.aborted, true);
});

test('who woke by himself, or went away, hears nothing', async () => {
  const clock = createSystemClock();
  const interrupter = new Interrupter();
  await clock.sleepUntil(after(clock.now(), 5), interrupter);
  const heard: string[] = [];
  const [stays, goes] = [() => void heard.push('stays'), () => void heard.push('goes')];
  for (const one of [stays, goes]) interrupter.addEventListener('abort', one);
  interrupter.removeEventListener('abort', goes);
  interrupter.removeEventListener('abort', goes);
  interrupter.abort();
  assert.deepEqual(heard, ['stays']);
});

test('as a whole signal: itself where it is one, else one that follows', () => {
  const { signal } = new AbortController();
  assert.equal(signalOf(signal), signal);
  const interrupter = new Interrupter();
  const early = signalOf(interrupter);
  assert.equal(early.aborted, false);
  interrupter.abort();
  assert.deepEqual([early.aborted, signalOf(interrupter).aborted], [true, true]);
});
