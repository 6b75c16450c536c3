/**
 * A process of its own on a queue, told on its standard input what to do and killed without warning. One line in, one
 * line out, both JSON: {"task":"post","sizes":[…]} {"task":"claim","limit":n} {"task":"record"} {"task":"release"}.
 */
import { createInterface } from 'node:readline';
import { after } from '../../src/core/clock.ts';
import type { RecipientId } from '../../src/core/envelope.ts';
import { silent } from '../../src/core/log.ts';
import type { Outcome, Outcomes } from '../../src/core/outcome.ts';
import type { Claim, Draft } from '../../src/core/queue-store.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { deferred, delivered, draft, first, idOf, post, second, text } from '../props/queue-messages.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';

interface Task {
  readonly task: 'post' | 'claim' | 'record' | 'release' | 'draft' | 'drain' | 'close';
  readonly sizes?: readonly number[];
  readonly limit?: number;
  readonly leaseMs?: number;
}

const clock = createSystemClock();
const kernels = openKernels();
const store = await openLmdbQueue({ folder: process.argv[2]!, kernels, clock, log: silent, watermarkOctets: 0, journalOctets: Number(process.argv[3] ?? 0) });
const outcomes: Outcomes = new Map<RecipientId, Outcome>([[first, delivered], [second, deferred]]);
const drafts: Draft[] = [];
let claims: readonly Claim[] = [];
const say = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

async function perform({ task, sizes = [], limit = 100, leaseMs = 3_600_000 }: Task): Promise<unknown> {
  switch (task) {
    case 'post':
      return Promise.all(sizes.map(async (size) => idOf(await post(store, kernels, clock.now(), text(size)))));
    case 'draft': {
      const open = draft(store);
      drafts.push(open);
      for (const size of sizes) await open.write(text(size));
      return open.id;
    }
    case 'claim':
      claims = await store.claim({ now: clock.now(), limit, leaseMs });
      return claims.map(({ id }) => id);
    case 'record':
      return Promise.all(claims.map((claim) => store.record(claim, { at: clock.now(), outcomes, reported: [first] })));
    case 'release':
      return Promise.all(claims.map((claim) => Promise.resolve(store.release(claim, { due: after(clock.now(), 3_600_000) }))));
    case 'drain': {
      const drained: string[] = [];
      for (;;) {
        const batch = await store.claim({ now: clock.now(), limit, leaseMs });
        if (batch.length === 0) return drained;
        for (const claim of batch) if ((await store.release(claim, 'finished')) === 'held') drained.push(claim.id);
      }
    }
    case 'close':
      await store.close();
      return 'closed';
    default:
      return task satisfies never;
  }
}

say({ recovery: store.recovery });
for await (const line of createInterface({ input: process.stdin })) say(await perform(JSON.parse(line) as Task));
