import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatCount, formatOctets, formatRate, formatSpan } from '../../../src/front/web/figures.ts';
import { createHistory, MINUTES_KEPT, SECONDS_KEPT } from '../../../src/front/web/history.ts';
import { createLatency } from '../../../src/front/web/latency.ts';
import { formatPlot, niceTop } from '../../../src/front/web/plot.ts';
import { createTraffic, type Counted } from '../../../src/front/web/traffic.ts';
import fc from '../../props/fast-check.ts';

const START = 1_700_000_040_000; // a whole minute

function counted(of: Partial<Counted> = {}): Counted {
  return { accepted: 0, octets: 0, delivered: 0, deferred: 0, failed: 0, latency: createLatency(), ...of };
}

describe('latency', () => {
  it('gives quantiles within a fifth of the truth, whatever came', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000_000 }), { minLength: 1, maxLength: 200 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
      const latency = createLatency();
      for (const value of values) latency.add(value);
      const truth = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] as number;
      const found = latency.quantile(share) as number;
      assert.ok(Math.abs(found - truth) <= truth * 0.2 + 1, `${found} for ${truth}`);
    }));
  });
  it('knows nothing of nothing, and takes a clock that ran backwards as no time', () => {
    const latency = createLatency();
    assert.equal(latency.quantile(0.5), null);
    latency.add(-5000);
    assert.ok((latency.quantile(0.5) as number) < 1);
    latency.clear();
    assert.equal(latency.quantile(0.5), null);
  });
});

describe('traffic', () => {
  function tapped() {
    let now = START;
    const traffic = createTraffic(() => now);
    return { traffic, pass: (ms: number) => { now += ms; } };
  }
  const delivery = (status: string, host: string, text = '') => ({ id: 'A', status, host, module: 'esmtp', code: '4.2.1', text });

  it('counts what the log says, once, and how long mail took', () => {
    const { traffic } = tapped();
    traffic.log.info('newmsg', { id: 'A', size: 1000 });
    traffic.log.info('delivery', delivery('success', 'mx.example'));
    traffic.log.info('delivery', delivery('deferred', 'mx.example'));
    traffic.log.info('delivery', { id: 'A', status: 'failure' });
    traffic.log.info('completed', { id: 'A', ms: 300 });
    const first = traffic.take();
    assert.deepEqual([first.accepted, first.octets, first.delivered, first.deferred, first.failed, first.latency.total], [1, 1000, 1, 1, 1, 1]);
    assert.ok(Math.abs((first.latency.quantile(0.5) as number) - 300) < 60);
    const second = traffic.take();
    assert.deepEqual([second.accepted, second.octets, second.delivered, second.deferred, second.failed, second.latency.total], [0, 0, 0, 0, 0, 0]);
  });
  it('remembers the next hops of late, busiest first, and their last trouble', () => {
    const { traffic, pass } = tapped();
    for (let n = 0; n < 3; n++) traffic.log.info('delivery', delivery('success', 'busy.example'));
    traffic.log.info('delivery', delivery('deferred', 'slow.example', '451 4.2.1 Later'));
    pass(1000);
    traffic.log.info('delivery', delivery('success', 'slow.example'));
    assert.deepEqual(traffic.nextHops(), [
      { transport: 'esmtp', nexthop: 'busy.example', delivered: 3, deferred: 0, failed: 0, lastAt: START, last: 'success' },
      { transport: 'esmtp', nexthop: 'slow.example', delivered: 1, deferred: 1, failed: 0, lastAt: START + 1000, last: 'success', trouble: { at: START, code: '4.2.1', text: '451 4.2.1 Later' } },
    ]);
  });
  it('stays small when strangers choose the names', () => {
    const { traffic } = tapped();
    traffic.log.info('delivery', delivery('success', 'first.example'));
    for (let n = 0; n < 30_000; n++) {
      traffic.log.info('delivery', delivery('failure', `host${n}.example`));
    }
    assert.equal(traffic.nextHops().length, 500);
    assert.equal(traffic.nextHops().some(hop => hop.nexthop === 'first.example'), false);
  });
});

