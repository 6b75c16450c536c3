import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../src/core/clock.ts';
import { silent } from '../../../src/core/log.ts';
import { createMemoryOutbox, openLmdbQueue } from '../../../src/flow/queue/index.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { eventOutboxContract } from '../../contract/event-outbox.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const kernels = openKernels();
const open = (folder: string, clock: Clock, more: { readonly freeSpace?: () => number } = {}) => openLmdbQueue({ folder, clock, kernels, log: silent, watermarkOctets: 0, ...more });
const PLENTY = { events: 1000, octets: 1_000_000 };

eventOutboxContract('memory', (_t, clock) => Promise.resolve(createMemoryOutbox(clock)));
eventOutboxContract('LMDB', async (t, clock) => {
  const queue = await open(scratchFolder('outbox'), clock);
  t.after(() => queue.close());
  return queue.outbox;
});

test('what was kept is there after a start, in order before what comes then, and still counts', async t => {
  const folder = scratchFolder('outbox');
  const clock = createFakeClock();
  const before = await open(folder, clock);
  for (let n = 0; n < 5; n++) await before.outbox.add('a', { events: 1, text: `${n}` }, PLENTY);
  await before.outbox.remove('a', before.outbox.peek('a', 1)[0]?.key ?? '');
  const kept = before.outbox.waiting('a');
  await before.close();
  await clock.set(clock.now() - 3_600_000);
  const then = await open(folder, clock);
  t.after(() => then.close());
  assert.deepEqual(then.outbox.waiting('a'), kept);
  await then.outbox.add('a', { events: 1, text: 'later' }, { events: 4, octets: 1000 });
  assert.deepEqual(then.outbox.peek('a', 100).map(parcel => parcel.text), ['2', '3', '4', 'later']);
});

test('on a disk that is nearly full, the room is for mail: events are lost and counted', async t => {
  const folder = scratchFolder('outbox');
  let free = 1_000_000_000;
  const clock = createFakeClock();
  const queue = await open(folder, clock, { freeSpace: () => free });
  t.after(() => queue.close());
  assert.equal(await queue.outbox.add('a', { events: 1, text: 'first' }, PLENTY), 'kept');
  free = 0;
  await clock.advance(2000);
  assert.equal(await queue.outbox.add('a', { events: 3, text: 'second' }, PLENTY), 'lost');
  assert.deepEqual([queue.outbox.waiting('a').lost, queue.outbox.peek('a', 9).map(parcel => parcel.text)], [3, ['first']]);
});
