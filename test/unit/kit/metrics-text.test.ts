/** One page out of several processes' pages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../../src/kit/metrics.ts';
import { sumMetrics } from '../../../src/kit/metrics-text.ts';

test('samples of one name and labels are added up, others stand side by side, words are said once', async () => {
  const [ours, theirs] = [createMetrics(), createMetrics()];
  ours.counter('mail_total', 'Messages.').add(2, { result: 'a b } 7' });
  theirs.counter('mail_total', 'Messages.').add(3, { result: 'a b } 7' });
  theirs.counter('mail_total', 'Messages.').add(1, { result: 'other' });
  theirs.gauge('sessions', 'Sessions.').set(4);
  const page = sumMetrics([await ours.render(), await theirs.render()]);
  assert.equal(page, '# HELP mail_total Messages.\n# TYPE mail_total counter\nmail_total{result="a b } 7"} 5\nmail_total{result="other"} 1\n# HELP sessions Sessions.\n# TYPE sessions gauge\nsessions 4\n');
});

test('one page stays as it is', async () => {
  const metrics = createMetrics();
  metrics.histogram('seconds', 'How long.', [0.5, 1]).observe(0.7);
  assert.equal(sumMetrics([await metrics.render()]), await metrics.render());
});