describe('history', () => {
  it('keeps seconds and minutes in rings: rates averaged by time, levels at their highest', () => {
    const history = createHistory();
    for (let n = 0; n < 120; n++) history.add(START + n * 1000, 1, counted({ accepted: n < 60 ? 6 : 0 }), { queued: n, resident: 100 });
    const perSecond = history.minutes.of('accepted');
    assert.equal(perSecond.length, SECONDS_KEPT);
    assert.deepEqual([perSecond.at(-1), perSecond.at(-61), Number.isNaN(perSecond[0])], [0, 6, true]);
    const perMinute = history.day.of('accepted');
    assert.equal(perMinute.length, MINUTES_KEPT);
    assert.deepEqual([perMinute.at(-1), perMinute.at(-2)], [0, 6]);
    assert.deepEqual(history.day.of('queued').slice(-2), [59, 119]);
    assert.equal(history.average('accepted', 60), 0);
    assert.equal(history.average('accepted', 120), 3);
    assert.ok(Number.isNaN(history.average('median', 60)));
  });
  it('leaves a gap where it slept, and begins anew when the clock is set back', () => {
    const history = createHistory();
    history.add(START, 1, counted({ accepted: 1 }), { queued: 1, resident: 1 });
    history.add(START + 5000, 5, counted({ accepted: 10 }), { queued: 1, resident: 1 });
    assert.deepEqual(history.minutes.of('accepted').slice(-6), [1, NaN, NaN, NaN, NaN, 2]);
    history.add(START + 7 * 86_400_000, 1, counted(), { queued: 1, resident: 1 });
    assert.deepEqual(history.day.of('accepted').filter(value => !Number.isNaN(value)), [0]);
    history.add(START - 60_000, 1, counted({ accepted: 7 }), { queued: 1, resident: 1 });
    assert.deepEqual(history.minutes.of('accepted').filter(value => !Number.isNaN(value)), [7]);
    assert.equal(history.minutes.endsAt, START - 59_000);
  });
});

describe('plots', () => {
  it('say in words what they show, and part the line where nothing is known', () => {
    const history = createHistory();
    history.add(START, 1, counted({ accepted: 3 }), { queued: 1, resident: 1 });
    for (const at of [3000, 4000]) history.add(START + at, 1, counted({ accepted: 40 }), { queued: 1, resident: 1 });
    const { text } = formatPlot({ title: 'Messages', series: history.minutes, format: formatRate, least: 1, lines: [{ measure: 'accepted', name: 'accepted', colour: 'a' }] });
    assert.match(text, /aria-label="Messages, last 5 min: accepted 40\/s; the axis ends at 50\/s"/);
    const [, line = ''] = /class="line line-a" d="([^"]+)"/.exec(text) ?? [];
    assert.match(line, /^M[\d.]+ [\d.]+h0M[\d.]+ [\d.]+L600 [\d.]+$/);
    const empty = formatPlot({ title: 'None', series: createHistory().day, format: formatRate, least: 0, lines: [{ measure: 'failed', name: 'failed', colour: 'd' }] });
    assert.match(empty.text, /failed –; the axis ends at 1\.0\/s/);
  });
  it('end their axes at 1, 2 or 5', () => {
    for (const [value, top] of [[0, 1], [0.3, 0.5], [1, 1], [1.01, 2], [21, 50], [99, 100], [Number.NaN, 1], [-3, 1]] as const) assert.ok(Math.abs(niceTop(value) - top) < 1e-9, String(value));
  });
});

describe('figures', () => {
  it('are short and legible', () => {
    assert.deepEqual([0, 999, 1536, 5 * 1024 ** 2, 64 * 1024 ** 3].map(formatOctets), ['0 B', '999 B', '1.5 KiB', '5.0 MiB', '64 GiB']);
    assert.deepEqual([0, 0.02, 0.5, 1.25, 12.6, 1234].map(formatRate), ['0/s', '1.2/min', '0.50/s', '1.3/s', '13/s', '1234/s']);
    assert.deepEqual([0, 12, 999.6, 1500, 61_000, 3_600_000, 3_725_000, 90_000_000, 86_400_000 * 8].map(formatSpan), ['0 ms', '12 ms', '1000 ms', '1.5 s', '1 min 1 s', '1 h', '1 h 2 min', '1 d 1 h', '8 d']);
    assert.deepEqual([0, 1_234_567].map(formatCount), ['0', '1\u202f234\u202f567']);
    for (const format of [formatOctets, formatRate, formatSpan, formatCount]) assert.equal(format(Number.NaN), '–');
  });
});
