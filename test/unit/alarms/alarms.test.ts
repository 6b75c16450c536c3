import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import type { LogFields } from '../../../src/core/log.ts';
import { openAlarms } from '../../../src/front/alarms/index.ts';
import { createMetrics } from '../../../src/kit/metrics.ts';
import { createFakeClock } from '../../props/fake-clock.ts';

const LIMITS = { messages: 100, oldest: 3_600_000, free: 1000, quarantine: 1 };

function set(t: TestContext) {
  const clock = createFakeClock();
  const metrics = createMetrics();
  const said: string[] = [];
  const hear = (_event: string, fields?: LogFields) => void said.push(`${String(fields?.['alarm'])} ${String(fields?.['state'])} ${String(fields?.['value'])}`);
  const well = { messages: 0, claimed: 0, quarantined: 0, oldestAcceptedAt: null as Instant | null, freeOctets: 1_000_000 };
  let summary = well;
  let limits: Parameters<typeof openAlarms>[0]['limits'] extends () => infer L ? L : never = LIMITS;
  let broken = false;
  const alarms = openAlarms({
    clock, metrics, log: { info: hear, warn: hear, error: event => void said.push(`error ${event}`) }, limits: () => limits,
    summary: () => (broken ? Promise.reject(new Error('gone')) : summary),
  });
  t.after(() => alarms.close());
  return {
    alarms, metrics, clock,
    async look(change: Partial<typeof well>): Promise<string[]> {
      summary = { ...well, ...change };
      await clock.advance(10_000);
      return said.splice(0);
    },
    setLimits: (next: typeof limits) => { limits = next; },
    breakQueue: () => { broken = true; },
  };
}

test('each alarm rings once, and is cleared a tenth within its limit', async t => {
  const { look, alarms, clock, metrics } = set(t);
  assert.deepEqual(await look({ messages: 100 }), []);
  assert.deepEqual(await look({ messages: 101 }), ['messages raised 101']);
  assert.deepEqual(await look({ messages: 5000 }), []);
  assert.match(await metrics.render(), /posthorn_alarm\{alarm="messages"\} 1/);
  assert.deepEqual(alarms.raised(), ['5000 messages are in the queue']);
  assert.deepEqual(await look({ messages: 95 }), [], 'near the limit it stays');
  assert.deepEqual(await look({ messages: 90 }), ['messages cleared 90']);
  assert.deepEqual(alarms.raised(), []);
  const since = (clock.now() - 3_600_000) as Instant;
  assert.deepEqual(await look({ oldestAcceptedAt: since }), ['oldest raised 3610000']);
  assert.deepEqual(await look({}), ['oldest cleared 0']);
  assert.deepEqual(await look({ freeOctets: 999 }), ['free raised 999']);
  assert.deepEqual(await look({ freeOctets: 1050 }), []);
  assert.deepEqual(await look({ freeOctets: 1100 }), ['free cleared 1100']);
});

test('one more damaged message is news', async t => {
  const { look } = set(t);
  assert.deepEqual(await look({ quarantined: 1 }), ['quarantine raised 1']);
  assert.deepEqual(await look({ quarantined: 1 }), []);
  assert.deepEqual(await look({ quarantined: 3 }), ['quarantine raised 3']);
  assert.deepEqual(await look({ quarantined: 2 }), []);
  assert.deepEqual(await look({ quarantined: 0 }), ['quarantine cleared 0']);
});

test('limits may change or go, and a queue that cannot be looked at is said', async t => {
  const { look, setLimits, breakQueue } = set(t);
  assert.deepEqual(await look({ messages: 150 }), ['messages raised 150']);
  setLimits({ ...LIMITS, messages: null });
  assert.deepEqual(await look({ messages: 150 }), ['messages cleared 150']);
  breakQueue();
  assert.deepEqual(await look({}), ['error queue']);
});
