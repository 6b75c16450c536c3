/** One of several processes that open a queue at the same moment, each ready to compact it: posts ten messages, or leaves a large file behind. */
import { silent } from '../../src/core/log.ts';
import { openLmdbQueue } from '../../src/flow/queue/index.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { idOf, post, text } from '../props/queue-messages.ts';

const [folder = '', what] = process.argv.slice(2);
const kernels = openKernels();
const clock = createSystemClock();
const store = await openLmdbQueue({ folder, kernels, clock, log: silent, watermarkOctets: 0, compactFrom: 1024 * 1024 });
if (what === 'burst') {
  const many = await Promise.all(Array.from({ length: 100 }, () => post(store, kernels, clock.now(), text(100_000))));
  await store.order({ ids: many.map(idOf) }, { kind: 'drop', now: clock.now() });
} else for (let n = 0; n < 10; n++) idOf(await post(store, kernels, clock.now(), text(50)));
await store.close();
