/** The judge of the trace is judged: it must see a sync that is missing, late, failed, or of another file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTrace, storyOf } from './system-calls.ts';

const stored = '11 1.0 pwrite64(22</q/data.mdb>, "..X-Token: abc..", 4096, 8192) = 4096';
const synced = '11 1.1 fdatasync(22</q/data.mdb>) = 0';
const said = '10 1.2 writev(9<TCP:[127.0.0.1:25->127.0.0.1:9]>, [{iov_base="250 2.0.0 Queued\\r\\n", iov_len=18}], 1) = 18';
const story = (...lines: readonly string[]): string => storyOf(readTrace(lines.join('\n')), 'abc');

test('good stories', () => {
  assert.equal(story(stored, synced, said), 'synced before 250');
  assert.equal(story('10 0.9 write(9<TCP:[1]>, "250 2.1.5 Ok\\r\\n", 14) = 14', stored, '11 1.1 fdatasync(22</q/data.mdb> <unfinished ...>', '10 1.1 write(4<pipe:[1]>, "x", 1) = 1', '11 1.2 <... fdatasync resumed>) = 0', said), 'synced before 250');
});

test('bad stories', () => {
  assert.match(story(stored, said, synced), /without a sync/);
  assert.match(story(synced, stored, said), /without a sync/);
  assert.match(story(stored, said), /without a sync/);
  assert.match(story(stored, '11 1.1 fdatasync(22</q/data.mdb>) = -1 EIO (Input/output error)', said), /without a sync/);
  assert.match(story(stored, '11 1.1 fdatasync(30</q/other>) = 0', said), /without a sync/);
  assert.match(story(stored, '11 1.1 fdatasync(22</q/data.mdb> <unfinished ...>', said, '11 1.3 <... fdatasync resumed>) = 0'), /without a sync/);
  assert.match(story('11 1.1 fdatasync(22</q/data.mdb> <unfinished ...>', stored, '11 1.2 <... fdatasync resumed>) = 0', said), /without a sync/);
  assert.match(story(stored, synced), /no 250/);
  assert.match(story(synced, said), /never written/);
});

test('what is written through needs no sync, but must have returned', () => {
  const journaled = '11 1.0 pwritev(30</q/journal/1>, [{iov_base="..abc..", iov_len=8}], 1, 8192) = 8';
  const through = (...lines: readonly string[]): string => storyOf(readTrace(lines.join('\n')), 'abc', new Set(['30']));
  assert.equal(through(journaled, said), 'written through before 250');
  assert.match(through('11 1.0 pwritev(30</q/journal/1>, [{iov_base="..abc..", iov_len=8}], 1, 8192 <unfinished ...>', said, '11 1.3 <... pwritev resumed>) = 8'), /before .* had it/);
  assert.match(through('11 1.0 pwritev(30</q/journal/1>, [{iov_base="..abc..", iov_len=8}], 1, 8192) = -1 EIO (Input/output error)', said), /before .* had it/);
  assert.match(through(stored, said), /without a sync/);
});
