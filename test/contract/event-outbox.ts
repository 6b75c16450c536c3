/** What every outbox promises (core/event-outbox.ts). */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Clock } from '../../src/core/clock.ts';
import type { EventOutbox } from '../../src/core/event-outbox.ts';
import { createFakeClock } from '../props/fake-clock.ts';

const PLENTY = { events: 1000, octets: 1_000_000 };

export function eventOutboxContract(name: string, open: (t: TestContext, clock: Clock) => Promise<EventOutbox>): void {
  describe(`${name}: event outbox`, () => {
    const texts = (outbox: EventOutbox, hook: string, events = 100) => outbox.peek(hook, events).map(parcel => parcel.text);

    it('keeps each hook in order and apart, also when time stands still or is set back', async t => {
      const clock = createFakeClock();
      const outbox = await open(t, clock);
      const start = clock.now();
      assert.equal(await outbox.add('a', { events: 2, text: '1,2' }, PLENTY), 'kept');
      const together = [outbox.add('a', { events: 1, text: '3' }, PLENTY), outbox.add('b', { events: 1, text: 'other' }, PLENTY), outbox.add('a', { events: 1, text: '4' }, PLENTY)];
      assert.deepEqual(await Promise.all(together), ['kept', 'kept', 'kept']);
      await clock.set(start - 60_000);
      await outbox.add('a', { events: 1, text: '5' }, PLENTY);
      assert.deepEqual(texts(outbox, 'a'), ['1,2', '3', '4', '5']);
      assert.deepEqual(texts(outbox, 'b'), ['other']);
      assert.deepEqual(texts(outbox, 'nobody'), []);
      assert.deepEqual(outbox.waiting('a'), { events: 5, octets: 6, oldestAt: start, lost: 0 });
    });

    it('gives as many as asked for, at least one parcel, and forgets what is removed', async t => {
      const outbox = await open(t, createFakeClock());
      for (const text of ['1', '2', '3', '4']) await outbox.add('a', { events: 10, text }, PLENTY);
      assert.deepEqual(texts(outbox, 'a', 25), ['1', '2']);
      assert.deepEqual(texts(outbox, 'a', 1), ['1']);
      const [, second] = outbox.peek('a', 100);
      await outbox.remove('a', second?.key ?? '');
      assert.deepEqual(texts(outbox, 'a'), ['3', '4']);
      await outbox.remove('a', second?.key ?? '');
      assert.deepEqual([texts(outbox, 'a'), outbox.waiting('a').events], [['3', '4'], 20]);
    });

    it('lets the oldest go when a hook has too many events or octets, and counts them', async t => {
      const outbox = await open(t, createFakeClock());
      for (let n = 0; n < 50; n++) await outbox.add('a', { events: 2, text: `${n}` }, { events: 6, octets: 1000 });
      assert.deepEqual([texts(outbox, 'a'), outbox.waiting('a').lost], [['47', '48', '49'], 94]);
      await outbox.add('a', { events: 1, text: 'x'.repeat(990) }, { events: 100, octets: 1000 });
      assert.deepEqual([outbox.peek('a', 100).length, outbox.waiting('a').octets], [4, 996]);
      await outbox.add('a', { events: 1, text: 'y'.repeat(5000) }, { events: 100, octets: 1000 });
      assert.deepEqual([outbox.peek('a', 100).length, outbox.waiting('a').octets], [1, 5000]);
    });

    it('keeps only what known hooks left behind', async t => {
      const outbox = await open(t, createFakeClock());
      for (const hook of ['a', 'b', 'c']) await outbox.add(hook, { events: 1, text: hook }, PLENTY);
      await outbox.keepOnly(new Set(['b']));
      assert.deepEqual(['a', 'b', 'c'].map(hook => outbox.waiting(hook).events), [0, 1, 0]);
    });
  });
}
