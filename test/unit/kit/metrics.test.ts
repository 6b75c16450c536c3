import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../../src/kit/metrics.ts';

test('the text is what Prometheus reads: help, type, series, buckets that add up', async () => {
  const metrics = createMetrics();
  metrics.counter('mails_total', 'Mails.').add(2, { status: '2.0.0' });
  metrics.counter('mails_total', 'Mails.').add(1, { status: '2.0.0' });
  metrics.gauge('depth', 'Depth.').set(7);
  const seconds = metrics.histogram('took_seconds', 'Took.', [0.1, 1]);
  for (const value of [0.05, 0.5, 5]) seconds.observe(value);
  assert.equal(await metrics.render(), [
    '# HELP mails_total Mails.', '# TYPE mails_total counter', 'mails_total{status="2.0.0"} 3',
    '# HELP depth Depth.', '# TYPE depth gauge', 'depth 7',
    '# HELP took_seconds Took.', '# TYPE took_seconds histogram',
    'took_seconds_bucket{le="0.1"} 1', 'took_seconds_bucket{le="1"} 2', 'took_seconds_bucket{le="+Inf"} 3', 'took_seconds_sum 5.55', 'took_seconds_count 3', '',
  ].join('\n'));
});

test('labels that strangers choose can neither break the text nor fill memory', async () => {
  const metrics = createMetrics();
  const counter = metrics.counter('x_total', 'X.');
  for (let n = 0; n < 10_000; n++) counter.add(1, { nexthop: `host${n}"\n\\` });
  const lines = (await metrics.render()).trimEnd().split('\n');
  assert.ok(lines.length <= 203, `${lines.length} lines`);
  assert.ok(lines.includes('x_total{nexthop="other"} 9800'));
  assert.ok(lines.includes('x_total{nexthop="host0\\"\\n\\\\"} 1'));
});

test('gauges that cost something are asked only when somebody looks', async () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge('y', 'Y.');
  let asked = 0;
  metrics.onRender(() => gauge.set(++asked));
  assert.equal(asked, 0);
  assert.match(await metrics.render(), /^y 1$/m);
});
