/** The short form of `make fault`: a dozen kills in each test run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from '../props/run-seed.ts';
import { scratchFor } from '../props/scratch.ts';
import { killLoop, MOST_TWICE, verdict } from './kill-loop.ts';

test('twelve kills under load lose nothing that was acknowledged', { timeout: 180_000 }, async (t) => {
  const report = await killLoop({ kills: 12, seed: runSeed, folder: scratchFor(t, 'kill-loop'), say: () => undefined });
  t.diagnostic(verdict(report));
  assert.deepEqual(report.lost, [], `seed ${runSeed}`);
  assert.ok(report.acknowledged > 500, `only ${report.acknowledged} messages were accepted: that is no load`);
  assert.ok(report.duplicates <= report.kills * MOST_TWICE, verdict(report));
});
