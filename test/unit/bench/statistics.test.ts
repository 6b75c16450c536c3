/** The bench's arithmetic: a wrong median or verdict would tell the wrong story for years. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '../../../bench/compare.ts';
import { hotspots } from '../../../bench/cpu-profile.ts';
import { judge } from '../../../bench/requirements.ts';
import { createNotebook, type Results } from '../../../bench/results.ts';
import { median, percentile, spread } from '../../../bench/statistics.ts';

test('medians, spreads and percentiles', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
  assert.equal(spread([90, 100, 110]), 0.1);
  assert.equal(spread([7]), 0);
  assert.equal(percentile([5, 1, 4, 2, 3], 0.5), 3);
  assert.equal(percentile([1, 2], 0.99), 2);
});

function results(rates: readonly number[], waits: readonly number[]): Results {
  const notebook = createNotebook();
  for (const rate of rates) notebook.note({ name: 'relay', unit: 'messages/s', better: 'more' }, 'posthorn', rate);
  for (const wait of waits) notebook.note({ name: 'wait', unit: 'ms', better: 'less' }, 'posthorn', wait);
  return { version: 1, at: '', box: { node: '', cpus: 1, model: '' }, quick: true, answers: notebook.answers() };
}

test('a change counts only beyond the noise, in the direction that is better for its unit', () => {
  const before = results([100, 101, 99], [10, 10, 10]);
  const verdicts = (after: Results): readonly string[] => compare(before, after, 'posthorn').map((one) => one.verdict);
  assert.deepEqual(verdicts(results([105, 106, 104], [10.5, 10, 10])), ['same', 'same']);
  assert.deepEqual(verdicts(results([150, 151, 149], [15, 15, 15])), ['better', 'worse']);
  assert.deepEqual(verdicts(results([60, 61, 59], [5, 5, 5])), ['worse', 'better']);
  assert.deepEqual(verdicts(results([60, 100, 140], [10, 10, 10])), ['same', 'same']);
  assert.deepEqual(compare(before, before, 'postfix'), []);
});

test('promises are judged against the peer, and stay open when nobody was asked', () => {
  const notebook = createNotebook();
  const question = { name: 'relay 4K, 10 sessions', unit: 'messages/s', better: 'more' } as const;
  notebook.note(question, 'posthorn', 2900);
  const promise = (): string | undefined => judge(notebook.answers()).find((one) => one.what.startsWith(question.name) && one.kind === 'must')?.verdict;
  assert.equal(promise(), 'open');
  notebook.note(question, 'postfix', 1000);
  assert.equal(promise(), 'broken');
  notebook.note(question, 'posthorn', 3300);
  assert.equal(promise(), 'holds');
});

test('a profile tells self time by function, idle left out', () => {
  const frame = (functionName: string, url: string): object => ({ functionName, url, lineNumber: 9 });
  const profile = JSON.stringify({
    nodes: [
      { id: 1, callFrame: frame('(idle)', '') },
      { id: 2, callFrame: frame('busy', 'file:///home/x/build/src/flow/queue/store.js') },
      { id: 3, callFrame: frame('', 'file:///home/x/node_modules/lmdb/write.js') },
    ],
    samples: [1, 2, 2, 3],
    timeDeltas: [5000, 300, 300, 200],
  });
  assert.deepEqual(hotspots(profile), [
    { name: 'busy', where: 'build/src/flow/queue/store.js:10', share: 0.75 },
    { name: '(anonymous)', where: 'lmdb/write.js:10', share: 0.25 },
  ]);
});
