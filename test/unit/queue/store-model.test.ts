/** The durable store beside the one that is easy to believe: the same commands, the same answers, reopened at any moment. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import { after } from '../../../src/core/clock.ts';
import type { MessageId, RecipientId } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Claim, News, Order, QueueStore } from '../../../src/core/queue-store.ts';
import { createMemoryQueue, openLmdbQueue } from '../../../src/flow/queue/index.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import fc from '../../props/fast-check.ts';
import { layJournal } from '../../props/journal.ts';
import { all, deferred, delivered, failed, idOf, post, text, unreachable } from '../../props/queue-messages.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';

const outcome = fc.constantFrom<Outcome>(delivered, deferred, failed, unreachable);
const which = fc.nat(30);
const news = fc.record({ first: fc.option(outcome), second: fc.option(outcome), reported: fc.boolean(), warned: fc.boolean() });
type Told = typeof news extends fc.Arbitrary<infer T> ? T : never;
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('post' as const), size: fc.constantFrom(0, 10, 300, 40_000), delayMs: fc.constantFrom(-5, 0, 700, 40_000), keyOf: fc.option(which) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('record' as const), which, news }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), which, news, delayMs: fc.constantFrom(0, 700, 40_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('finish' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('order' as const), which: fc.option(which), kind: fc.constantFrom('flush', 'hold', 'release', 'cancel') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('quarantine' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, 700, 31_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** One store, and what the commands' numbers mean in it. */
interface Side {
  store: QueueStore;
  readonly ids: MessageId[];
  claims: Claim[];
}

for (const [way, journaled] of [['', false], [', with a journal', true]] as const) it(`answers as the store in memory does${way}`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
      const clock = createFakeClock();
      const kernels = openKernels();
      const folder = scratchFolder('model');
      const journalOctets = journaled ? layJournal(folder) : 0;
      const openDurable = (): Promise<QueueStore> => openLmdbQueue({ folder, journalOctets, kernels, clock, log: silent, watermarkOctets: 0, freshMessages: 0 });
      const memory: Side = { store: createMemoryQueue({ clock, kernels }), ids: [], claims: [] };
      const durable: Side = { store: await openDurable(), ids: [], claims: [] };
      const now = (): Instant => clock.now();
      const newsOf = (of: Told): News => ({
        at: now(),
        outcomes: new Map([of.first, of.second].flatMap((one, id) => (one === null ? [] : [[id as RecipientId, one] as const]))),
        ...(of.reported ? { reported: [1 as RecipientId] } : {}),
        ...(of.warned ? { warned: true as const } : {}),
      });

      async function perform(side: Side, what: Command): Promise<unknown> {
        const { store, ids, claims } = side;
        switch (what.do) {
          case 'post': {
            const parent = what.keyOf === null ? undefined : ids[what.keyOf];
            const committed = await post(store, kernels, now(), text(what.size).subarray(0, what.size), {
              due: after(now(), what.delayMs),
              ...(parent === undefined || store.get(parent) === null ? {} : { key: `${parent}:dsn` }),
            });
            const id = idOf(committed);
            if (!ids.includes(id)) ids.push(id);
            return ids.indexOf(id);
          }
          case 'claim': {
            const found = await store.claim({ now: now(), limit: 1000, leaseMs: 30_000 });
            side.claims = [...claims, ...found].sort((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
            return found.map(({ id }) => ids.indexOf(id)).sort((one, other) => one - other);
          }
          case 'record':
            return claims[what.which] && store.record(claims[what.which]!, newsOf(what.news));
          case 'release':
            return claims[what.which] && store.release(claims[what.which]!, { due: after(now(), what.delayMs) }, newsOf(what.news));
          case 'finish':
            return claims[what.which] && store.release(claims[what.which]!, 'finished');
          case 'order': {
            const order: Order = what.kind === 'cancel' ? { kind: 'cancel', now: now(), reason: 'why' } : { kind: what.kind as 'flush', now: now() };
            if (what.which === null) return store.order('all', order);
            return ids[what.which] && store.order({ id: ids[what.which]! }, order);
          }
          case 'quarantine':
            return ids[what.which] && store.quarantine(ids[what.which]!, 'odd');
          case 'pass':
            return undefined;
          case 'reopen':
            await store.close();
            side.claims = [];
            if (side === durable) side.store = await openDurable();
            return undefined;
          default:
            return what satisfies never;
        }
      }

      async function picture({ store, ids }: Side): Promise<unknown> {
        const entries = await all(store);
        const { messages, claimed, quarantined } = await store.summary();
        return {
          entries: entries.map(({ message: { id, trace, facts, ...message }, due, state, why }) => ({ ...message, id: ids.indexOf(id), size: facts.sizeOctets, trace: trace.length, due, state, why })),
          counts: { messages, claimed, quarantined },
          next: await store.nextDue(),
        };
      }

      try {
        for (const what of commands) {
          if (what.do === 'pass') await clock.advance(what.ms);
          const [expected, found] = [await perform(memory, what), await perform(durable, what)];
          assert.deepEqual(found, expected, JSON.stringify(what));
          assert.deepEqual(await picture(durable), await picture(memory), `after ${JSON.stringify(what)}`);
        }
      } finally {
        await durable.store.close();
      }
    }),
    { numRuns: 60 },
  );
});
