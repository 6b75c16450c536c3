/** A store with a clock that stands still, for one promise; and what the chapters of the contract are written with. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Instant } from '../../../src/core/clock.ts';
import type { MessageId, RecipientId } from '../../../src/core/envelope.ts';
import type { Kernels } from '../../../src/core/kernels.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Claim, QueueStore } from '../../../src/core/queue-store.ts';
import type { FakeClock } from '../../props/fake-clock.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import type { Posting } from '../../props/queue-messages.ts';
import { idOf, post } from '../../props/queue-messages.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';

export interface Surroundings {
  readonly clock: FakeClock;
  readonly kernels: Kernels;
}

export interface Scene extends Surroundings {
  readonly store: QueueStore;
  readonly now: () => Instant;
  post(content?: Uint8Array, how?: Posting): Promise<MessageId>;
  claim(limit?: number): Promise<readonly Claim[]>;
  claimOne(): Promise<Claim>;
}

/** A test of one promise. */
export type Promised = (what: string, play: (scene: Scene) => Promise<void>) => void;

export const leaseMs = 60_000;

export function outcomes(...rows: readonly (readonly [RecipientId, Outcome])[]): ReadonlyMap<RecipientId, Outcome> {
  return new Map(rows);
}

export function promisedBy(open: (surroundings: Surroundings) => Promise<QueueStore>): Promised {
  async function scene(play: (scene: Scene) => Promise<void>): Promise<void> {
    const clock = createFakeClock();
    const kernels = openKernels();
    const store = await open({ clock, kernels });
    const claim = (limit = 10): Promise<readonly Claim[]> => store.claim({ now: clock.now(), limit, leaseMs });
    try {
      await play({
        store,
        clock,
        kernels,
        now: () => clock.now(),
        post: async (content, how) => idOf(await post(store, kernels, clock.now(), content, how)),
        claim,
        async claimOne() {
          const [one] = await claim(1);
          assert.ok(one, 'something is due');
          return one;
        },
      });
    } finally {
      await store.close();
    }
  }

  return (what, play) => void it(what, () => scene(play));
}
