/** Mail that waits past warntime: the sender hears once that it is late, and the message still arrives later. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { readReport } from '../../props/read-report.ts';
import { openSink } from '../../props/sink.ts';

test('one warning, then delivery', { timeout: 60_000 }, async (t) => {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('bob@') ? '450 4.2.2 Full for the moment' : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: { warntime: '1s\n', retryalpha: '1s\n', retrygamma: '1s\n', retrymaxdelta: '0\n' } });
  await box.start();
  await post(box, { token: 'late' });
  await sink.until(30_000, 'the warning', () => sink.arrivals.some((one) => one.reversePath === ''));
  const read = await readReport(sink.arrivals[0]!.content);
  assert.match(read.subject, /warning|delay/i);
  assert.equal(read.recipients[0]?.get('action'), 'delayed');
  assert.match(read.recipients[0]?.get('status') ?? '', /^4\./);
  assert.ok(read.recipients[0]?.has('will-retry-until'));
  sink.obey(undefined);
  await box.run(['flush']);
  await sink.until(20_000, 'the message itself', () => sink.arrivals.some((one) => one.reversePath === 'ada@sender.example'));
  assert.equal(sink.arrivals.filter((one) => one.reversePath === '').length, 1);
  assert.equal(await box.stop(), 0);
});
