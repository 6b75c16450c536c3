/** What is remembered of strangers, in memory and in LMDB alike. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { silent } from '../../../src/core/log.ts';
import type { Notes } from '../../../src/core/notes.ts';
import { createLmdbNotes } from '../../../src/flow/queue/lmdb-notes.ts';
import { openLmdbIndex } from '../../../src/flow/queue/lmdb-index.ts';
import { createMemoryNotes } from '../../../src/flow/queue/memory-notes.ts';
import { createFakeClock, type FakeClock } from '../../props/fake-clock.ts';
import { scratchFor } from '../../props/scratch.ts';

type Open = (t: TestContext, clock: FakeClock, most: number) => { readonly notes: Notes; readonly again: () => Notes; readonly written: () => Promise<void> };

const houses: readonly [string, Open][] = [
  ['memory', (_, clock, most) => {
    const notes = createMemoryNotes(clock, most);
    return { notes, again: () => notes, written: () => Promise.resolve() };
  }],
  ['LMDB', (t, clock, most) => {
    const index = openLmdbIndex(scratchFor(t, 'notes'), 16 * 1024 * 1024, () => false);
    t.after(() => index.close());
    return { notes: createLmdbNotes(index, clock, silent, most), again: () => createLmdbNotes(index, clock, silent, most), written: () => index.transaction(() => undefined) };
  }],
];

for (const [name, open] of houses) {
  test(`${name}: a note stands until it is over, in another process too`, async t => {
    const clock = createFakeClock();
    const { notes, again, written } = open(t, clock, 100);
    const note = { at: clock.now(), until: clock.now() + 1000, count: 3, why: 'three wrong passwords\nand a line' };
    assert.ok(notes.note('ban', 'net 192.0.2.0/24', note));
    assert.deepEqual(notes.recall('ban', 'net 192.0.2.0/24'), note, 'known before it is on the disk');
    assert.equal(notes.recall('greylist', 'net 192.0.2.0/24'), null, 'kinds are apart');
    await written();
    assert.deepEqual(again().recall('ban', 'net 192.0.2.0/24'), note);
    assert.deepEqual(again().all('ban'), [{ key: 'net 192.0.2.0/24', ...note }]);
    await clock.advance(1000);
    assert.equal(notes.recall('ban', 'net 192.0.2.0/24'), null);
    assert.deepEqual(notes.all('ban'), []);
  });

  test(`${name}: strangers cannot fill it: so many of a kind, and no long keys`, async t => {
    const clock = createFakeClock();
    const { notes } = open(t, clock, 5);
    const until = clock.now() + 1000;
    for (let n = 0; n < 5; n++) assert.ok(notes.note('greylist', `k${n}`, { at: clock.now() + n, until, count: 0 }));
    assert.equal(notes.note('greylist', 'k5', { at: 0, until, count: 0 }), false);
    assert.ok(notes.note('greylist', 'k1', { at: clock.now(), until, count: 9 }), 'what is there may change');
    assert.ok(notes.note('ban', 'k5', { at: 0, until, count: 0 }), 'another kind has room of its own');
    assert.equal(notes.note('ban', 'x'.repeat(1001), { at: 0, until, count: 0 }), false);
    assert.equal(notes.recall('ban', 'x'.repeat(1001)), null);
    assert.equal(notes.recall('greylist', 'k1')?.count, 9);
  });

  test(`${name}: forgetting one, and all`, async t => {
    const clock = createFakeClock();
    const { notes } = open(t, clock, 2000);
    const until = clock.now() + 1000;
    for (let n = 0; n < 1200; n++) notes.note('ban', `k${n}`, { at: clock.now() + n, until, count: 0 });
    notes.note('greylist', 'k1', { at: 0, until, count: 0 });
    assert.equal(notes.all('ban')[0]?.key, 'k1199', 'the latest first');
    assert.equal(await notes.forget('ban', { key: 'nobody' }), 0);
    assert.equal(await notes.forget('ban', { key: 'k7' }), 1);
    assert.equal(notes.recall('ban', 'k7'), null);
    assert.equal(await notes.forget('ban', 'all'), 1199);
    assert.deepEqual(notes.all('ban'), []);
    assert.notEqual(notes.recall('greylist', 'k1'), null);
  });
}

test('LMDB: what is over is purged, and makes room', async t => {
  const clock = createFakeClock();
  const index = openLmdbIndex(scratchFor(t, 'notes'), 16 * 1024 * 1024, () => false);
  t.after(() => index.close());
  const notes = createLmdbNotes(index, clock, silent, 3);
  for (let n = 0; n < 3; n++) notes.note('ban', `k${n}`, { at: clock.now(), until: clock.now() + 10 + n, count: 0 });
  assert.equal(notes.note('ban', 'k9', { at: 0, until: clock.now() + 100, count: 0 }), false);
  await clock.advance(11);
  await notes.purge();
  assert.deepEqual(notes.all('ban').map(one => one.key), ['k2']);
  assert.ok(notes.note('ban', 'k9', { at: 0, until: clock.now() + 100, count: 0 }));
});
